"""How commands speak: one JSON object or plain lines on standard output, progress and errors on standard error."""

from __future__ import annotations

import json
import mmap
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from mithaq.errors import MithaqError, SettingsError

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]
Home = Annotated[Path, typer.Option("--dir", envvar="MITHAQ_DIR", help="The node's folder.", show_default=False)]
PassphraseFile = Annotated[
    Path | None, typer.Option("--passphrase-file", help="A file with the officer's passphrase; asked for otherwise.")
]


MAPPED_FROM = (
    8 << 20
)  # bytes; a small file is read whole, since one that another program cuts short would end a mapping badly


def say(values: dict[str, Any], as_json: bool, lines: list[str]) -> None:
    """Print the JSON object, or the lines for a person."""
    print(json.dumps(values, ensure_ascii=False, default=str) if as_json else "\n".join(lines))


def fail(error: MithaqError, *, as_json: bool) -> int:
    """Print an error; returns the exit status that belongs to it."""
    if as_json:
        print(json.dumps({"error": error.as_dict()}, ensure_ascii=False))
    else:
        print(f"mithaq: {error}", file=sys.stderr)
    return error.exit_status


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
        size = path.stat().st_size
        if size > largest:
            raise SettingsError("CLI-002", f"the file has {size} bytes", file=str(path), expected=f"at most {largest}")
        return path.read_bytes()
    except OSError as error:
        raise SettingsError(
            "CLI-001", f"the file cannot be read ({error.strerror})", file=str(path), remedy="check the path"
        ) from None


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


def passphrase(file: Path | None, officer: str) -> str:
    """The officer's passphrase, from a file's first line or asked for without echo."""
    if file is not None:
        text = read_file(file, largest=4096).decode("utf-8", "replace").splitlines()
        return text[0] if text else ""
    return str(typer.prompt(f"Passphrase of {officer}", hide_input=True, err=True))
