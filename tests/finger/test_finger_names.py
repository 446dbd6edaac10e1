"""The package's functions keep their names, whichever of its files was imported first."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize("first", ["mithaq.finger.extract", "mithaq.finger.compare", "mithaq.finger"])
def test_functions_are_not_hidden_by_the_files_they_live_in(first: str) -> None:
    program = (
        f"import {first}; from mithaq.finger import compare, extract; assert callable(compare) and callable(extract)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_importing_the_package_loads_neither_numba_nor_onnxruntime() -> None:
    program = "import sys, mithaq.finger; assert not {'numba', 'onnxruntime'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)
