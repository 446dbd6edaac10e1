"""The notices of a conversation's own life: what one side tells the other between query and end, form by form.

    holder → requester   conclusion · delay · clock-paused · clock-resumed · outcome-request
    requester → holder   conditions-accepted · conditions-declined · outcome-report

Each carries codes, references and officers' identifiers, and nothing about a person. Their conversation is the query's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Literal, get_args

from mithaq.pact.strict import Rule
from mithaq.pact.terms import _WORD

_REFERENCE = Rule("a reference number", re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,63}"))

Result = Literal[
    "result-charge",
    "result-arrest",
    "result-identity",
    "result-false-identity",
    "result-lead",
    "result-cleared",
    "result-unused",
]
Channel = Literal["interpol", "legal-assistance", "liaison", "diplomatic"]
RESULTS: tuple[str, ...] = get_args(Result)
CHANNELS: tuple[str, ...] = get_args(Channel)


@dataclass(frozen=True)
class HolderConclusion:
    """What the holder's examiners concluded of a candidate (REQ-033); `second_by` is "" where one was enough."""

    decision: Literal["identified", "excluded", "inconclusive"]
    reference: Annotated[str, _REFERENCE]
    by: Annotated[str, _WORD]
    second_by: Annotated[str, _WORD] | None


@dataclass(frozen=True)
class Delay:
    """The answer's limit cannot be met; the query is kept and will be answered (REQ-043)."""

    reason: Literal["force-majeure"]


@dataclass(frozen=True)
class Pause:
    """The follow-up's clock stands still, and why (REQ-044)."""

    reason: Literal["judicial-authorisation"]


@dataclass(frozen=True)
class By:
    """An officer did it: who."""

    by: Annotated[str, _WORD]


@dataclass(frozen=True)
class Outcome:
    """What became of the released data, as a code (REQ-059)."""

    result: Result
    by: Annotated[str, _WORD]


__all__ = ["CHANNELS", "RESULTS", "By", "Channel", "Delay", "HolderConclusion", "Outcome", "Pause", "Result"]
