"""Fuzzing of everything that reads foreign bytes: `make fuzz`, or python tools/fuzz.py --target reader --seconds 60.

    sample files and made ones ──shrink──► seeds ──mutate──► one target ──► nothing, or a finding in a file

Targets: read, reader, check, show, xml, templates, profile. A finding is anything but the room's own error; an input that takes
more time or memory than its size allows; or a law that does not hold. Each is written once, named by its defect, to --out.
Our own mutator needs nothing, and a seed number repeats its run. Where atheris is installed (it is no dependency), it has
the second half of the time: coverage guides the mutations then, of which a half are still ours. Not done here: mending; a
finding becomes a named file in tests/attacks.
"""

from __future__ import annotations

import argparse
import random
import re
import subprocess
import sys
import time
import traceback
import tracemalloc
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial
from importlib.util import find_spec
from pathlib import Path

if "atheris" in sys.argv:  # coverage is counted in what is imported under its eyes
    import atheris

    seen = atheris.instrument_imports(include=["mithaq.record"])
else:
    seen = nullcontext()
with seen:
    from mithaq import record
    from mithaq.errors import FormatError, SettingsError
    from mithaq.record import load_profile, read_transaction, write_transaction
    from mithaq.record.rules.file import read_profile

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT.parent / "shared" / "data" / "nist-itl"
LONGEST_SEED = 6_000  # bytes; of a longer file the long values are cut, since what they hold is not what is fuzzed here
LONGEST_VALUE = 128
LONGEST_INPUT = 200_000  # bytes; splices grow no further
MEASURED_EVERY = 32  # runs whose memory is measured too, which makes them slower

SEPARATORS = (b"\x1c", b"\x1d", b"\x1e", b"\x1f")
PIECES = (
    *SEPARATORS, b"", b"\x00", b"\xff", b"\x02", b"\x03", b"\r\n", b"\xef\xbb\xbf", b"\xd8\x00", b"-1", b"0", b"1", b"9" * 25,
    b"\x1d14.999:", b"\x1d9.012:", b"\x1d1.003:1\x1f", b"14.001:9\x1c", b"1.001:", b"2.001:99\x1c", b"\x00\x00\x00\x05\x00",
    b"\xff\xff\xff\xff", b"\x1c" * 40, b"\x1d" * 40, b"\x1e" * 400, b"\x1f" * 400, "ق".encode(), "ق".encode("utf-16-be"),
    b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"&b;", b"<a>", b"</", b"]]>", b"xmlns:x=''", b"[[field]]\n", b'"', b"\\", b"[a-z]{9999}",
)  # fmt: skip

Target = Callable[[bytes], None]


# ---------------------------------------------------------------- targets: each returns, or raises what nobody may see


def read(data: bytes) -> None:
    """Reading and writing alone, held to the time and memory that the reader promises."""
    try:
        write_transaction(read_transaction(data))
    except FormatError:
        return


def reader(data: bytes) -> None:
    """Whatever is read is written back byte by byte, cut into fields or not, and a view of it reads alike."""
    try:
        tx = read_transaction(data)
    except FormatError:
        return
    if write_transaction(tx) != data:
        raise AssertionError("what was read is written otherwise")
    for one in tx.records:
        apart = record.Record(one.type, one.fields, one.end)
        if b"".join(apart.chunks()) != one.source or apart.size != one.size:
            raise AssertionError("the fields of a record are not its bytes")
        _ = one.idc, one.data, one.is_binary, [part.subfields for part in one.fields if not part.is_binary_item]
    _ = tx.tot, tx.tcn, tx.tcr, tx.encoding, record.images(tx)
    if read_transaction(memoryview(data)) != tx:
        raise AssertionError("a view of the bytes reads otherwise than the bytes")


def check(data: bytes) -> None:
    """Every profile finds what it finds, and says it."""
    try:
        tx = read_transaction(data)
    except FormatError:
        return
    for name in PROFILES:
        for finding in record.check(tx, record.load_profile(name)):
            str(finding)


def show(data: bytes) -> None:
    """The tree, the page without pictures, and the difference from a sound transaction."""

    try:
        tx = read_transaction(data)
    except FormatError:
        return
    record.tree(tx)
    record.page([("fuzz", tx)])
    other = read_transaction(made_seeds()[0])
    if list(record.differences(tx, tx)):
        raise AssertionError("a transaction differs from itself")
    list(record.differences(tx, other))
    list(record.differences(other, tx))


