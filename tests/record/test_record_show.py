"""What people see of a transaction: rows, the page in two languages, differences in words, and the profile that fits."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest
from transactions import PIXELS, answer, binary, first, print14, query, tagged

from mithaq.record import (
    Difference,
    Field,
    Transaction,
    differences,
    page,
    profile_for,
    read_transaction,
    tree,
    write_transaction,
)
from mithaq.record.names import Names, record_name
from mithaq.record.show import LONGEST, summary

TEXT2 = tagged(2, (2, b"00"), (3, b"free"), (4, "قضية\x1fb\x1ec\x1fd".encode()))
WHOLE = first((2, 0), (14, 1), (4, 2)).replace(b"\x1d1.011", b"\x1d1.015:3\x1fUTF-8\x1f\x1d1.011") + TEXT2
WHOLE += print14(1) + binary(4, 2)


def whole() -> Transaction:
    return read_transaction(WHOLE)


def test_rows_name_fields_and_items() -> None:
    rows = tree(whole())
    assert [row.field for row in rows if row.record == 1][:4] == ["1.001", "1.002", "1.003", "1.004"]
    contents = rows[2]
    assert (contents.mnemonic, contents.name) == ("CNT", "transaction content")
    assert [item.text for item in contents.subfields[1]] == ["2", "00"]
    text = next(row for row in rows if row.field == "2.004")
    assert text.text == "قضية ␟ b ␞ c ␟ d"
    assert [[item.text for item in subfield] for subfield in text.subfields] == [["قضية", "b"], ["c", "d"]]
    assert next(row for row in rows if row.field == "14.999").text == "1,024 bytes of data"
    assert next(row for row in rows if row.field == "4.006").text == "32"


def test_long_values_are_cut_and_the_tail_has_a_row() -> None:
    tx = read_transaction(first((2, 0)) + tagged(2, (2, b"00"), (3, b"y" * 500)) + b"\r\n")
    rows = tree(tx)
    assert rows[-2].text == "y" * (LONGEST - 1) + "…"
    assert rows[-1].text == "2 bytes after the last record"


def test_every_record_type_has_a_name_in_both_languages() -> None:
    for kind in (*range(1, 23), 98, 99):
        en, ar = record_name(kind)
        assert en.isascii() and not ar.isascii()
    assert summary(whole().records[2]) == f"Type-14 fingerprint image, IDC 01, {whole().records[2].size:,} bytes"
    assert summary(whole().records[2], "ar").startswith("Type-14 صورة بصمة إصبع")


def test_our_own_text_fields_have_the_profile_s_names() -> None:
    names = Names(query())
    name, _ = names.field(2, 7)
    assert name.mnemonic and name.en


# ---------------------------------------------------------------- the page


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in {"meta", "input", "img"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def elements(text: str) -> list[tuple[str, dict[str, str | None]]]:
    reader = _Reader()
    reader.feed(text)
    assert reader.open == []
    return reader.seen


def test_the_page_is_whole_and_fetches_nothing() -> None:
    shown = page([("one.an2", whole()), ("two.an2", query())], {(0, 2): b"\x89PNG", (0, 3): "IMG-008: damaged & more"})
    seen = elements(shown)
    assert {tag for tag, _ in seen}.isdisjoint({"script", "link", "iframe", "object", "form"})
    addresses = [value for _, attributes in seen for name, value in attributes.items() if name in {"src", "href"}]
    assert addresses == ["data:image/png;base64," + base64.b64encode(b"\x89PNG").decode()]
    assert "IMG-008: damaged &amp; more" in shown
    policy = next(a["content"] or "" for tag, a in seen if a.get("http-equiv") == "Content-Security-Policy")
    style = shown.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'sha256-" + digest)
    assert "unsafe" not in policy and " style=" not in shown and not re.search(r"\son[a-z]+=", shown)


@pytest.mark.parametrize("language", ["en", "ar"])
def test_the_page_opens_in_a_language_and_holds_both(language: str) -> None:
    shown = page([("one.an2", whole())], language=language)
    checked = [a["id"] for tag, a in elements(shown) if tag == "input" and "checked" in a]
    assert checked == [language]
    assert "صورة بصمة إصبع" in shown and "fingerprint image" in shown
    assert all(a.get("dir") for tag, a in elements(shown) if tag == "span" and a.get("lang"))


def test_values_cannot_become_markup() -> None:
    tx = read_transaction(first((2, 0)) + tagged(2, (2, b"00"), (3, b"<img src=x onerror=y>&\"'\x1f<b>")))
    shown = page([("<i>name</i>", tx)], {(0, 1): "<u>why</u>"})
    assert {tag for tag, _ in elements(shown)}.isdisjoint({"i", "u", "b", "img"})


# ---------------------------------------------------------------- differences


def changed(record: int, number: int, value: str | bytes) -> list[Difference]:
    tx = whole()
    return list(differences(tx, tx.replace_record(record, tx.records[record].with_field(number, value))))


def test_a_transaction_does_not_differ_from_itself() -> None:
    assert list(differences(whole(), whole())) == []
    assert list(differences(whole(), read_transaction(memoryview(WHOLE)))) == []


def test_a_changed_value_is_said_with_its_place() -> None:
    (found,) = changed(2, 13, "2")
    assert (found.place, found.mnemonic, found.said) == ("Type-14, IDC 01, 14.013", "FGP", "was 1, is 2")
    assert str(found) == f"Type-14, IDC 01, 14.013 (FGP {found.name}) was 1, is 2"


def test_only_the_item_that_changed_is_named() -> None:
    (found,) = changed(1, 4, "قضية\x1fb\x1ec\x1fD".encode())
    assert (found.place, found.said) == ("Type-2, IDC 00, 2.004, subfield 2, item 2", "was d, is D")


def test_a_list_that_grew_is_shown_from_where_it_differs() -> None:
    (found,) = changed(1, 4, "قضية\x1fb\x1ec\x1fd\x1ee".encode())
    assert (found.place, found.said) == ("Type-2, IDC 00, 2.004, subfield 3", "was empty, is e")


def test_a_new_and_a_gone_field() -> None:
    (new,) = changed(1, 9, "more")
    assert (new.kind, new.field, new.said) == ("added", "2.009", "is new: more")
    tx = whole()
    (gone,) = differences(tx, tx.replace_record(1, tx.records[1].without_field(3)))
    assert (gone.kind, gone.said) == ("removed", "is gone: free")


def test_a_payload_by_size_and_digest() -> None:
    (found,) = changed(3, 9, PIXELS[::-1])
    assert found.field == "4.009" and found.before.startswith("1,024 bytes with SHA-256 ")
    assert found.before != found.after


def test_records_come_and_go_by_type_and_idc() -> None:
    tx = whole()
    fewer = tx.with_records(tx.records[:3])
    found = list(differences(tx, fewer))
    assert [(one.kind, one.record_type, one.idc) for one in found] == [("changed", 1, None), ("removed", 4, 2)]
    assert [one.kind for one in differences(fewer, tx)] == ["changed", "added"]


def test_order_spelling_length_and_tail() -> None:
    swapped = read_transaction(first((14, 1), (2, 0)) + print14(1) + TEXT2)
    straight = read_transaction(first((14, 1), (2, 0)) + TEXT2 + print14(1))
    assert [one.name for one in differences(straight, swapped)] == ["order of records"]
    short = read_transaction(first((2, 0)) + tagged(2, (2, b"00"), width=2))
    padded = read_transaction(first((2, 0)) + tagged(2, (2, b"00"), width=3))
    assert [one.field or one.name for one in differences(short, padded)] == ["2.001", "spelling"]
    wrong = read_transaction(first((2, 0)) + tagged(2, (2, b"00"), shift=2))
    assert [(one.field, one.before, one.after) for one in differences(padded, wrong)] == [("2.001", "18", "20")]
    tailed = read_transaction(first((2, 0)) + tagged(2, (2, b"00")) + b"\r\n")
    assert [one.name for one in differences(padded, tailed)] == ["tail"]
    respelt = read_transaction(first((2, 0)) + tagged(2, (2, b"00"), width=2, shift=2))
    assert [one.name for one in differences(padded, respelt)] == ["spelling"]


# ---------------------------------------------------------------- the profile that fits


def test_our_own_transactions_are_of_our_own_profile() -> None:
    for tx in (query(), answer()):
        name, why = profile_for(read_transaction(write_transaction(tx)))
        assert name == "mithaq-1" and "MITHAQ" in why


def test_what_no_profile_has_is_said() -> None:
    _, why = profile_for(read_transaction(first((2, 0), tot=b"NOPE") + TEXT2))
    assert why == "no profile has its domain and transaction"


def test_a_field_of_no_tag_has_no_name() -> None:
    assert Field(2, 0, memoryview(b"x")).name == "2.000"
    tx = read_transaction(first((2, 0)) + tagged(2, (2, b"00"), (3, b"x\x1dstray")))
    assert [row.field for row in tree(tx) if row.record == 2] == ["2.001", "2.002", "2.003", ""]
