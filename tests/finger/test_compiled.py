"""Kernels are compiled although nothing can be kept on disk, and anew where a number from another file has changed."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest
from numba.core.caching import CacheImpl

from mithaq.finger.compiled import compiled


def test_an_account_without_a_place_for_the_cache_compiles_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CacheImpl, "_locator_classes", [])

    def twice(n: int) -> int:
        return 2 * n

    assert compiled(twice)(21) == 42


def test_a_number_that_changed_in_another_file_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kernel_of_test.py").write_text(
        "from mithaq.finger.compiled import compiled\nfrom numbers_of_test import REACH\n\n\n"
        "@compiled\ndef reach() -> int:\n    return REACH\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    for reach in (3, 4, 3):
        (tmp_path / "numbers_of_test.py").write_text(f"REACH = {reach}\n")
        importlib.invalidate_caches()
        for name in ("kernel_of_test", "numbers_of_test"):
            sys.modules.pop(name, None)
        kernel = importlib.import_module("kernel_of_test").reach
        assert kernel() == reach
    assert sum(kernel.stats.cache_hits.values()) == 1, "the third is the first again, from the disk"