def xml(data: bytes) -> None:
    """Any bytes give a transaction or a FormatError; what was read can be written in both encodings."""
    try:
        tx = record.read_any(data)
        record.write_xml(tx)
        write_transaction(tx)
    except FormatError:
        return


def templates(data: bytes) -> None:
    """Every reader of standard templates; what one reads can be written in every form, or is refused."""
    try:
        views = tuple(record.read_template(data))
    except FormatError:
        return
    for form in record.FORMS:
        try:
            record.write_template(views, form)
        except FormatError:
            continue


def profile(data: bytes) -> None:
    """A profile's text, and the same text as a partner's override, is in order, or a SettingsError says where it is not."""
    text = data.decode("utf-8", "replace")
    for reads in (read_profile, partial(load_profile, "mithaq-1")):
        try:
            reads(text)
        except SettingsError:
            continue


PROFILES = sorted(path.stem for path in (Path(record.__file__).parent / "profiles").glob("*.toml"))
TARGETS: dict[str, Target] = {
    "read": read,
    "reader": reader,
    "check": check,
    "show": show,
    "profile": profile,
    "xml": xml,
    "templates": templates,
}

# Seconds and bytes that an input may take: a base, and so much for each byte of it. Those of reading are its promise.
TIME_S = {"read": (0.05, 20e-9)}
MEMORY = {"read": (1 << 20, 2)}  # beside the file itself; the base is what any small file's objects take
OTHER_TIME_S, OTHER_MEMORY = (1.0, 20e-6), (32 << 20, 2_000)


# ---------------------------------------------------------------- seeds


def made_seeds() -> list[bytes]:
    """Small transactions of ours: text, binary and picture records, every one of them synthetic."""
    four = record.binary_record(4, 1, [0, [1], 0, 16, 16, 0], bytes(range(256)))
    head = {2: "0502", 4: "CAR", 5: "20260310", 6: "4", 7: "DAI", 8: "ORI", 9: "TCN1", 11: "19.69", 12: "19.69"}
    picture = {
        3: "0",
        4: "ORI",
        5: "20260310",
        6: "16",
        7: "16",
        8: "1",
        9: "500",
        10: "500",
        11: "NONE",
        12: "8",
        13: "1",
    }
    nine = record.tagged_record(
        9, {3: "4", 4: "S", 12: [["1", "0100", "0200", "90"], ["2", "0300", "0400", "180"]]}, idc=2
    )
    text = record.tagged_record(2, {3: "free", 18: [["a", "b"], ["c"]], 30: "قضية"}, idc=0)
    print_ = record.tagged_record(14, {**picture, 999: b"\x1c\x1d14.001:" + bytes(range(200))}, idc=1)
    seven = record.binary_record(7, 3, [], b"anything")
    sets = [[text], [text, four], [text, nine, print_], [text, seven, four, nine], []]
    return [write_transaction(record.new_transaction(head | {15: [["3", "UTF-8", "0"]]}, records)) for records in sets]


def seeds_for(target: str, samples: Path) -> list[bytes]:
    """What mutations of a target start from."""
    if target == "profile":
        return [path.read_bytes() for path in (Path(record.__file__).parent / "profiles").glob("*.toml")]
    files = (
        sorted(path for path in samples.glob("*") if path.suffix not in {".md", ".json"}) if samples.is_dir() else []
    )
    found = made_seeds()
    for path in files:
        data = path.read_bytes()
        if path.suffix != ".xml":
            found.append(shrunk(data))
        elif target == "xml":
            found.append(re.sub(rb"[A-Za-z0-9+/=\s]{600,}", b"AAAA", data)[:LONGEST_INPUT])
    if target == "xml":
        found += [record.write_xml(read_transaction(seed)) for seed in made_seeds()]
    if target == "templates":
        found += [made for seed in list(found) for made in _as_templates(seed)]
    return found


def _as_templates(data: bytes) -> list[bytes]:
    """What a transaction's minutiae and pictures are in each form that can hold them."""
    made = []
    for form in record.FORMS:
        try:
            made.append(record.write_template(tuple(record.read_template(data)), form).data)
        except FormatError:
            continue
    return made


