"""CBEFF envelopes in XML (ISO/IEC 19785-3, second edition, as MOSIP writes them), both ways.

    bytes ──read_cbeff──► Envelope(elements) ──write_cbeff──► bytes          Envelope ──blocks──► Block(kind, subtype, data)

Elements are kept whole and in order, unknown ones too; what was written with four spaces of indent, as MOSIP does, is
written back as the same bytes. Document types and entities are refused, nothing is fetched. Not done here: checking
signatures (SB), binary CBEFF, what a block's data hold (`interchange`).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from mithaq.errors import FormatError
from mithaq.record.template.octets import too_much
from mithaq.record.template.remarks import Fault

NAMESPACE = "http://standards.iso.org/iso-iec/19785/-3/ed-2/"
MOST_BYTES = 256 * 1024 * 1024
MOST_ELEMENTS = 100_000
DEEPEST = 16
_INDENT = "    "
_RETURN = {"\r": "&#13;"}  # a reader would turn it into a line end

# Format owner of ISO/IEC JTC 1/SC 37 and its types: 7 is seen in MOSIP's files, 2 is recalled.
OWNER, MINUTIAE_TYPE, IMAGE_TYPE = "257", "2", "7"
_FINGERS = ("Thumb", "IndexFinger", "MiddleFinger", "RingFinger", "LittleFinger")
SUBTYPES = {
    position: f"{hand} {finger}"
    for hand, first in (("Right", 1), ("Left", 6))
    for position, finger in enumerate(_FINGERS, first)
}


@dataclass(frozen=True, slots=True)
class Element:
    """One element as it stands: its name with its prefix, attributes in order, text or children."""

    name: str
    text: str = field(default="", repr=False)
    children: tuple[Element, ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()

    @property
    def local(self) -> str:
        """The name without its prefix."""
        return self.name.rpartition(":")[2]

    def child(self, name: str) -> Element | None:
        return next((one for one in self.children if one.local == name), None)

    def at(self, *path: str) -> str:
        """The text at the end of the path, "" where it is absent."""
        found: Element | None = self
        for name in path:
            found = None if found is None else found.child(name)
        return "" if found is None else found.text.strip()


@dataclass(frozen=True, slots=True)
class Envelope:
    """A whole file: its root BIR and its XML declaration as (encoding, standalone: 1, 0, or -1 where not stated)."""

    root: Element
    declaration: tuple[str, int] | None = ("UTF-8", 1)
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class Block:
    """One biometric data block. `position` is the finger that its subtype names, None where it names no finger."""

    kind: str
    subtype: str
    data: bytes = field(repr=False)
    is_signed: bool

    @property
    def position(self) -> int | None:
        words = frozenset(self.subtype.split())
        return next((position for position, name in SUBTYPES.items() if words == frozenset(name.split())), None)


def read_cbeff(data: bytes | memoryview) -> Envelope:
    """The envelope in `data`. FormatError REC-064 where it is none, REC-066 past the limits, REC-070 for XML that is refused."""
    if len(data) > MOST_BYTES:
        raise too_much(f"{len(data)} bytes", f"at most {MOST_BYTES}")
    builder = _Builder()
    builder.parse(bytes(data))
    root, declaration = builder.root, builder.declaration
    if root is None or root.local != "BIR":
        raise FormatError("REC-064", "the XML is no CBEFF envelope", offset=0, expected="the root element BIR")
    faults = list(builder.faults)
    prefix = root.name.rpartition(":")[0]
    bound = dict(root.attributes).get(f"xmlns:{prefix}" if prefix else "xmlns")
    if bound != NAMESPACE:
        faults.append(Fault("REC-079", 0, "the root is in another namespace than CBEFF's", "read by its names"))
    return Envelope(root, declaration, tuple(faults))


def write_cbeff(envelope: Envelope) -> bytes:
    """The envelope's bytes, UTF-8, one element a line."""
    lines = []
    if envelope.declaration is not None:
        standalone = {1: ' standalone="yes"', 0: ' standalone="no"'}.get(envelope.declaration[1], "")
        lines.append(f'<?xml version="1.0" encoding="UTF-8"{standalone}?>')
    lines += _lines(envelope.root, 0)
    return ("\n".join(lines) + "\n").encode()


def blocks(envelope: Envelope) -> tuple[Block, ...]:
    """Every data block in file order. FormatError REC-071 where base64 is damaged."""
    return tuple(_block(bir) for bir in _birs(envelope.root) if bir.child("BDB") is not None)


def envelope_of(found: Sequence[tuple[bytes, str, int]]) -> Envelope:
    """An envelope of these (data, format type, position), one BIR for each, without signatures."""
    made = [_bir(data, kind, position) for data, kind, position in found]
    root = Element("BIR", "", (_plain_info(), *made), (("xmlns", NAMESPACE),))
    return Envelope(root)


