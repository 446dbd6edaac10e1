"""What a check noticed, before a profile weighs it: of one value, or of a place in the transaction.

A fault names the weight that it goes by and what to say of it; never what a field holds. Not done here: finding one.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """One departure of a value: `name` is that of a weight in [fields]."""

    name: str
    code: str
    said: str
    expected: str
    met: str = ""


@dataclass(frozen=True, slots=True)
class PlacedFault:
    """One disagreement within a transaction: `name` is that of a weight in [cross]; `index` counts records from 1.

    `number` is that of the field it is told at.
    """

    name: str
    code: str
    index: int
    number: int
    said: str
    expected: str
    met: str = ""
    subfield: int = 0
    item: int = 0
