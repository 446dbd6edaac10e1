"""The agreement: one byte string per document, strict reading, both signatures, its clauses and differences."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import agreements
import pytest
from agreements import AT, END, START, side
from hypothesis import given, settings
from hypothesis import strategies as st

from mithaq.errors import FormatError, TrustError
from mithaq.pact.agreement import (
    PARAMETERS,
    active,
    candidate_cap,
    clause_text,
    difference,
    parse_agreement,
    threshold_fmr,
)
from mithaq.pact.signed import parse_signed, sign, unsigned, verify
from mithaq.pact.strict import canonical, plain
from mithaq.pact.wording import all_reasons, reason_terms


def edited(path: str, value: Any, data: bytes | None = None) -> bytes:
    """The document with one value changed (a missing step is added); `...` deletes it."""
    document = json.loads(data or agreements.document())
    steps = re.findall(r"\[\d+\]|[^.\[]+", path)
    inner = document
    for step in steps[:-1]:
        inner = inner[int(step[1:-1]) if step[0] == "[" else step]
    last = int(steps[-1][1:-1]) if steps[-1][0] == "[" else steps[-1]
    if value is ...:
        del inner[last]
    else:
        inner[last] = value
    return canonical(document)


def code_of(data: bytes) -> str:
    with pytest.raises(TrustError) as caught:
        parse_agreement(data)
    assert str(caught.value).startswith(caught.value.code)
    assert caught.value.place
    assert caught.value.expected
    return caught.value.code


def test_the_document_comes_back_byte_for_byte_and_its_id_is_its_digest() -> None:
    data = agreements.document()
    agreement = parse_agreement(data)
    assert agreement.document == data
    assert re.fullmatch("sha256:[0-9a-f]{64}", agreement.id)
    assert set(agreement.parties) == {"QA", "US"}
    assert agreement.other("QA") == "US"
    party = agreement.party("US")
    assert party is not None
    point = party.contact("us-border")
    assert point is not None
    assert point.serves("investigate-serious-crime")
    assert not point.serves("terrorism")
    assert agreement.party("FR") is None
    with pytest.raises(ValueError, match="party"):
        agreement.other("FR")


@settings(max_examples=40, deadline=None)
@given(
    day=st.integers(0, 1_000_000), cap=st.integers(1, 100), fmr=st.floats(1e-9, 0.01), version=st.integers(1, 9999),
    months=st.integers(0, 1200), bound=st.sampled_from(["above", "at-least"]), hour=st.integers(0, 23),
    name=st.text(st.characters(categories=["Lu", "Ll", "Lo", "Nd"]), min_size=1, max_size=40),
    excluded=st.lists(st.sampled_from(["tax", "customs", "libel", "poaching"]), unique=True),
)  # fmt: skip
def test_parsing_the_canonical_form_gives_back_the_document(
    day: int, cap: int, fmr: float, version: int, months: int, bound: str, hour: int, name: str, excluded: list[str]
) -> None:
    data = agreements.document(
        title={"ar": "اتفاقية " + name, "en": "Agreement " + name}, version=version,
        previous=None if version == 1 else "sha256:" + "0" * 64,
        search_types={"TP/TP": {"day": day, "candidates": cap, "threshold_fmr": fmr}},
        crime={"min_max_penalty_months": months, "bound": bound, "excluded": excluded},
        quota={"day_boundary": f"{hour:02}:30Z"},
    )  # fmt: skip
    agreement = parse_agreement(data)
    assert canonical(plain(agreement)) == data
    assert parse_agreement(agreement.document) == agreement
    assert candidate_cap(agreement, "TP/TP") == cap
    assert threshold_fmr(agreement, "TP/TP") == fmr


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "PAC-001"),
        (b"\xff\xfe{}", "PAC-001"),
        (b"not json", "PAC-001"),
        (b"[" * 100_000, "PAC-001"),
        (b'{"a":1,"a":2}', "PAC-002"),
        (b'{"a":NaN}', "PAC-003"),
        (b'{"a":-Infinity}', "PAC-003"),
        (b'{"a":1e400}', "PAC-003"),
        (b'{"a":9007199254740993}', "PAC-003"),
        (b'{"a":"\\ud800"}', "PAC-003"),
        (b'{"a": 1}', "PAC-004"),
        (b'{"b":1,"a":1}', "PAC-004"),
        (b'{"a":1.0}', "PAC-004"),
        (b'{"a":"\\u0041"}', "PAC-004"),
        (b"[]", "PAC-007"),
        (b'"' + b"x" * 1_048_576 + b'"', "PAC-018"),
        (b"{}", "PAC-006"),
        (b'{"schema":"mithaq-agreement-9"}', "PAC-010"),
    ],
)
def test_bytes_that_are_no_agreement(data: bytes, code: str) -> None:
    assert code_of(data) == code


def test_a_line_feed_or_an_indent_makes_a_document_another_one() -> None:
    assert code_of(agreements.document() + b"\n") == "PAC-004"
    assert code_of(json.dumps(json.loads(agreements.document()), indent=1).encode()) == "PAC-004"


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ("surprise", 1, "PAC-005"),
        ("valid.until", None, "PAC-005"),
        ("parties.QA.keys.hmac", [], "PAC-005"),
        ("parties.QA.contact_points[0].phone", "1", "PAC-005"),
        ("search_types.TP/TP.week", 3, "PAC-005"),
        ("clauses.valid.note", "x", "PAC-005"),
        ("quota", ..., "PAC-006"),
        ("valid.to", ..., "PAC-006"),
        ("parties.QA.country", ..., "PAC-006"),
        ("version", True, "PAC-007"),
        ("version", "1", "PAC-007"),
        ("version", 1.5, "PAC-007"),
        ("purposes", "terrorism", "PAC-007"),
        ("valid", [], "PAC-007"),
        ("modalities.palm", 1, "PAC-007"),
        ("previous", 4, "PAC-007"),
        ("parties.QA.keys.sign[0].y", None, "PAC-007"),
        ("search_types.TP/TP.threshold_fmr", "1e-6", "PAC-007"),
        ("purposes", ["espionage"], "PAC-008"),
        ("version", 0, "PAC-008"),
        ("crypto_suite", "rot13", "PAC-008"),
        ("search_types.XX/YY", {}, "PAC-008"),
        ("search_types.TP/TP.threshold_fmr", 0.5, "PAC-008"),
        ("search_types.TP/TP.day", -1, "PAC-008"),
        ("search_types.TP/TP.candidates", 0, "PAC-008"),
        ("valid.from", "2026-01-01", "PAC-008"),
        ("quota.day_boundary", "24:00Z", "PAC-008"),
        ("title.ar", "only Latin", "PAC-008"),
        ("title.en", "override \u202e desrever", "PAC-008"),
        ("parties.QA.contact_points[0].url", "http://plain.example", "PAC-008"),
        ("parties.QA.contact_points[0].url", "https://user@host.example", "PAC-008"),
        ("parties.QA.contact_points[0].roles", ["god"], "PAC-008"),
        ("parties.QA.contact_points[0].purposes", "none", "PAC-008"),
        ("parties.QA.keys.tls", ["no certificate"], "PAC-008"),
        ("parties.QA.keys.tls", ["AB" * 120], "PAC-013"),
        ("retention.query_at_holder", "a-week", "PAC-008"),
        ("special_categories.default", "open", "PAC-008"),
        ("languages", ["ar"], "PAC-009"),
        ("languages", ["ar", "ar"], "PAC-009"),
        ("parties.QA.keys.sign", [], "PAC-009"),
        ("parties.QA.contact_points", [], "PAC-009"),
        ("parties.QA", ..., "PAC-009"),
        ("purposes", [], "PAC-009"),
        ("purposes", ["terrorism", "terrorism"], "PAC-009"),
        ("parties.QA.country", "QZ", "PAC-011"),
        ("version", 2, "PAC-015"),
        ("previous", "sha256:" + "0" * 64, "PAC-015"),
        ("valid.from", "2026-02-30T00:00:00.000000Z", "PAC-015"),
        ("valid.to", "2025-01-01T00:00:00.000000Z", "PAC-015"),
        ("follow_up.hours_urgent", 500, "PAC-015"),
        ("modalities.palm", False, "PAC-015"),
        ("parties.QA.contact_points[1].id", "us-ncp", "PAC-015"),
        ("parties.QA.contact_points[0].roles", ["query"], "PAC-015"),
        ("parties.US.contact_points[1].purposes", ["border-identification"], "PAC-015"),
        ("clauses.orphan", {"ref": "Art. 1", "ar": "نص", "en": "text"}, "PAC-016"),
        ("clauses.quota", ..., "PAC-016"),
        ("answer.score_returned", True, "PAC-017"),
        ("valid.entry", {"LT/TP": "2026-02-30T00:00:00.000000Z"}, "PAC-015"),
        ("valid.entry", {"LT/TP": "2025-12-31T00:00:00.000000Z"}, "PAC-015"),
        ("crime.excluded_by", {"FR": ["tax"]}, "PAC-015"),
        ("modalities.dna", True, "PAC-017"),
    ],
)
def test_an_agreement_with_one_wrong_value(path: str, value: Any, code: str) -> None:
    assert code_of(edited(path, value)) == code


def test_an_error_names_the_path_and_never_shows_control_characters() -> None:
    with pytest.raises(TrustError) as caught:
        parse_agreement(edited("parties.QA.contact_points[1].roles", ["\u202eevil"]))
    assert caught.value.place == "agreement, parties.QA.contact_points[1].roles[0]"
    assert "\u202e" not in str(caught.value)
    assert '"query" or "release"' in caught.value.expected


def test_keys_are_of_the_suite_public_well_formed_and_held_by_one_party() -> None:
    jwk = plain(side("US").keys.sign[0])
    assert code_of(edited("parties.QA.keys.sign", [jwk])) == "PAC-012"
    assert code_of(edited("parties.QA.keys.sign[0].d", "secret")) == "PAC-014"
    assert code_of(edited("crypto_suite", "fips")) == "PAC-013"
    fips = plain(side("QA", suite="fips").keys.sign[0])
    assert code_of(edited("parties.QA.keys.sign", [fips])) == "PAC-013"
    assert code_of(edited("parties.QA.keys.sign[0].x", jwk["x"][:-1] + "B")) == "PAC-013"
    name, number, key = side("QA").keys.checkpoint[0].split("+", 2)
    assert code_of(edited("parties.QA.keys.checkpoint", [f"{name}x+{number}+{key}"])) == "PAC-013"
    assert parse_agreement(agreements.document("fips")).crypto_suite == "fips"


def test_the_window_opens_at_its_start_and_closes_at_its_end() -> None:
    agreement = agreements.agreement()
    tick = timedelta(microseconds=1)
    assert [active(agreement, at) for at in (START - tick, START, AT, END - tick, END)] == [
        False, True, True, True, False,
    ]  # fmt: skip
    assert active(parse_agreement(edited("valid.to", None)), END + timedelta(days=9999))


def test_every_parameter_and_every_refusal_has_a_clause_in_both_languages() -> None:
    agreement = agreements.agreement()
    for about in (*PARAMETERS, *all_reasons()):
        clause = clause_text(agreement, about)
        assert clause is not None, about
        assert clause.reference("en").startswith("Art. ")
        assert clause.reference("ar").startswith("المادة ")
    assert clause_text(agreement, "nothing.of.this") is None


def test_a_clause_is_found_from_the_exact_path_outwards() -> None:
    agreement = agreements.agreement(clauses={"search_types.TP/TP.day": {"ref": "Art. 99", "ar": "نص", "en": "text"}})
    expected = {
        "search_types.TP/TP.day": "Art. 99",
        "search_types.LT/TP.day": "Art. 9(1)",
        "search_types.LT/TP.search": "Art. 9(5)",
        "search_types.LT/TP.another": "Art. 3(2)",
        "parties.QA.contact_points[0].id": "Art. 2(1)",
        "quota-exceeded": "Art. 9(1)",
        "REQ-011": "Art. 4(2)",
    }
    for about, ref in expected.items():
        clause = clause_text(agreement, about)
        assert clause is not None
        assert clause.ref == ref


def test_both_languages_of_a_reason_have_the_same_gaps() -> None:
    for reason in all_reasons():
        terms = reason_terms(reason)
        assert terms is not None
        gaps = [sorted(re.findall(r"{(\w+)}", text)) for text in (terms.sentence.ar, terms.sentence.en)]
        assert gaps[0] == gaps[1], reason
        assert re.search("[\u0621-\u064a]", terms.sentence.ar)


def test_a_difference_is_told_by_path_with_its_clause() -> None:
    before = agreements.agreement()
    after = agreements.agreement(
        version=2,
        previous=before.id,
        purposes=["terrorism", "investigate-serious-crime"],
        search_types={"TP/TP": {"day": 101}, "LP/ULP": None},
    )
    changes = {change.path: change for change in difference(before, after)}
    assert (changes["search_types.TP/TP.day"].before, changes["search_types.TP/TP.day"].after) == (100, 101)
    clause = changes["search_types.TP/TP.day"].clause
    assert clause is not None
    assert clause.ref == "Art. 9(1)"
    assert changes["search_types.LP/ULP.day"].after is None
    assert "purposes" in changes
    assert not difference(before, before)


def test_a_difference_tells_contact_points_apart_by_name() -> None:
    before = agreements.agreement()
    document = json.loads(agreements.document())
    document["parties"]["US"]["contact_points"].reverse()
    assert not difference(before, parse_agreement(canonical(document)))
    document["parties"]["US"]["contact_points"][0]["roles"] = ["query", "release"]
    (change,) = difference(before, parse_agreement(canonical(document)))
    assert change.path == "parties.US.contact_points.us-border.roles"


@pytest.mark.parametrize("suite", ["default", "fips"])
def test_two_signatures_make_an_agreement(suite: str) -> None:
    data = agreements.document(suite)
    signed = agreements.signed_by(data, "US", "QA", suite=suite)
    file = signed.to_bytes()
    assert parse_signed(file) == signed
    assert parse_signed(file).to_bytes() == file
    agreement = verify(parse_signed(file), anchor=side("QA", suite=suite).thumbprint)
    assert agreement.id == signed.id
    assert agreement.document == data


def test_a_bare_proposal_is_an_unsigned_agreement() -> None:
    data = agreements.document()
    assert parse_signed(data) == unsigned(data)


def test_a_signer_must_be_the_key_it_says_it_is() -> None:
    blank = unsigned(agreements.document())
    qatar, states = side("QA"), side("US")

    def refusal(party: str, signer: Any, thumbprint: str, base: Any = blank) -> str:
        with pytest.raises(TrustError) as caught:
            sign(base, party, signer=signer, thumbprint=thumbprint, at=AT)
        return caught.value.code

    assert refusal("QA", states.signer, states.thumbprint) == "PAC-024"
    assert refusal("QA", side("QA", "2").signer, qatar.thumbprint) == "PAC-022"
    assert refusal("QA", lambda _: b"short", qatar.thumbprint) == "PAC-027"
    assert refusal("FR", qatar.signer, qatar.thumbprint) == "PAC-025"
    once = sign(blank, "QA", signer=qatar.signer, thumbprint=qatar.thumbprint, at=AT)
    assert refusal("QA", qatar.signer, qatar.thumbprint, once) == "PAC-026"


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_any_change_to_a_signed_file_is_refused_or_changes_nothing(data: st.DataObject) -> None:
    file = agreements.signed_file()
    place = data.draw(st.integers(0, len(file) - 1))
    kind = data.draw(st.sampled_from(["replace", "delete", "insert", "truncate"]))
    byte = bytes([data.draw(st.integers(0, 255))])
    changed = {
        "replace": file[:place] + byte + file[place + 1 :],
        "delete": file[:place] + file[place + 1 :],
        "insert": file[:place] + byte + file[place:],
        "truncate": file[:place],
    }[kind]
    try:
        agreement = verify(parse_signed(changed))
    except (TrustError, FormatError):
        return
    assert agreement.document == agreements.document()


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_foreign_bytes_raise_nothing_but_the_rooms_own_error(data: bytes) -> None:
    for reader in (parse_agreement, parse_signed):
        with pytest.raises(TrustError):
            reader(data)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**6), 10**6)
    | st.text(max_size=6)
    | st.floats(allow_nan=False, allow_infinity=False, width=16),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(JSON, st.data())
def test_any_value_anywhere_in_a_document_is_read_or_refused_by_our_own_error(value: Any, data: st.DataObject) -> None:
    document = json.loads(agreements.document())
    inner: Any = document
    while True:
        key = data.draw(st.sampled_from(sorted(inner)) if isinstance(inner, dict) else st.integers(0, len(inner) - 1))
        if not inner[key] or not isinstance(inner[key], (dict, list)) or data.draw(st.booleans()):
            break
        inner = inner[key]
    inner[key] = value
    changed = canonical(document)
    try:
        assert parse_agreement(changed).document == changed
    except TrustError as error:
        assert error.code.startswith("PAC-")
