"""An XML package as leaves, read once from front to back; no tree is built and nothing outside the bytes is looked at.

    bytes ──expat, 64 KiB at a time──► events ──► leaves of each record; payloads decoded as they pass

A document type, and with it every entity, is refused where it begins; limits are kept before anything is stored. What the
table of paths does not know is passed over and noted as a loss. Not done here: leaves to fields (`leaves`).
"""

from __future__ import annotations

import binascii
from dataclasses import dataclass, field
from xml.parsers import expat

from mithaq.errors import FormatError
from mithaq.record.limits import (
    XML_CLAUSE,
    XML_MOST_ATTRIBUTES,
    XML_MOST_BYTES,
    XML_MOST_DEPTH,
    XML_MOST_ELEMENTS,
    XML_MOST_RECORDS,
    XML_MOST_TEXT,
    XML_MOST_TOKEN,
    over_xml_limit,
)
from mithaq.record.loss import Losses
from mithaq.record.xml.leaves import Leaf
from mithaq.record.xml.table import (
    ANY,
    CATEGORY,
    NAMESPACES,
    OLD_NAMESPACES,
    OWN_NUMBERS,
    RECORDS,
    ROOT,
    Node,
    child,
    table,
)

_CHUNK = 64 << 10  # bytes fed at a time: bounds what is looked at again when a token is cut
_ENCODINGS = frozenset({"utf-8", "utf-16", "us-ascii", "iso-8859-1"})  # what the parser knows by itself
_BLANK = b" \t\r\n"
_PREFIXES = {uri: prefix for names in (NAMESPACES, OLD_NAMESPACES) for prefix, uri in names.items()}
_OLD = frozenset(OLD_NAMESPACES.values())
_TYPES = {name: record_type for record_type, name in RECORDS.items()}


@dataclass(slots=True)
class Package:
    """What a file holds: the type and leaves of each record, in file order. `old` is the 2008 edition."""

    records: list[tuple[int, list[Leaf]]] = field(default_factory=list)
    old: bool = False


@dataclass(slots=True)
class _Open:
    """An element that has begun: where it stands, how many of its children have, and what it holds so far."""

    node: Node
    key: tuple[int, ...]
    subfield: int
    repetition: int
    counts: dict[str, int] = field(default_factory=dict)
    text: list[str] = field(default_factory=list)
    size: int = 0
    payload: _Base64 | None = None
    number: int = ANY


class _Base64:
    """Bytes from base64 that comes in pieces, white space between them; no second copy is kept."""

    def __init__(self) -> None:
        self.data = bytearray()
        self._rest = b""
        self._ended = False

    def add(self, text: str) -> None:
        try:
            found = self._rest + text.encode("ascii").translate(None, _BLANK)
            whole = len(found) & ~3
            if whole and self._ended:
                raise ValueError
            self.data += binascii.a2b_base64(found[:whole], strict_mode=True)
        except ValueError:
            raise _wrong_base64() from None
        self._ended = self._ended or found[:whole].endswith(b"=")
        self._rest = found[whole:]

    def view(self) -> memoryview:
        if self._rest:
            raise _wrong_base64()
        return memoryview(self.data).toreadonly()


def parse(data: bytes | bytearray | memoryview, losses: Losses) -> Package:
    """The package in `data`. FormatError REC-030 to REC-035 where it is none, is broken, or goes over a limit."""
    if len(data) > XML_MOST_BYTES:
        raise over_xml_limit(f"the file has {len(data)} bytes", f"at most {XML_MOST_BYTES}")
    reader = _Reader(losses)
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.buffer_size = _CHUNK
    parser.XmlDeclHandler = reader.declaration
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.characters
    parser.CommentHandler = reader.comment
    parser.ProcessingInstructionHandler = reader.instruction
    view = memoryview(data).cast("B") if len(data) else memoryview(b"")
    try:
        for at in range(0, len(view), _CHUNK):
            parser.Parse(view[at : at + _CHUNK], False)
            if at + _CHUNK - parser.CurrentByteIndex > XML_MOST_TOKEN + _CHUNK:
                raise over_xml_limit("a tag or comment has no end in sight", f"at most {XML_MOST_TOKEN} bytes")
        parser.Parse(b"", True)
    except expat.ExpatError as broken:
        raise FormatError(
            "REC-030",
            f"the XML is broken: {expat.ErrorString(broken.code)}",
            place=f"line {broken.lineno}",
            offset=max(parser.ErrorByteIndex, 0),
            expected="well-formed XML 1.0",
            remedy="ask the sender to send the file again",
            clause=XML_CLAUSE,
        ) from None
    except FormatError as refusal:
        raise _with_offset(refusal, parser.CurrentByteIndex) from None
    return reader.finished()