class _Builder:
    """Builds elements from expat's events; refuses document types, depth and numbers past the limits."""

    def __init__(self) -> None:
        self.root: Element | None = None
        self.declaration: tuple[str, int] | None = None
        self.faults: list[Fault] = []
        self._open: list[tuple[str, tuple[tuple[str, str], ...], list[str], list[Element]]] = []
        self._count = 0

    def parse(self, data: bytes) -> None:
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.ordered_attributes = True
        parser.XmlDeclHandler = self._declared
        parser.StartDoctypeDeclHandler = self._refuse
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.CommentHandler = parser.ProcessingInstructionHandler = self._passed_over
        try:
            parser.Parse(data, True)
        except expat.ExpatError as error:
            problem = f"not well-formed XML ({expat.ErrorString(error.code)})"
            raise _refused(problem, parser.ErrorByteIndex) from None
        except (ValueError, LookupError):
            raise _refused("XML in an encoding that is not known", 0) from None

    def _declared(self, version: str, encoding: str | None, standalone: int) -> None:
        self.declaration = (encoding or "", standalone)

    def _refuse(self, *_: object) -> None:
        raise _refused("a document type, which an envelope has not", None)

    def _passed_over(self, *_: object) -> None:
        self._say("REC-073", "comments or processing instructions")

    def _say(self, code: str, problem: str) -> None:
        """Once of each kind: a file may hold a hundred thousand."""
        if not any(fault.code == code for fault in self.faults):
            self.faults.append(Fault(code, 0, problem, "left out"))

    def _start(self, name: str, attributes: list[str]) -> None:
        self._count += 1
        if len(self._open) >= DEEPEST or self._count > MOST_ELEMENTS:
            raise too_much("more or deeper elements than can be", f"{MOST_ELEMENTS}, {DEEPEST} deep")
        pairs = tuple(zip(attributes[::2], attributes[1::2], strict=True))
        self._open.append((name, pairs, [], []))

    def _end(self, name: str) -> None:
        name, attributes, text, children = self._open.pop()
        joined = "".join(text)
        if children and joined.strip():
            self._say("REC-077", "text between elements")
        element = Element(name, "" if children else joined, tuple(children), attributes)
        if self._open:
            self._open[-1][3].append(element)
        else:
            self.root = element

    def _characters(self, text: str) -> None:
        self._open[-1][2].append(text)


def _refused(problem: str, offset: int | None) -> FormatError:
    return FormatError(
        "REC-070", problem, offset=offset, expected="a CBEFF envelope in XML", remedy="ask for the file again"
    )


def _birs(element: Element) -> Iterator[Element]:
    if element.local == "BIR":
        yield element
        for child in element.children:
            yield from _birs(child)


def _block(bir: Element) -> Block:
    info = bir.child("BDBInfo") or Element("BDBInfo")
    return Block(
        kind=info.at("Type"),
        subtype=info.at("Subtype"),
        data=_decoded(bir.at("BDB")),
        is_signed=bir.child("SB") is not None,
    )


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()).encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise FormatError(
            "REC-071", "a data block is not base64", expected="base64 text", remedy="ask for the file again"
        ) from None


def _bir(data: bytes, kind: str, position: int) -> Element:
    level = "Processed" if kind == MINUTIAE_TYPE else "Raw"
    form = Element("Format", "", (Element("Organization", OWNER), Element("Type", kind)))
    info = [form, Element("Type", "Finger")]
    if position in SUBTYPES:
        info.append(Element("Subtype", SUBTYPES[position]))
    info.append(Element("Level", level))
    version = (Element("Major", "1"), Element("Minor", "1"))
    body = Element("BDB", base64.b64encode(data).decode("ascii"))
    return Element(
        "BIR",
        "",
        (
            Element("Version", "", version),
            Element("CBEFFVersion", "", version),
            _plain_info(),
            Element("BDBInfo", "", tuple(info)),
            body,
        ),
    )


def _plain_info() -> Element:
    return Element("BIRInfo", "", (Element("Integrity", "false"),))


def _lines(element: Element, depth: int) -> Iterator[str]:
    margin = _INDENT * depth
    opened = element.name + "".join(f" {name}={quoteattr(value)}" for name, value in element.attributes)
    if element.children:
        yield f"{margin}<{opened}>"
        for child in element.children:
            yield from _lines(child, depth + 1)
        yield f"{margin}</{element.name}>"
    elif element.text:
        yield f"{margin}<{opened}>{escape(element.text, _RETURN)}</{element.name}>"
    else:
        yield f"{margin}<{opened}/>"
