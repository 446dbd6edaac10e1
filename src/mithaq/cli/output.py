"""How commands speak: one JSON object or plain lines on standard output, progress and errors on standard error."""

from __future__ import annotations

import json
import mmap
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from mithaq.errors import MithaqError, SettingsError, StorageError

if TYPE_CHECKING:
    from mithaq.pact.gate import Refused

TRACEBACK = "MITHAQ_TRACEBACK"  # set to 1: a fault of this program ends with its traceback

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]
Home = Annotated[Path, typer.Option("--dir", envvar="MITHAQ_DIR", help="The node's folder.", show_default=False)]
PassphraseFile = Annotated[
    Path | None, typer.Option("--passphrase-file", help="A file with the officer's passphrase; asked for otherwise.")
]


MAPPED_FROM = (
    8 << 20
)  # bytes; a small file is read whole, since one that another program cuts short would end a mapping badly


def say(values: dict[str, Any], as_json: bool, lines: list[str]) -> None:
    """Print the JSON object, or the lines for a person; at once, since whoever reads a pipe may wait for it."""
    print(json.dumps(values, ensure_ascii=False, default=str) if as_json else "\n".join(lines), flush=True)


def say_refused(refusal: Refused, as_json: bool) -> None:
    """Print a refusal with its clause."""
    clause = {"ref": refusal.clause.ref, "en": refusal.clause.en, "ar": refusal.clause.ar} if refusal.clause else None
    say(
        {
            "outcome": "refused",
            "reason": refusal.reason,
            "text": {"en": refusal.text.en, "ar": refusal.text.ar},
            "clause": clause,
        },
        as_json,
        [f"Refused ({refusal.reason}): {refusal.text.en}", *([f"  {clause['ref']}: {clause['en']}"] if clause else [])],
    )


def fail(error: MithaqError, *, as_json: bool) -> int:
    """Print an error; returns the exit status that belongs to it."""
    if as_json:
        say({"error": error.as_dict()}, True, [])
    else:
        print(f"mithaq: {error}", file=sys.stderr)
    return error.exit_status


def refused_by_system(error: OSError) -> MithaqError:
    """What the operating system refused, where no room has said it better. The file's name stays out: it may be a person's."""
    return StorageError(
        "CLI-005",
        f"the operating system refused ({error.strerror or type(error).__name__})",
        expected="space on the disk and the right to read and write there",
        remedy="check the paths, their permissions and the space, then run the command again",
    )


def fault(error: Exception) -> MithaqError:
    """An error that no room knows: a fault of this program. Its type and place are said, its text might hold anything."""
    package = Path(__file__).parents[1]
    ours = [
        frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).is_relative_to(package)
    ]
    place = f"{Path(ours[-1].filename).relative_to(package)}, line {ours[-1].lineno}" if ours else ""
    return MithaqError(
        "CLI-009",
        f"a fault in this program ({type(error).__name__})",
        place=place,
        remedy=f"report it with this line; with {TRACEBACK}=1 set the command shows where it came from",
    )


def progress() -> Progress:
    """A progress bar on standard error; nothing where that is not a terminal."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    )


def read_file(path: Path, *, largest: int = 256 * 1024 * 1024) -> bytes:
    """A file's bytes; SettingsError where it cannot be read or is larger than any file of its kind."""
    try:
        with path.open("rb") as file:
            data = file.read(largest + 1)  # a device states no size and has no end
    except OSError as error:
        raise SettingsError(
            "CLI-001", f"the file cannot be read ({error.strerror})", file=str(path), remedy="check the path"
        ) from None
    if len(data) > largest:
        raise SettingsError(
            "CLI-002",
            f"the file is larger than {largest} bytes",
            file=str(path),
            remedy="check that it is the right file",
        )
    return data


def map_file(path: Path) -> bytes | memoryview:
    """A file's bytes: read where it is small, mapped where it is large, so that only what is looked at is loaded."""
    if path.is_file() and path.stat().st_size > MAPPED_FROM:
        try:
            with path.open("rb") as file:
                return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        except OSError:
            pass  # a file that cannot be mapped may still be read, or says below why not
    return read_file(path)


def write_file(path: Path, data: bytes) -> None:
    """Write a file whole or not at all."""
    temporary = path.with_name(path.name + ".part")
    try:
        temporary.write_bytes(data)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise SettingsError(
            "CLI-003", f"the file cannot be written ({error.strerror})", file=str(path), remedy="check path and space"
        ) from None


def instant(text: str, option: str) -> datetime:
    """A day (its beginning, UTC) or an instant; wrong usage where it is neither."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter("write YYYY-MM-DD, or an instant in UTC", param_hint=option) from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def passphrase(file: Path | None, officer: str) -> str:
    """The officer's passphrase, from a file's first line or asked for without echo."""
    if file is not None:
        text = read_file(file, largest=4096).decode("utf-8", "replace").splitlines()
        return text[0] if text else ""
    return str(typer.prompt(f"Passphrase of {officer}", hide_input=True, err=True))