def shrunk(data: bytes) -> bytes:
    """The file with its longest values cut to a few dozen bytes, its structure left."""
    tx = read_transaction(data)
    if len(data) <= LONGEST_SEED:
        return data
    records = []
    for one in tx.records:
        for part in one.fields:
            if len(part.value) > LONGEST_VALUE and part.number and part is one.field(part.number):
                one = one.with_field(part.number, part.value[: LONGEST_VALUE // 2])
        records.append(one)
    return write_transaction(record.Transaction(tuple(records), tx.tail))


# ---------------------------------------------------------------- mutations


def mutated(rng: random.Random, data: bytes, seeds: Sequence[bytes]) -> bytes:
    """The data with one to four injuries."""
    raw = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 4))):
        rng.choice(MUTATIONS)(rng, raw, seeds)
    return bytes(raw[:LONGEST_INPUT])


def _at(rng: random.Random, raw: bytearray) -> int:
    return rng.randrange(len(raw) + 1)


def _flip(rng: random.Random, raw: bytearray, seeds: Sequence[bytes]) -> None:
    for _ in range(rng.choice((1, 1, 2, 8))):
        if raw:
            raw[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)


def _noise(rng: random.Random, raw: bytearray, seeds: Sequence[bytes]) -> None:
    at = _at(rng, raw)
    raw[at : at + rng.choice((0, 1, 4, 40))] = rng.randbytes(rng.choice((1, 2, 4, 40)))


def _piece(rng: random.Random, raw: bytearray, seeds: Sequence[bytes]) -> None:
    at = _at(rng, raw)
    raw[at : at + rng.choice((0, 0, 1, 4, 40))] = rng.choice(PIECES) * rng.choice((1, 1, 1, 2, 100))


def _splice(rng: random.Random, raw: bytearray, seeds: Sequence[bytes]) -> None:
    other = rng.choice(seeds)
    start = rng.randrange(len(other) + 1)
    at = _at(rng, raw)
    raw[at : at + rng.choice((0, 1, 100, len(raw)))] = other[start : start + rng.choice((4, 60, 600, len(other)))]


def _cut(rng: random.Random, raw: bytearray, seeds: Sequence[bytes]) -> None:
    del raw[_at(rng, raw) :]


def _drop(rng: random.Random, raw: bytearray, seeds: Sequence[bytes]) -> None:
    at = _at(rng, raw)
    del raw[at : at + rng.choice((1, 2, 5, 50, 500))]


def _repeat(rng: random.Random, raw: bytearray, seeds: Sequence[bytes]) -> None:
    at = _at(rng, raw)
    raw[at:at] = raw[at : at + rng.choice((1, 8, 60))] * rng.choice((1, 2, 50))


def _number(rng: random.Random, raw: bytearray, seeds: Sequence[bytes]) -> None:
    """A number that lies: a length, a count, an IDC, whatever is spelt in digits."""
    found = list(re.finditer(rb"[0-9]+", raw))
    if found:
        one = rng.choice(found)
        value = int(one[0][:30])
        lie = rng.choice((value + 1, value - 1, value * 10, 0, 1, 255, 1 << 32, rng.randrange(1 << 20), len(raw)))
        raw[one.start() : one.end()] = b"%d" % lie


def _field(rng: random.Random, raw: bytearray, seeds: Sequence[bytes]) -> None:
    """A field dropped, doubled or moved, or a separator turned into another."""
    gaps = [m.start() for m in re.finditer(rb"[\x1c-\x1f]", raw)]
    if len(gaps) < 2:
        return
    k = rng.randrange(len(gaps) - 1)
    one = raw[gaps[k] : gaps[k + 1]]
    kind = rng.randrange(3)
    if kind == 0:
        raw[gaps[k]] = rng.choice(SEPARATORS)[0]
    elif kind == 1:
        del raw[gaps[k] : gaps[k + 1]]
    else:
        raw[(at := rng.choice(gaps)) : at] = one


MUTATIONS = (_flip, _flip, _noise, _piece, _piece, _splice, _cut, _drop, _repeat, _number, _number, _field, _field)


# ---------------------------------------------------------------- runs


