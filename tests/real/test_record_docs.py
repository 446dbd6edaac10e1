"""The examples of the pages about files run as they stand, on real files under the names that the pages use."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

pytestmark = pytest.mark.real
DOCS = Path(__file__).parents[2] / "docs"
NAMES = {
    "card.an2": "nist-itl/nistref__type-4-slaps.an2",
    "one.an2": "nist-itl/nistref__type-14-tip-eji-wsq.an2",
    "other.an2": "nist-itl/nbis__valid1.7.an2",
    "print.fmr": "codecs/libbiomeval__fmr.iso2005",
    "print.wsq": "codecs/nodenist__Fingerprint_LeftPointer.wsq",
}


@pytest.mark.parametrize("page", ["record.md", "record-xml.md", "record-profiles.md", "minutiae.md"])
def test_the_examples_run(page: str, shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, source in NAMES.items():
        shutil.copyfile(shared_data / source, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.S)
    assert blocks
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, page, "exec"), names)
