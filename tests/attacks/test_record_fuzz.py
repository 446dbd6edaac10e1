"""A few hundred damaged inputs for every target of tools/fuzz.py, the same in every run. `make fuzz` goes on from there."""

from __future__ import annotations

import importlib.util
import random
from pathlib import Path
from types import ModuleType

import pytest

TOOL = Path(__file__).parents[2] / "tools" / "fuzz.py"
INPUTS = 250


def _fuzz() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fuzz", TOOL)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


fuzz = _fuzz()


@pytest.mark.parametrize("target", fuzz.TARGETS)
def test_nothing_escapes(target: str, tmp_path: Path) -> None:
    rng = random.Random(f"mithaq {target}")
    seeds = fuzz.seeds_for(target, tmp_path)
    assert seeds
    for data in (*seeds, *(fuzz.mutated(rng, rng.choice(seeds), seeds) for _ in range(INPUTS))):
        fuzz.TARGETS[target](data)


def test_what_escapes_is_kept_once_under_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(data: bytes) -> None:
        raise KeyError(data)

    monkeypatch.setitem(fuzz.TARGETS, "reader", broken)
    hunt = fuzz.Hunt("reader", tmp_path / "found")
    hunt.one(b"first")
    hunt.one(b"second")
    (kept,) = (tmp_path / "found").iterdir()
    assert kept.name == "reader-KeyError-test_record_fuzz.broken.bin" and kept.read_bytes() == b"first"
    assert hunt.found.total() == 2
