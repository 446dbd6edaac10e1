"""Kernels are compiled although nothing can be kept on disk."""

from __future__ import annotations

import pytest
from numba.core.caching import CacheImpl

from mithaq.finger.compiled import compiled


def test_an_account_without_a_place_for_the_cache_compiles_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CacheImpl, "_locator_classes", [])

    def twice(n: int) -> int:
        return 2 * n

    assert compiled(twice)(21) == 42
