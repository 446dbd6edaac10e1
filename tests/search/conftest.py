"""Galleries that several search tests begin with."""

from __future__ import annotations

from pathlib import Path

import pytest
from search_twins import template_of

from mithaq.search import Gallery


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "gallery"


@pytest.fixture
def three(place: Path) -> Path:
    """A closed gallery of three persons: A with two fingers, B and C with one."""
    with Gallery(place, writable=True) as gallery:
        gallery.add("A-1", 2, 0, template_of(1))
        gallery.add("A-1", 7, 0, template_of(2))
        gallery.add("B-2", 2, 0, template_of(3))
        gallery.add("C-3", 1, 1, template_of(4))
    return place