class Hunt:
    """Runs inputs through one target and keeps what it finds, each defect once."""

    def __init__(self, target: str, out: Path) -> None:
        self.name = target
        self.out = out
        self.runs = 0
        self.found: Counter[str] = Counter()
        self._run = TARGETS[target]

    def one(self, data: bytes) -> None:
        self.runs += 1
        is_measured = self.runs % MEASURED_EVERY == 0
        if is_measured:
            tracemalloc.start()
        begin = time.process_time()
        try:
            self._run(data)
        except RecursionError:
            self._keep("RecursionError", data)
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            detail = f"-{error.code}" if isinstance(error, (FormatError, SettingsError)) else ""
            self._keep(f"{type(error).__name__}{detail}-{Path(place.filename).stem}.{place.name}", data)
        finally:
            spent = time.process_time() - begin
            if is_measured:
                peak = tracemalloc.get_traced_memory()[1]
                tracemalloc.stop()
        if is_measured:
            base, each = MEMORY.get(self.name, OTHER_MEMORY)
            if peak > base + each * len(data):
                self._keep("memory", data)
        elif self.is_slow(spent, data) and all(self.is_slow(self._again(data), data) for _ in range(3)):
            self._keep("slow", data)

    def is_slow(self, spent: float, data: bytes) -> bool:
        base, each = TIME_S.get(self.name, OTHER_TIME_S)
        return spent > base + each * len(data)

    def _again(self, data: bytes) -> float:
        begin = time.process_time()
        try:
            self._run(data)
        except Exception:
            pass
        return time.process_time() - begin

    def _keep(self, defect: str, data: bytes) -> None:
        name = re.sub(r"[^\w.-]", "_", f"{self.name}-{defect}")
        self.found[name] += 1
        if self.found[name] == 1:
            self.out.mkdir(parents=True, exist_ok=True)
            (self.out / f"{name}.bin").write_bytes(data)
            print(f"found: {name} ({len(data)} bytes)", flush=True)


def hunt(target: str, seconds: float, seed: int, samples: Path, out: Path) -> Hunt:
    """Our own mutator on one target for so long; the same seed number makes the same inputs in the same order."""
    rng = random.Random(f"{target} {seed}")
    seeds = seeds_for(target, samples)
    found = Hunt(target, out)
    for data in seeds:
        found.one(data)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found.one(mutated(rng, rng.choice(seeds), seeds))
    return found


def hunt_by_coverage(target: str, seconds: float, seed: int, samples: Path, out: Path) -> None:
    """The same with atheris, which ends the process when the time is up."""
    corpus = out / "corpus" / target
    corpus.mkdir(parents=True, exist_ok=True)
    seeds = seeds_for(target, samples)
    for k, data in enumerate(seeds):
        (corpus / f"seed{k:03d}").write_bytes(data)
    found = Hunt(target, out)
    rng = random.Random(seed)

    def mutate(data: bytes, max_size: int, _: int) -> bytes:
        return (mutated(rng, data, seeds) if rng.random() < 0.5 else atheris.Mutate(data, max_size))[:max_size]

    options = [
        f"-max_total_time={int(seconds)}",
        f"-seed={seed}",
        "-max_len=20000",
        "-verbosity=0",
        "-rss_limit_mb=4096",
    ]
    atheris.Setup([sys.argv[0], *options, str(corpus)], found.one, custom_mutator=mutate)
    atheris.Fuzz()


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--target", choices=[*TARGETS, "all"], default="all")
    parser.add_argument("--seconds", type=float, default=60.0, help="for all targets together")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--samples", type=Path, default=SAMPLES, help="a folder of files to begin from, beside our own")
    parser.add_argument("--out", type=Path, default=ROOT / ".cache" / "fuzz", help="where findings are written")
    parser.add_argument("--engine", choices=["both", "own", "atheris"], default="both")
    asked = parser.parse_args(arguments)
    names = list(TARGETS) if asked.target == "all" else [asked.target]
    if asked.engine == "atheris":
        if len(names) != 1:
            parser.error("atheris takes one --target at a time")
        hunt_by_coverage(names[0], asked.seconds, asked.seed, asked.samples, asked.out)
    is_guided = asked.engine == "both" and find_spec("atheris") is not None
    seconds = asked.seconds / len(names) / (2 if is_guided else 1)
    total = 0
    for name in names:
        done = hunt(name, seconds, asked.seed, asked.samples, asked.out)
        found = dict(done.found)
        if is_guided:
            found |= dict.fromkeys(_guided(name, seconds, asked), 1)
        print(f"{name}: {done.runs} inputs of ours, {len(found)} findings {found}", flush=True)
        total += len(found)
    return 1 if total else 0


def _guided(name: str, seconds: float, asked: argparse.Namespace) -> list[str]:
    """The same target by atheris, in a process of its own, since it ends its process; the names of what it found."""
    options = {"--seconds": seconds, "--seed": asked.seed, "--samples": asked.samples, "--out": asked.out}
    words = [str(word) for option in options.items() for word in option]
    command = [sys.executable, __file__, "--engine", "atheris", "--target", name, *words]
    told = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False).stdout
    return re.findall(r"^found: (\S+)", told, re.MULTILINE)


if __name__ == "__main__":
    sys.exit(main())
