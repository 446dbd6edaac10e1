"""Two agencies on this machine: a folder each with keys, settings, databases and gallery, officers, and one agreement.

They are made by what a real agency would run (`mithaq node init`, `agreement propose` and `sign`, `node enrol`,
`node serve`), and served as two processes of their own, which end with the process that started them.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from mithaq.demo.population import Population
from mithaq.errors import StorageError
from mithaq.node import officers
from mithaq.node.gateway import Node
from mithaq.node.initialise import PARTY_FILE, initialise, read_party
from mithaq.node.opening import open_node
from mithaq.pact.proposal import propose
from mithaq.pact.signed import sign, unsigned

# By role and country alone: no agency's own name or initials, and every page says that none takes part.
NAMES: Final = {
    "QA": {"en": "A ministry of interior (Qatar) – demonstration", "ar": "وزارة داخلية (قطر) – عرض توضيحي"},
    "US": {
        "en": "A federal investigation bureau (United States) – demonstration",
        "ar": "مكتب تحقيقات اتحادي (الولايات المتحدة) – عرض توضيحي",
    },
}
MARK: Final = "demo.json"  # only folders that carry it are ever removed
PASSPHRASE: Final = "demonstration only"
STOP_S: Final = 20.0  # how long a node may take to end before it is killed
START_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Person:
    """A sign-in of the demo."""

    code: str
    roles: tuple[str, ...]
    name: dict[str, str]


PEOPLE: Final = (
    Person("examiner-1", ("examiner",), {"en": "Examiner One", "ar": "خبير البصمات الأول"}),
    Person("officer-1", ("officer",), {"en": "Officer One", "ar": "الضابط الأول"}),
    Person("officer-2", ("officer",), {"en": "Officer Two", "ar": "الضابط الثاني"}),
)


@dataclass(frozen=True, slots=True)
class Agency:
    """One side of the demo: its code, its folder, and where it listens."""

    code: str
    home: Path
    partner_port: int
    desk_port: int

    @property
    def desk_url(self) -> str:
        """Where its people sign in."""
        return f"http://127.0.0.1:{self.desk_port}/"


def free_ports(count: int) -> list[int]:
    """Ports of this machine that are free now."""
    found = [socket.socket() for _ in range(count)]
    try:
        for one in found:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in found]
    finally:
        for one in found:
            one.close()


def fresh_folder(folder: Path) -> None:
    """An empty folder for this run; an earlier demo's is removed, anything else is left alone with a StorageError."""
    if folder.exists() and any(folder.iterdir()):
        if not (folder / MARK).is_file():
            raise StorageError(
                "DEM-010",
                "the folder holds something that is not a demo",
                place=str(folder),
                remedy="choose another folder with --dir",
            )
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARK).write_text(json.dumps({"demo": "no affiliation"}), encoding="utf-8")


def make_agencies(folder: Path) -> dict[str, Agency]:
    """Both agencies with their officers, under one agreement that both signed."""
    ports = free_ports(4)
    agencies = {
        code: Agency(code, folder / code, ports[2 * number], ports[2 * number + 1]) for number, code in enumerate(NAMES)
    }
    for agency in agencies.values():
        initialise(
            agency.home,
            party=agency.code,
            contact=f"{agency.code.lower()}-ncp",
            name=NAMES[agency.code],
            listen=f"127.0.0.1:{agency.partner_port}",
            desk=f"127.0.0.1:{agency.desk_port}",
            demonstration=True,
        )
    with contextlib.ExitStack() as stack:
        nodes = {code: stack.enter_context(open_node(agency.home)) for code, agency in agencies.items()}
        _agree(nodes)
        for node in nodes.values():
            for person in PEOPLE:
                officers.add(node, person.code, roles=person.roles, name=person.name, passphrase=PASSPHRASE)
    return agencies


def _agree(nodes: dict[str, Node]) -> None:
    """Propose from both party files, sign on each side, install on each side."""
    parties = dict(
        read_party((node.settings.home / PARTY_FILE).read_bytes(), place=PARTY_FILE) for node in nodes.values()
    )
    now = next(iter(nodes.values())).clock()
    signed = unsigned(propose(parties, valid_from=now - timedelta(days=1), valid_to=now + timedelta(days=365)))
    for code, node in nodes.items():
        key = node.keys.sign
        signed = sign(signed, code, signer=key.sign, thumbprint=key.thumbprint, at=node.clock())
    for node in nodes.values():
        node.agreements.install(signed.to_bytes())


def enrol_both(agencies: dict[str, Agency], population: Population) -> dict[str, dict[str, int]]:
    """Enrol each side in a process of its own, both at once; returns the counts by outcome."""
    started = {
        code: _start("node", "enrol", str(population.holdings[code].folder), "--dir", str(agency.home), "--json")
        for code, agency in agencies.items()
    }
    counts = {}
    try:
        for code, process in started.items():
            output, _ = process.communicate()
            if process.returncode:
                raise StorageError("DEM-011", f"enrolment at {code} ended with {process.returncode}", place=code)
            report = json.loads(output)
            counts[code] = {name: int(report[name]) for name in ("enrolled", "known", "unsearchable", "unreadable")}
    finally:
        for process in started.values():
            stop(process)
    return counts


@contextlib.contextmanager
def serving(agencies: dict[str, Agency]) -> Iterator[None]:
    """Both nodes as processes, until the block ends, however it ends."""
    started: list[subprocess.Popen[str]] = []
    try:
        for agency in agencies.values():
            started.append(_start("node", "serve", "--dir", str(agency.home), "--json"))
        for agency, process in zip(agencies.values(), started, strict=True):
            if process.stdout is None or not process.stdout.readline():
                raise StorageError(
                    "DEM-012",
                    f"the node of {agency.code} did not start (exit {process.wait(START_S)})",
                    place=str(agency.home / "log" / "node.jsonl"),
                )
        yield
    finally:
        for process in started:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in started:
            stop(process)


def _start(*arguments: str) -> subprocess.Popen[str]:
    """A process of this program in a group of its own, which ends when this process dies, whatever ends it."""
    log = Path(arguments[arguments.index("--dir") + 1]) / "log" / "node.jsonl"
    log.parent.mkdir(exist_ok=True)
    with log.open("a", encoding="utf-8") as errors:
        return subprocess.Popen(
            [sys.executable, "-m", "mithaq", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env={**os.environ, "MITHAQ_PARENT": str(os.getpid())},
            process_group=0,  # Ctrl-C in the terminal reaches us alone; we end our children in order
        )


def stop(process: subprocess.Popen[str]) -> None:
    """End a child, politely first; returns when it is gone."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


Progress = Callable[[str], None]
