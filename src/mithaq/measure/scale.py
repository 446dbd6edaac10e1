"""Searching a large file: `mithaq measure scale --fingers N`.

    synthetic fingers ─ packed in processes ─► a gallery in files ─┬─ opened, its bytes and memory
    real prints (--prints) ─ planted among them ───────────────────┤
                                                                   ├─ mated and unmated searches, exhaustive and indexed:
                                                                   │    ms on one core and on all, rank-1, FNIR at FPIR
                                                                   └─ real and synthetic strangers' scores side by side

Fingers are the same in every run; with --keep the gallery stays, and a run that was ended goes on where it stood. Without
real prints the mates are synthetic too: then times and memory mean something, errors little.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Literal

import numpy as np

from mithaq.errors import SettingsError
from mithaq.finger import Extractor, Template, threshold_for
from mithaq.measure import synthetic
from mithaq.measure.accuracy import set_names
from mithaq.measure.identification import Search, figures
from mithaq.measure.penetration import measure_penetration
from mithaq.measure.prints import Folder, Prints, Progress, extract_all, read_images
from mithaq.search import Gallery, Impression
from mithaq.units import FingerPosition

PACKED = 5_000
"""Fingers made in one piece: 5 MB, some seconds of one core."""
TIMED = 15
"""Searches whose times are taken, of each kind and number of cores; the median is said."""
FINGERS_A_PERSON = 10
TWO = (FingerPosition.RIGHT_INDEX, FingerPosition.LEFT_INDEX)
TOP = 10
STRANGERS = 10_000
"""Comparisons of real prints of different fingers from which a tail is fitted: a hundred of them then lie in it."""
HOW: tuple[Literal["exhaustive", "indexed"], ...] = ("exhaustive", "indexed")


@dataclass(frozen=True, slots=True)
class Probe:
    """One question: its templates, their positions (None: any finger), whose they are, and the mate's reference, None for none."""

    group: str
    templates: tuple[Template, ...]
    positions: tuple[FingerPosition, ...] | None
    mate: str | None


