"""JSON that two parties may sign: one possible byte string for each document, and no room for anything unexpected.

    bytes ──load──► JSON values ──read──► frozen dataclasses ──plain──► JSON values ──canonical──► the same bytes

The dataclasses are the schema: their annotations say type and rule, so the terms of an agreement read as a list in
`agreement.py` and nothing is checked in two places. What an agreement's parts must say about each other is not checked
here. Every failure is a `TrustError` (PAC-001 to PAC-009, PAC-018) with the path inside the document.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NoReturn, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import rfc8785

from mithaq.errors import TrustError

MAX_BYTES = 1_048_576  # an agreement with every clause in two languages is about 30 kB

T = TypeVar("T")


@dataclass(frozen=True)
class Rule:
    """What a value must satisfy beyond its type. `says` is the rule in words, as an error shows it."""

    says: str
    pattern: re.Pattern[str] | None = None
    low: float | None = None
    high: float | None = None
    least: int = 0  # fewest items of a list or map
    most: int | None = None
    may_repeat: bool = False  # a list may hold the same item twice


def canonical(value: object, *, what: str = "JSON") -> bytes:
    """The RFC 8785 form of plain JSON values, which is hashed and signed; TrustError PAC-003 for what has none."""
    try:
        return rfc8785.dumps(cast(Any, value))
    except (rfc8785.CanonicalizationError, UnicodeEncodeError, RecursionError) as error:
        raise TrustError(
            "PAC-003",
            "a value has no canonical JSON form",
            place=what,
            expected="finite numbers, whole numbers within 2^53, and well-formed Unicode text",
            remedy="write the value in another way",
            detail=type(error).__name__,
        ) from None


def load(data: bytes, *, what: str) -> object:
    """The JSON values of `data`, which must be exactly their canonical bytes; `what` names the document in errors."""
    if len(data) > MAX_BYTES:
        raise TrustError("PAC-018", f"{len(data)} bytes", place=what, expected=f"at most {MAX_BYTES} bytes")

    def unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
        members = dict(pairs)
        if len(members) != len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            raise TrustError(
                "PAC-002",
                f"the key {shown(twice)} stands twice in one object",
                place=what,
                expected="every key once",
                remedy="take one of the two out",
            )
        return members

    def refuse(constant: str) -> NoReturn:
        raise TrustError("PAC-003", f"the number {constant}", place=what, expected="a finite number")

    try:
        values: object = json.loads(data.decode("utf-8"), object_pairs_hook=unique, parse_constant=refuse)
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError and JSONDecodeError are ValueErrors
        raise TrustError(
            "PAC-001",
            "this is not JSON in UTF-8",
            place=what,
            expected="a JSON object",
            remedy="use the file as `mithaq agreement propose` or `sign` wrote it",
            detail=type(error).__name__,
        ) from None
    if canonical(values, what=what) != data:
        raise TrustError(
            "PAC-004",
            "the bytes are not the canonical form of what they say",
            place=what,
            expected="RFC 8785 (keys sorted, no spaces, shortest numbers)",
            remedy="use the file as `mithaq agreement propose` or `sign` wrote it; an editor may have changed it",
        )
    return values


def read(kind: type[T], value: object, *, what: str) -> T:
    """`value` as the frozen dataclass `kind`: no key more, none less, every type exact and every rule kept."""
    return cast(T, _read(kind, value, "", what))


def plain(item: object) -> Any:
    """The JSON values that `read` made `item` from."""
    if dataclasses.is_dataclass(item) and not isinstance(item, type):
        members = {_key(field): (field, getattr(item, field.name)) for field in dataclasses.fields(item)}
        return {key: plain(part) for key, (field, part) in members.items() if not (_may_lack(field) and part is None)}
    if isinstance(item, Mapping):
        return {key: plain(part) for key, part in item.items()}
    if isinstance(item, (tuple, list)):
        return [plain(part) for part in item]
    return item


def shown(value: object) -> str:
    """A foreign value as an error may show it: short, and without control characters."""
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, (str, int, float, bool, NoneType)) else "…"
    text = "".join(letter if letter.isprintable() else "?" for letter in text)
    return text if len(text) <= 60 else text[:57] + "…"


def _key(field: dataclasses.Field[Any]) -> str:
    return cast(str, field.metadata.get("key", field.name))


def _may_lack(field: dataclasses.Field[Any]) -> bool:
    """True for a member that is left out where it has no value, as JWK members are; null is not a value for it."""
    return "may_lack" in field.metadata


@functools.cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)


def _wrong(value: object, expected: str, path: str, what: str) -> TrustError:
    met = "an object" if isinstance(value, dict) else "a list" if isinstance(value, list) else shown(value)
    return TrustError(
        "PAC-007",
        f"{met} stands where another kind of value belongs",
        place=_place(what, path),
        expected=expected,
        remedy="correct the value, then let both parties sign again",
    )


def _place(what: str, path: str) -> str:
    return f"{what}, {path}" if path else what


def _read(kind: Any, value: object, path: str, what: str, rule: Rule | None = None) -> Any:
    if kind is object:  # what the schema leaves open: a value of released data, kept as it came
        return value
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _read(arguments[0], value, path, what, arguments[1])
    if origin in (Union, UnionType):
        return _read(_arm(arguments, value), value, path, what, rule)
    if dataclasses.is_dataclass(kind):
        return _read_object(cast(type, kind), value, path, what)
    if origin is tuple:
        if not isinstance(value, list):
            raise _wrong(value, "a list", path, what)
        items = tuple(_read(arguments[0], item, f"{path}[{index}]", what) for index, item in enumerate(value))
        _hold(rule, len(items), path, what)
        if rule is None or not rule.may_repeat:
            _distinct([canonical(item) for item in value], path, what)
        return items
    if origin is Mapping:
        if not isinstance(value, dict):
            raise _wrong(value, "an object", path, what)
        _hold(rule, len(value), path, what)
        return {
            _read(arguments[0], key, f"{path}.{key}", what): _read(arguments[1], part, f"{path}.{key}", what)
            for key, part in value.items()
        }
    if origin is Literal:
        if value not in arguments or type(value) not in {type(choice) for choice in arguments}:
            choices = " or ".join(shown(choice) for choice in arguments)
            raise TrustError(
                "PAC-008",
                f"{shown(value)} is not one of the values that may stand here",
                place=_place(what, path),
                expected=choices,
                remedy="correct the value, then let both parties sign again",
            )
        return value
    return _read_scalar(kind, value, path, what, rule)


def _arm(arguments: Sequence[Any], value: object) -> Any:
    """The arm of a union that a JSON value of this type belongs to; where none fits, the last, to be refused there."""
    for arm in arguments:
        shape = get_origin(arm) or arm
        if value is None and arm is NoneType:
            return arm
        if isinstance(value, list) and shape is tuple:
            return arm
        if isinstance(value, str) and (shape is Literal or shape is str or shape is Annotated):
            return arm
    return next(arm for arm in reversed(arguments) if arm is not NoneType)


def _read_object(kind: type, value: object, path: str, what: str) -> Any:
    if not isinstance(value, dict):
        raise _wrong(value, "an object", path, what)
    fields = {_key(field): field for field in dataclasses.fields(kind)}
    for key in value:
        if key not in fields:
            raise TrustError(
                "PAC-005",
                f"the key {shown(key)} is not known",
                place=_place(what, path),
                expected=", ".join(sorted(fields)),
                remedy="a term that cannot be kept must not be agreed: take it out, or use a version that knows it",
            )
    for key, field in fields.items():
        if key not in value and not _may_lack(field):
            raise TrustError(
                "PAC-006",
                f"the key {shown(key)} is missing",
                place=_place(what, path),
                expected=", ".join(sorted(fields)),
                remedy="add it, then let both parties sign again",
            )
        if _may_lack(field) and value.get(key, "") is None:
            raise _wrong(None, f"{shown(key)} with a value, or not at all", f"{path}.{key}", what)
    hints = _hints(kind)
    inner = f"{path}." if path else ""
    return kind(
        **{
            field.name: _read(hints[field.name], value[key], f"{inner}{key}", what)
            for key, field in fields.items()
            if key in value
        }
    )


def _read_scalar(kind: Any, value: object, path: str, what: str, rule: Rule | None) -> Any:
    words = {str: "text", int: "a whole number", float: "a number", bool: "true or false", NoneType: "null"}
    expected = rule.says if rule else words[kind]
    if kind is NoneType:
        if value is not None:
            raise _wrong(value, expected, path, what)
        return None
    if isinstance(value, bool) is not (kind is bool) or not isinstance(value, (int, float) if kind is float else kind):
        raise _wrong(value, expected, path, what)
    if rule is None:
        return value
    if isinstance(value, str):
        good = rule.pattern is None or rule.pattern.fullmatch(value) is not None
    else:
        number = float(cast(float, value))
        good = (-math.inf if rule.low is None else rule.low) <= number <= (math.inf if rule.high is None else rule.high)
    if not good:
        raise TrustError(
            "PAC-008",
            f"{shown(value)} is not allowed here",
            place=_place(what, path),
            expected=expected,
            remedy="correct the value, then let both parties sign again",
        )
    return value


def _hold(rule: Rule | None, count: int, path: str, what: str) -> None:
    if rule is not None and (count < rule.least or (rule.most is not None and count > rule.most)):
        raise TrustError(
            "PAC-009",
            f"{count} entries",
            place=_place(what, path),
            expected=rule.says,
            remedy="correct the list, then let both parties sign again",
        )


def _distinct(items: Sequence[bytes], path: str, what: str) -> None:
    if len(set(items)) != len(items):
        raise TrustError(
            "PAC-009",
            "an entry stands twice in the list",
            place=_place(what, path),
            expected="every entry once",
            remedy="take one of the two out",
        )
