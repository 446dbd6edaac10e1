"""The texts of this room in both languages: why something was refused, what a code means, the model's clauses.

They are data (`reasons.toml`, `labels.toml`, `clauses.toml` beside this file), so that a lawyer or a native speaker can
review them without reading code. `{name}` in a reason stands for a fact of the refused query: a limit, a code, never a
person.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from mithaq.pact.terms import Bilingual, Clause


@dataclass(frozen=True)
class ReasonTerms:
    """What stands behind a refusal's reason: the requirement, the parameter's path and the sentence, with its gaps."""

    requirement: str
    parameter: str
    sentence: Bilingual


def reason_terms(reason: str) -> ReasonTerms | None:
    """The terms of a refusal's reason, or None where there is no such reason."""
    return _reasons().get(reason)


def all_reasons() -> tuple[str, ...]:
    """Every refusal reason of the gate and the state table, in the order of their numbered checks."""
    return tuple(_reasons())


def label(code: str) -> Bilingual:
    """What a code (a purpose, search type, role, outcome, conclusion, state, field of core data) is called.

    KeyError where the code is unknown.
    """
    return _labels()[code]


def model_clauses() -> Mapping[str, Clause]:
    """The model agreement's clauses, by parameter path or requirement: a text of this project, in its own words."""
    return {key: Clause(**entry) for key, entry in _data("clauses.toml").items()}


def release_refusals() -> Mapping[str, Bilingual]:
    """The coded reasons for which a holder may refuse a release (REQ-051)."""
    return {code: Bilingual(**entry) for code, entry in _data("labels.toml")["release-refusal"].items()}


@cache
def _reasons() -> dict[str, ReasonTerms]:
    return {
        reason: ReasonTerms(entry["requirement"], entry["parameter"], Bilingual(ar=entry["ar"], en=entry["en"]))
        for reason, entry in _data("reasons.toml").items()
    }


@cache
def _labels() -> dict[str, Bilingual]:
    return {code: Bilingual(**entry) for group in _data("labels.toml").values() for code, entry in group.items()}


def _data(name: str) -> dict[str, Any]:
    return tomllib.loads(resources.files("mithaq.pact").joinpath(name).read_text(encoding="utf-8"))