def measure_scale(
    fingers: int,
    *,
    persons: bool = False,
    searches: int = 200,
    sets: Sequence[tuple[str, Prints]] = (),
    keep: Path | None = None,
    plots: Path | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Figures of a gallery of so many synthetic fingers, one a person or (`persons`) ten, and of real ones planted in it.

    `fingers`, `persons`; `build_s`, `open_s`, `bytes_per_finger`, `memory_mb` (resident with the mapped files, after the
    searches); for each kind of query ("one", with `persons` "ten", "two" and "ten_unknown") `exhaustive_ms` and `indexed_ms`
    ({"one": ms, "all": ms} by cores), `rank1_exhaustive`, `rank1_indexed` and under `errors` what `identification.figures`
    says of each. The figures of the first kind also stand at the top. `realism` where real prints were given.

    `sets`: (name, prints): each finger's first impression is enrolled, all others are searched; a fifth of the fingers
    (with `persons`, of the persons put together from them) is left out of the gallery and searched without a mate.
    SettingsError MEA-020 for a number of fingers that cannot be, MEA-021 where `keep` holds another gallery.
    """
    if not 1_000 <= fingers <= 100_000_000 or fingers % FINGERS_A_PERSON:
        raise SettingsError("MEA-020", f"{fingers} fingers", key="--fingers", expected="1,000 or more, in tens")
    with tempfile.TemporaryDirectory(prefix="mithaq-scale-") as temporary:
        folder = keep or Path(temporary) / "gallery"
        began = time.monotonic()
        build(folder, fingers, persons, progress)
        build_s = time.monotonic() - began
        planted, kinds = _probes(fingers, persons, searches, sets)
        _plant(folder, planted)
        found: dict[str, Any] = {
            "fingers": fingers,
            "persons": fingers // FINGERS_A_PERSON if persons else fingers,
            "planted": len(planted),
            "cores": len(os.sched_getaffinity(0)),
            "build_s": round(build_s, 1),
        }
        began = time.monotonic()
        with Gallery(folder) as gallery:
            found["open_s"] = round(time.monotonic() - began, 3)
            found["bytes_per_finger"] = round(gallery.commit.bytes / gallery.count().fingers, 1)
            began = time.monotonic()
            gallery.prepare()
            found["prepare_s"] = round(time.monotonic() - began, 2)
            for kind, probes in kinds.items():
                found[kind] = _kind(gallery, kind, probes, progress)
            if not persons:
                fields = gallery.fields
                row_of = {one.reference: len(fields) - len(planted) + k for k, one in enumerate(planted)}
                mated = [(p.templates[0], row_of[p.mate] if sets else _number(p.mate)) for p in kinds["one"] if p.mate]
                found["penetration"] = measure_penetration(fields, mated, plots=plots)
        found |= {name: value for name, value in found[next(iter(kinds))].items() if name != "errors"}
        found["memory_mb"] = resident_mb()
    if sets:
        from mithaq.measure.realism import realism

        prints = [(f"{name}/{f}", t) for name, s in sets for f, t in zip(s.fingers, s.templates, strict=True) if t]
        found["realism"] = realism(prints)
    else:
        found["note"] = "Mates and strangers are synthetic: times and memory mean something, errors little."
    return found


def read_sets(folders: Sequence[Folder], *, progress: Progress | None = None) -> list[tuple[str, Prints]]:
    """(name, prints) of each folder, by the default extractor."""
    extractor = Extractor() if folders else None
    return [
        (name, extract_all(read_images(folder, progress=progress), extractor, progress=progress))
        for name, folder in zip(set_names([folder.path for folder in folders]), folders, strict=True)
        if extractor is not None
    ]


def measure_model(
    fingers: int, *, sets: Sequence[tuple[str, Prints]] = (), progress: Progress | None = None
) -> dict[str, Any]:
    """The cost model for so many fingers (forecast.py), with the true pairs of real prints where they are given."""
    from mithaq.finger import compare
    from mithaq.measure.forecast import forecast, measure_rates

    known = [(f"{name}/{f}", t) for name, s in sets for f, t in zip(s.fingers, s.templates, strict=True) if t]
    number = {finger: k for k, finger in enumerate(dict.fromkeys(finger for finger, _ in known))}
    firsts = dict(reversed(known))
    mates = [compare(probe, firsts[finger]).value for finger, probe in known if probe is not firsts[finger]]
    pairs = []
    for done, (finger, probe) in enumerate(known):
        if progress:
            progress("strangers", done, len(known))
        pairs += [
            (compare(probe, other).value, number[finger], number[owner])
            for owner, other in known[:done]
            if owner != finger
        ]
    strangers = None
    if len(pairs) >= STRANGERS:
        score, first, second = (np.array(column) for column in zip(*pairs, strict=True))
        strangers = score, first, second
    return forecast(fingers, measure_rates(progress), mates=mates, strangers=strangers, progress=progress)


# ---- the gallery ------------------------------------------------------------------------------------------------


def reference_of(number: int) -> str:
    return f"SYN-{number:09d}"


def _number(reference: str) -> int:
    return int(reference.rpartition("-")[2])


def build(folder: Path, fingers: int, persons: bool, progress: Progress | None) -> None:
    """A gallery of the synthetic fingers 0 to `fingers` in `folder`; what is there already is gone on from."""
    each = FINGERS_A_PERSON if persons else 1
    with Gallery(folder, writable=True) as gallery:
        for reference in {reference for reference, _, _ in gallery.slots() if reference.startswith("REAL-")}:
            gallery.remove(reference)  # what an earlier run planted
        there = gallery.count()
        done = there.impressions
        if there.persons * each != done or done > fingers or (done and reference_of(0) not in gallery):
            raise SettingsError(
                "MEA-021",
                f"the folder holds a gallery of {done} impressions of {there.persons} persons",
                file=str(folder),
                expected=f"none, or the beginning of one with {each} fingers a person",
                remedy="name another folder",
            )
        starts = range(done, fingers, PACKED)
        jobs = [(start, min(PACKED, fingers - start), each) for start in starts]
        for start, packed in zip(starts, _in_processes(_packed, jobs), strict=True):
            if progress:
                progress("synthetic fingers", start, fingers)
            count = len(packed) // each
            gallery.add_fields(packed, [reference_of(start // each + k) for k in range(count)])


def _packed(job: tuple[int, int, int]) -> Any:
    from mithaq.search.fields import Fields

    first, count, each = job
    templates = [one.template() for one in synthetic.fingers(first, count)]
    numbers = np.arange(count)
    positions = numbers % each + 1 if each > 1 else np.full(count, int(FingerPosition.RIGHT_INDEX))
    return Fields.of(templates, positions, numbers // each)


def _in_processes(work: Callable[[Any], Any], jobs: Sequence[Any]) -> Iterable[Any]:
    """The results in order, on all cores, a few ahead of what was taken."""
    cores = len(os.sched_getaffinity(0))
    if cores == 1 or len(jobs) < 2:
        yield from map(work, jobs)
        return
    with ProcessPoolExecutor(cores, mp_context=get_context("forkserver")) as pool:
        ahead = [pool.submit(work, job) for job in jobs[: 2 * cores]]
        for number in range(len(jobs)):
            result = ahead[number].result()
            ahead[number] = None  # type: ignore[call-overload]  # its arrays need not stay
            if number + 2 * cores < len(jobs):
                ahead.append(pool.submit(work, jobs[number + 2 * cores]))
            yield result


def _plant(folder: Path, planted: Sequence[Impression]) -> None:
    """Real fingers into the gallery."""
    with Gallery(folder, writable=True) as gallery:
        gallery.add_many(planted)


# ---- the questions ----------------------------------------------------------------------------------------------


def _probes(
    fingers: int, persons: bool, searches: int, sets: Sequence[tuple[str, Prints]]
) -> tuple[list[Impression], dict[str, list[Probe]]]:
    """What to plant, and the questions by kind."""
    if persons:
        planted, tens = _chimeras(sets, searches) if sets else ([], _synthetic_tens(fingers, searches))
        return planted, {
            "ten": tens,
            "two": [_only(probe, TWO) for probe in tens],
            "ten_unknown": [
                Probe(p.group, p.templates, (FingerPosition.UNKNOWN,) * len(p.templates), p.mate) for p in tens
            ],
        }
    if sets:
        return _singles(sets, searches)
    spread = np.linspace(0, fingers - 1, searches).astype(int).tolist()
    mated = [Probe(reference_of(n), (synthetic.impression(n, 1),), None, reference_of(n)) for n in spread]
    strangers = [
        Probe(reference_of(n), (synthetic.impression(n, 1),), None, None) for n in range(fingers, fingers + searches)
    ]
    return [], {"one": mated + strangers}


def _singles(sets: Sequence[tuple[str, Prints]], searches: int) -> tuple[list[Impression], dict[str, list[Probe]]]:
    planted, mated, strangers = [], [], []
    for name, prints in sets:
        names = list(dict.fromkeys(prints.fingers))
        for finger, impression, template in zip(prints.fingers, prints.impressions, prints.templates, strict=True):
            if template is None:
                continue
            reference = f"REAL-{name}-{finger}".replace("/", "-")
            if names.index(finger) % 5 == 4:
                strangers.append(Probe(reference, (template,), None, None))
            elif impression == next(i for f, i in zip(prints.fingers, prints.impressions, strict=True) if f == finger):
                planted.append(Impression(reference, FingerPosition.RIGHT_INDEX, 0, template))
            else:
                mated.append(Probe(reference, (template,), None, reference))
    return planted, {"one": _some(mated, searches) + _some(strangers, searches)}


def _some(probes: list[Probe], most: int) -> list[Probe]:
    """At most so many, spread evenly."""
    return [probes[k] for k in np.unique(np.linspace(0, len(probes) - 1, min(most, len(probes))).astype(int))]


def _synthetic_tens(fingers: int, searches: int) -> list[Probe]:
    people = fingers // FINGERS_A_PERSON

    def probe(person: int, mate: str | None) -> Probe:
        numbers = range(person * FINGERS_A_PERSON, (person + 1) * FINGERS_A_PERSON)
        templates = tuple(synthetic.impression(number, 1) for number in numbers)
        return Probe(reference_of(person), templates, _POSITIONS, mate)

    spread = np.linspace(0, people - 1, searches).astype(int).tolist()
    return [probe(n, reference_of(n)) for n in spread] + [probe(n, None) for n in range(people, people + searches)]


_POSITIONS = tuple(FingerPosition(k) for k in range(1, 11))


def _chimeras(sets: Sequence[tuple[str, Prints]], searches: int) -> tuple[list[Impression], list[Probe]]:
    """Persons of ten real fingers, as many as there are, one in five of them not enrolled; each searched with every later
    impression. A finger of a person that is not enrolled is in nobody that is."""
    fingers = [
        (f"{name}/{finger}", [t for f, t in zip(prints.fingers, prints.templates, strict=True) if f == finger and t])
        for name, prints in sets
        for finger in dict.fromkeys(prints.fingers)
    ]
    fingers = [one for one in fingers if len(one[1]) >= 2]
    order = np.random.default_rng(3).permutation(len(fingers))
    planted, probes = [], []
    for number in range(len(fingers) // FINGERS_A_PERSON):
        own = [fingers[k][1] for k in order[number * FINGERS_A_PERSON : (number + 1) * FINGERS_A_PERSON]]
        reference = f"REAL-{number:03d}"
        enrolled = number % 5 != 4
        if enrolled:
            planted += [
                Impression(reference, position, 0, prints[0]) for position, prints in zip(_POSITIONS, own, strict=True)
            ]
        for k in range(1, min(len(prints) for prints in own)):
            templates = tuple(prints[k] for prints in own)
            probes.append(Probe(reference, templates, _POSITIONS, reference if enrolled else None))
    return planted, probes[: 2 * searches]


def _only(probe: Probe, positions: Sequence[FingerPosition]) -> Probe:
    assert probe.positions is not None  # the ten fingers were declared
    kept = [probe.positions.index(position) for position in positions]
    return Probe(probe.group, tuple(probe.templates[k] for k in kept), tuple(positions), probe.mate)


def _kind(gallery: Gallery, kind: str, probes: Sequence[Probe], progress: Progress | None) -> dict[str, Any]:
    found: dict[str, Any] = {"errors": {}}
    for how in HOW:
        found[f"{how}_ms"] = {
            "one": _median_ms(gallery, probes[:TIMED], how, 1),
            "all": _median_ms(gallery, probes[:TIMED], how, None),
        }
        answered = []
        for done, probe in enumerate(probes):
            if progress:
                progress(f"{kind}, {how}", done, len(probes))
            answered.append(_search(gallery, probe, how))
        found["errors"][how] = figures(answered)
        found[f"rank1_{how}"] = found["errors"][how].get("rank1")
    return found


def _search(gallery: Gallery, probe: Probe, how: Literal["exhaustive", "indexed"]) -> Search:
    answers = gallery.search(probe.templates, threshold=0.0, top=TOP, positions=probe.positions, how=how)
    others = [candidate.score for candidate in answers if candidate.reference != probe.mate]
    mates = [(rank, c.score) for rank, c in enumerate(answers, 1) if c.reference == probe.mate]
    highest = max(others, default=0.0)
    if probe.mate is None:
        return Search((probe.group,), None, 0, highest)
    rank, score = mates[0] if mates else (0, float("nan"))
    return Search((probe.group,), score, rank, highest)


def _median_ms(
    gallery: Gallery, probes: Sequence[Probe], how: Literal["exhaustive", "indexed"], cores: int | None
) -> float:
    """As a node asks: at the agreement's threshold; the process bound to so many cores meanwhile."""
    mine = os.sched_getaffinity(0)
    threshold = threshold_for(1e-6)
    times = []
    try:
        if cores is not None:
            os.sched_setaffinity(0, set(sorted(mine)[:cores]))
        for probe in (probes[0], *probes):  # the first is not counted: it may load what later ones find
            began = time.perf_counter()
            gallery.search(probe.templates, threshold=threshold, top=TOP, positions=probe.positions, how=how)
            times.append(1000.0 * (time.perf_counter() - began))
    finally:
        os.sched_setaffinity(0, mine)
    return round(statistics.median(times[1:]), 1)


def resident_mb() -> float:
    """Resident memory of this process, mapped files included."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 1)
