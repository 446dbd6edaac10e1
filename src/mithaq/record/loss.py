"""What a conversion could not carry over: one value for each, and a list that cannot grow without end.

    Losses.add, add, ... ──all──► (Loss, Loss, ...)

Of transactions between their two encodings; what templates lose is told in `template.remarks`.
"""

from __future__ import annotations

from dataclasses import dataclass

MOST_LOSSES = 1_000  # entries; a file of a million unknown elements must not make a million of them


@dataclass(frozen=True, slots=True)
class Loss:
    """Something that the other encoding does not hold, or holds in another spelling.

    `record` counts from 1, 0 is the file; `field` reads "14.013", `place` is the path of an XML element; either may be
    empty. `reason` is a sentence without values. Codes REC-040 to REC-053.
    """

    code: str
    record: int
    field: str
    place: str
    reason: str


class Losses:
    """A growing list of losses; past MOST_LOSSES it only counts."""

    def __init__(self) -> None:
        self._found: dict[Loss, None] = {}
        self._more = 0

    def add(self, code: str, reason: str, *, record: int = 0, field: str = "", place: str = "") -> None:
        """Note a loss; the same one is noted once."""
        loss = Loss(code, record, field, place, reason)
        if len(self._found) < MOST_LOSSES:
            self._found.setdefault(loss)
        elif loss not in self._found:
            self._more += 1

    def all(self) -> tuple[Loss, ...]:
        """Everything noted, and one more entry that counts what was not."""
        if not self._more:
            return tuple(self._found)
        return (*self._found, Loss("REC-052", 0, "", "", f"{self._more} more losses are not listed"))
