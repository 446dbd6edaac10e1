"""`mithaq record`: ANSI/NIST-ITL files shown, checked, converted, compared and begun; the file format without a node.

Files and folders are given in any number. A folder stands for every file below it that begins as a transaction does. A file
that cannot be read is said on standard error, and in the JSON, and does not keep the others from their turn; the exit status
is 3 then.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from mithaq.cli.output import Json, map_file, progress, say, write_file
from mithaq.errors import ImageError, MithaqError

if TYPE_CHECKING:
    from mithaq.record import Record, Row, Transaction
    from mithaq.record.show import Item

app = typer.Typer(no_args_is_help=True, help="ANSI/NIST-ITL files.")

Files = Annotated[list[Path], typer.Argument(help="Transactions, or folders of them.")]
Output = Annotated[Path, typer.Option("-o", "--output", help="The file to write.")]
Language = Annotated[Literal["en", "ar"], typer.Option("--lang", help="The language of names.")]
ProfileName = Annotated[str | None, typer.Option("--profile", help="Default: by the file's domain and type.")]
LONGEST_SIDE_PX = 1200  # of a picture in a page; larger ones are reduced by a whole number
SUBFIELDS_SHOWN = 12


@app.command()
def show(
    files: Files,
    lang: Language = "en",
    html: Annotated[Path | None, typer.Option(help="Write one page with the pictures in it.")] = None,
    json_: Json = False,
) -> None:
    """Records and fields, readable; pictures by their size, or in a page of their own."""
    from mithaq.record import tree

    run = _Run(files, "reading")
    shown: list[dict[str, Any]] = []
    lines: list[str] = []
    kept: list[tuple[str, Transaction]] = []
    for file, tx in run.transactions():
        if json_:
            shown.append({"file": str(file), "records": _by_record(tree(tx))})
        elif html is None:
            lines += _lines(file, tx, tree(tx), lang)
        if html is not None:
            kept.append((file.name, tx))
    if html is not None:
        write_file(html, _page(kept, lang))
        lines = [f"{html}: {_counted(len(kept), 'file')}"]
    run.finish({"files": shown, "html": None if html is None else str(html)}, json_, lines)


@app.command()
def check(
    files: Annotated[list[Path] | None, typer.Argument(help="Transactions, or folders of them.")] = None,
    profile: ProfileName = None,
    override: Annotated[Path | None, typer.Option(help="A partner's file that changes or adds rules.")] = None,
    explain: Annotated[str | None, typer.Option(metavar="RULE", help="Say what a rule asks and why.")] = None,
    json_: Json = False,
) -> None:
    """Every finding in one pass, each with its place, clause and remedy. Exit 1 where one is an error."""
    from mithaq.record import check as findings_of
    from mithaq.record import load_profile, profile_for

    options: dict[str, Any] = {} if override is None else {"override": override}
    if explain is not None:
        _explain(explain, profile, options, json_)
        return
    if not files:
        raise typer.BadParameter("give at least one file, or --explain RULE")
    if override is not None and profile is None:
        raise typer.BadParameter("--override needs --profile: it changes the rules of one")
    asked = (
        None if profile is None else load_profile(profile, **options)
    )  # a wrong name ends this before any file is read
    run = _Run(files, "checking")
    checked: list[dict[str, Any]] = []
    lines: list[str] = []
    for file, tx in run.transactions():
        name, why = (asked.name, "as asked") if asked is not None else profile_for(tx)
        found = findings_of(tx, asked or load_profile(name))
        run.has_errors |= any(finding.severity == "error" for finding in found)
        checked.append(
            {"file": str(file), "profile": name, "why": why, "findings": [asdict(finding) for finding in found]}
        )
        lines.append(f"{file}: {_counted(len(found), 'finding')} by {name} ({why})")
        lines += [f"  {finding}" for finding in found]
    run.finish({"files": checked}, json_, lines)


@app.command()
def convert(
    file: Annotated[Path, typer.Argument(help="A transaction in either encoding.")],
    to: Annotated[Literal["traditional", "xml"], typer.Option(help="The encoding to write.")],
    output: Output,
    json_: Json = False,
) -> None:
    """Write a transaction in the other encoding, and say what that cannot hold."""
    from mithaq.record import read_any, write_transaction, write_xml

    lost: list[Any] = []
    tx = read_any(map_file(file), losses=lost)
    data = write_xml(tx, losses=lost) if to == "xml" else write_transaction(tx)
    write_file(output, data)
    say(
        {
            "file": str(file),
            "written": str(output),
            "to": to,
            "bytes": len(data),
            "losses": [asdict(one) for one in lost],
        },
        json_,
        [
            f"{output}: {len(data):,} bytes, {_counted(len(lost), 'loss', 'losses')}",
            *[
                f"  {' '.join(part for part in (one.code, one.field or one.place) if part)}: {one.reason}"
                for one in lost
            ],
        ],
    )


@app.command()
def images(
    files: Files,
    out: Annotated[Path, typer.Option(help="The folder for the pictures (PNG).")],
    ppi: Annotated[float | None, typer.Option(help="Resolution, where the file does not say it.")] = None,
    json_: Json = False,
) -> None:
    """Write every picture as PNG, one file each, named by file, record and position."""
    from mithaq.cli.pictures import Shown, picture_of
    from mithaq.image import Box, png_pixels

    out.mkdir(parents=True, exist_ok=True)
    run = _Run(files, "decoding")
    written: list[dict[str, Any]] = []
    left_out: list[dict[str, Any]] = []
    with Box() as box:
        for file, tx in run.transactions():
            for number, record in enumerate(tx.records, 1):
                try:
                    found = picture_of(box, tx, record, f"{file.name}, record {number}")
                except ImageError as error:
                    run.note(file, error)
                    continue
                if not isinstance(found, Shown):
                    if found is not None:
                        left_out.append({"file": str(file), "record": number, "type": record.type, "why": found})
                    continue
                target = out / f"{file.stem}_{number:02d}_type{record.type:02d}{_position(record)}.png"
                stated = ppi or found.ppi
                write_file(target, png_pixels(found.pixels, stated))
                height, width = found.pixels.shape
                written.append(
                    {"file": str(file), "record": number, "type": record.type, "picture": str(target)}
                    | {"width": width, "height": height, "ppi": stated}
                )
    lines = [
        f"{row['picture']}  {row['width']} x {row['height']}" + (f", {row['ppi']:.0f} ppi" if row["ppi"] else "")
        for row in written
    ]
    lines += [f"left out: {row['file']}, record {row['record']} (Type-{row['type']}): {row['why']}" for row in left_out]
    run.finish({"images": written, "left_out": left_out}, json_, lines or ["No pictures."])


@app.command()
def new(
    tot: Annotated[str, typer.Argument(metavar="TOT", help="The type of transaction.")],
    output: Output,
    profile: Annotated[str, typer.Option("--profile", help="The profile that has it.")],
    json_: Json = False,
) -> None:
    """Write a skeleton of a transaction that passes its profile's check, to be filled in."""
    from mithaq.record import load_profile, skeleton, write_transaction

    tx = skeleton(tot, load_profile(profile))
    data = write_transaction(tx)
    write_file(output, data)
    say(
        {"written": str(output), "profile": profile, "transaction": tot, "bytes": len(data)},
        json_,
        [f"{output}: {tot} of {profile}, {_counted(len(tx.records), 'record')}; its values are placeholders"],
    )


