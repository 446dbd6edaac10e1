"""One disagreement inside a transaction, before a profile weighs it.

A slip names the weight it goes by, where it is, and what to say; never what a field holds. Not done here: finding one.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Slip:
    """`name` is that of a weight in [cross]; `index` counts records from 1; `number` is the field's, 0 for the record."""

    name: str
    code: str
    index: int
    number: int
    said: str
    expected: str
    met: str = ""
    subfield: int = 0
    item: int = 0