class _Reader:
    """Takes the parser's events. `_skipping` counts the open elements inside one that is passed over."""

    def __init__(self, losses: Losses) -> None:
        self._losses = losses
        self._package = Package()
        self._open: list[_Open] = []
        self._names: dict[str, str] = {}
        self._depth = self._elements = self._skipping = 0
        self._passed: dict[str, int] = {}
        self._leaves: list[Leaf] = []

    # ------------------------------------------------------------ events

    def declaration(self, version: str, encoding: str | None, standalone: int) -> None:
        if encoding is not None and encoding.lower() not in _ENCODINGS:
            raise _not_a_package("the XML declares an encoding that is not read here", "UTF-8 or UTF-16")

    def start(self, full: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._elements += 1
        if self._depth > XML_MOST_DEPTH:
            raise over_xml_limit("elements lie too deep inside one another", f"at most {XML_MOST_DEPTH} levels")
        if self._elements > XML_MOST_ELEMENTS:
            raise over_xml_limit("the file has too many elements", f"at most {XML_MOST_ELEMENTS}")
        if len(attributes) > XML_MOST_ATTRIBUTES:
            raise over_xml_limit("an element has too many attributes", f"at most {XML_MOST_ATTRIBUTES}")
        if self._skipping:
            self._skipping += 1
            return
        name = self._names.get(full) or self._name(full)
        if self._depth == 1:
            self._root(full, name, attributes)
        elif self._depth == 2:
            self._record(name, attributes)
        else:
            self._element(name, attributes)

    def end(self, full: str) -> None:
        self._depth -= 1
        if self._skipping:
            self._skipping -= 1
        elif self._depth >= 2:
            self._close(self._open.pop())
        elif self._depth == 1:
            self._open.clear()

    def characters(self, text: str) -> None:
        if self._skipping:
            return
        inner = self._open[-1] if self._open else None
        if inner is not None and inner.payload is not None:
            inner.payload.add(text)
        elif inner is not None and not inner.node.children:
            inner.size += len(text)
            if inner.size > XML_MOST_TEXT:
                raise over_xml_limit("a value is too long", f"at most {XML_MOST_TEXT} characters")
            inner.text.append(text)
        elif not text.isspace():
            self._pass("text that lies between elements")

    def comment(self, text: str) -> None:
        self._pass("comments")

    def instruction(self, target: str, text: str) -> None:
        self._pass("processing instructions")

    def finished(self) -> Package:
        records = self._package.records
        if not records or records[0][0] != 1 or any(record_type == 1 for record_type, _ in records[1:]):
            raise FormatError(
                "REC-034",
                "the package does not begin with its one PackageInformationRecord",
                expected="one Type-1 record, before all others",
                remedy="ask the sender to mend the package",
                clause=XML_CLAUSE,
            )
        for what, count in self._passed.items():
            self._losses.add("REC-046", f"{what} have no place in a transaction ({count} met)")
        return self._package

    # ------------------------------------------------------------ elements

    def _name(self, full: str) -> str:
        """The name with our prefix for its namespace, `biom` left out; the whole name where we know no such namespace."""
        uri, _, local = full.rpartition(" ")
        prefix = _PREFIXES.get(uri)
        name = full if prefix is None else local if prefix == "biom" else f"{prefix}:{local}"
        if len(self._names) < 4_096:
            self._names[full] = name
        return name

    def _root(self, full: str, name: str, attributes: dict[str, str]) -> None:
        if name != ROOT:
            raise _not_a_package("the outermost element is another one", f"{ROOT} of the 2011 or 2008 edition")
        self._package.old = full.rpartition(" ")[0] in _OLD
        if attributes:
            self._losses.add("REC-048", "the attributes of the outermost element are left out")

    def _record(self, name: str, attributes: dict[str, str]) -> None:
        record_type = _TYPES.get(name)
        if record_type is None:
            self._losses.add("REC-045", "no record type is known under the element's name", place=_shown(name))
            self._skipping = 1
            return
        if len(self._package.records) >= XML_MOST_RECORDS:
            raise over_xml_limit("the package has too many records", f"at most {XML_MOST_RECORDS}")
        self._leaves = []
        self._package.records.append((record_type, self._leaves))
        self._open.append(_Open(table(record_type).root, (), 0, 0))
        self._attributes(attributes)

    def _element(self, name: str, attributes: dict[str, str]) -> None:
        outer = self._open[-1]
        node, given_up = child(outer.node, name)
        count = 0 if node is None else outer.counts.get(node.name, 0)
        if node is None or (count and not node.mark):
            problem = (
                "the element is not known at its place" if node is None else "the element may stand there but once"
            )
            self._lose("REC-045", problem, name)
            self._skipping = 1
            return
        if given_up and not self._package.old:
            self._lose("REC-049", f"the element has an older name; it comes back as {node.name}", name)
        outer.counts[node.name] = count + 1
        subfield = count + node.first if node.mark == "*" else outer.subfield
        repetition = count if node.mark == "+" else outer.repetition
        made = _Open(node, (*outer.key, node.rank, count), subfield, repetition, number=outer.number)
        self._open.append(made)
        kind = node.rows[0].kind if node.rows else ""
        if kind == "base64" or (kind == "field" and attributes.get("encoding") == "base64"):
            made.payload = _Base64()
        if kind == "field":
            made.number = self._own_number(attributes)
        else:
            self._attributes(attributes)

    def _close(self, closed: _Open) -> None:
        node = closed.node
        value: str | memoryview = closed.payload.view() if closed.payload else "".join(closed.text)
        if node.name == CATEGORY and node.parent is self._open[0].node:
            record_type = self._package.records[-1][0]
            if str(value).strip().lstrip("0") != str(record_type):
                self._lose("REC-045", "the category is not that of the record", CATEGORY)
        elif node.rows:
            if closed.payload is None and node.children:
                value = "\x1e".join(closed.text)
            elif closed.counts:
                self._lose("REC-045", "beside base64 there is no place for elements", node.name)
            self._leaves.append(Leaf(node, closed.key, closed.subfield, closed.repetition, value, closed.number))
        elif node.name == "mithaq:Item":
            self._open[-1].text.append(str(value))
        elif node.name == "mithaq:Subfield":
            self._open[-1].text.append("\x1f".join(closed.text))
        elif not closed.counts:
            self._lose("REC-045", "the element is empty", node.name)

    def _own_number(self, attributes: dict[str, str]) -> int:
        number = attributes.get("number", "")
        if not (number.isascii() and number.isdigit() and len(number) < 10 and int(number) in OWN_NUMBERS):
            raise _not_a_package("a field of our own element has no number", "number='3' to number='9999'")
        return int(number)

    # ------------------------------------------------------------ losses

    def _attributes(self, attributes: dict[str, str]) -> None:
        if attributes:
            self._lose("REC-048", "the element's attributes are left out", "")

    def _pass(self, what: str) -> None:
        self._passed[what] = self._passed.get(what, 0) + 1

    def _lose(self, code: str, reason: str, name: str) -> None:
        node = self._open[-1].node
        place = "/".join(step for step in (self._open[0].node.name, node.path, _shown(name)) if step)
        self._losses.add(code, reason, record=len(self._package.records), place=place)


def _shown(name: str) -> str:
    """A foreign name, cut to what a report can take and shown only as far as it is printable."""
    short = name.rpartition(" ")[2][:60]
    return short if short.isprintable() else "(a name that cannot be shown)"


def _refuse_doctype(*_: object) -> None:
    raise FormatError(
        "REC-031",
        "the XML has a document type, which can define entities",
        expected="no document type",
        remedy="do not accept the file: the standard has none",
        clause=XML_CLAUSE,
    )


def _not_a_package(problem: str, expected: str) -> FormatError:
    return FormatError(
        "REC-033", problem, expected=expected, remedy="give an ANSI/NIST-ITL package in NIEM XML", clause=XML_CLAUSE
    )


def _wrong_base64() -> FormatError:
    return FormatError(
        "REC-035",
        "a payload is not base64, or is cut off",
        expected="letters of base64, padded to a multiple of four",
        remedy="ask the sender to send the file again",
        clause=XML_CLAUSE,
    )


def _with_offset(refusal: FormatError, offset: int) -> FormatError:
    return FormatError(
        refusal.code,
        refusal.problem,
        expected=refusal.expected,
        remedy=refusal.remedy,
        offset=max(offset, 0),
        field=refusal.field,
        clause=refusal.clause,
    )