@app.command()
def diff(
    a: Annotated[Path, typer.Argument(help="A transaction.")],
    b: Annotated[Path, typer.Argument(help="Another one.")],
    lang: Language = "en",
    json_: Json = False,
) -> None:
    """Where two transactions differ, field by field. Exit 1 where they do."""

    from mithaq.record import differences

    found = list(differences(_transaction(a), _transaction(b)))
    lines = []
    for one in found:
        known = " ".join(
            part for part in (one.mnemonic, one.name_ar if lang == "ar" and one.name_ar else one.name) if part
        )
        lines.append(f"{one.place}{f' ({known})' if known else ''} {one.said}")
    values = [asdict(one) | {"place": one.place, "said": one.said} for one in found]
    say({"a": str(a), "b": str(b), "differences": values}, json_, lines or ["No difference."])
    if found:
        raise typer.Exit(1)


class _Run:
    """Several files one after another, with a bar; what goes wrong with one is noted, and the others go on."""

    def __init__(self, paths: Sequence[Path], word: str) -> None:
        self._paths = paths
        self._word = word
        self._errors: list[tuple[Path, MithaqError]] = []
        self.has_errors = False  # a finding of severity error

    def transactions(self) -> Iterator[tuple[Path, Transaction]]:
        """Each file that can be read, as a transaction."""
        files = [file for path in self._paths for file in _listed(path)]
        with progress() as bar:
            task = bar.add_task(self._word, total=len(files))
            for file in files:
                try:
                    tx = _transaction(file)
                except MithaqError as error:
                    self.note(file, error)
                else:
                    yield file, tx
                bar.advance(task)

    def note(self, file: Path, error: MithaqError) -> None:
        """One thing that went wrong with a file."""
        self._errors.append((file, error))

    def finish(self, values: dict[str, Any], as_json: bool, lines: list[str]) -> None:
        """Print; exit 3 where a file could not be read, 1 where a finding was an error."""
        errors = [{"file": str(file), "error": error.as_dict()} for file, error in self._errors]
        say(values | {"errors": errors}, as_json, lines)
        for file, error in self._errors if not as_json else ():
            typer.echo(f"mithaq: {file}: {error}", err=True)
        if self._errors:
            raise typer.Exit(3)
        if self.has_errors:
            raise typer.Exit(1)


def _listed(path: Path) -> Iterator[Path]:
    """The file, or every file below the folder that begins as a transaction in either encoding does."""
    if not path.is_dir():
        yield path
        return
    from mithaq.record.codec import begins_as_transaction

    for file in sorted(path.rglob("*")):
        if file.is_file() and begins_as_transaction(_head(file)):
            yield file


def _head(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(4096)
    except OSError:
        return b""


def _transaction(file: Path) -> Transaction:
    from mithaq.record import read_any

    return read_any(map_file(file))


def _by_record(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The rows under their records, for JSON."""
    made: list[dict[str, Any]] = []
    for number, group in groupby(rows, lambda row: row.record):
        fields = list(group)
        heads = {"record": number, "type": fields[0].record_type, "idc": fields[0].idc}
        made.append(heads | {"fields": [_without_heads(asdict(row)) for row in fields]})
    return made


def _without_heads(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in ("record", "record_type", "idc")}


def _lines(file: Path, tx: Transaction, rows: Sequence[Row], lang: str) -> list[str]:
    from mithaq.record.show import summary

    lines = [
        f"{file}: {_counted(len(tx.records), 'record')}, {sum(one.size for one in tx.records) + len(tx.tail):,} bytes"
    ]
    for number, group in groupby(rows, lambda row: row.record):
        if number <= len(tx.records):
            lines.append(f"  {number}. {summary(tx.records[number - 1], lang)}")
        for row in group:
            meaning = f" ({row.meaning})" if row.meaning else ""
            lines.append(f"     {row.field:8} {row.mnemonic:5} {_name(row, lang)[:34]:34}  {row.text}{meaning}")
            lines += _subfields(row, lang)
    return lines


def _subfields(row: Row, lang: str) -> list[str]:
    lines: list[str] = []
    if len(row.subfields) == 1 and not any(item.mnemonic or item.name for item in row.subfields[0]):
        return lines  # the row says as much
    for number, items in enumerate(row.subfields[:SUBFIELDS_SHOWN], 1):
        parts = [
            f"{item.mnemonic or _name(item, lang)} {item.text}{f' ({item.meaning})' if item.meaning else ''}".strip()
            for item in items
            if item.text
        ]
        lines.append(f"{'':14} {number:4}: {' · '.join(parts)}")
    left_out = len(row.subfields) - len(row.subfields[:SUBFIELDS_SHOWN]) + row.left_out
    if left_out:
        lines.append(f"{'':14}    …: {left_out:,} more")
    return lines


def _name(named: Row | Item, lang: str) -> str:
    return named.name_ar if lang == "ar" and named.name_ar else named.name


def _page(files: Sequence[tuple[str, Transaction]], lang: str) -> bytes:
    """The page, with every picture decoded in the box, or the reason why it is not there."""
    from mithaq.cli.pictures import Shown, picture_of, reduced
    from mithaq.image import Box, png_pixels
    from mithaq.record import page

    pictures: dict[tuple[int, int], bytes | str] = {}
    with Box() as box, progress() as bar:
        task = bar.add_task("decoding", total=sum(len(tx.records) for _, tx in files))
        for index, (_, tx) in enumerate(files):
            for number, record in enumerate(tx.records):
                try:
                    found = picture_of(box, tx, record, "")
                except ImageError as error:
                    pictures[index, number] = str(error)
                else:
                    if isinstance(found, Shown):
                        pictures[index, number] = png_pixels(reduced(found.pixels, LONGEST_SIDE_PX), None)
                    elif found is not None:
                        pictures[index, number] = found
                bar.advance(task)
    return page(files, pictures, language=lang).encode()


def _position(record: Record) -> str:
    """The position of a print as part of a file's name; nothing where the record states none."""
    if record.type in (3, 4, 5, 6):
        found = record.field(4)
        return "" if found is None else f"_position{found.value[0]:02d}"
    number = record.integer(13) if record.type in (13, 14, 15, 19) else None
    return "" if number is None else f"_position{number:02d}"


def _explain(rule: str, profile: str | None, options: dict[str, Any], as_json: bool) -> None:
    from mithaq.record import explain, load_profile

    said = explain(load_profile(profile or rule.rpartition(":")[0], **options), rule)
    say(asdict(said), as_json, str(said).splitlines())


def _counted(count: int, one: str, many: str = "") -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"
