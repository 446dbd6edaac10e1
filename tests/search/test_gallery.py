"""Adding, removing, searching, counting: the answer equals brute force over a plain dictionary."""

from __future__ import annotations

import threading
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from search_twins import MATE, everything, template_of

from mithaq.errors import StorageError
from mithaq.finger import Template
from mithaq.finger.compare import compare
from mithaq.search import Counts, Gallery, Impression, Searcher
from mithaq.search.engine import Engine
from mithaq.search.fields import Fields
from mithaq.search.files import GalleryFiles
from mithaq.search.shelf import View, reference_hash, reference_hashes
from mithaq.units import Candidate, FingerPosition

Held = list[tuple[str, int, int, Template]]

REFERENCES = st.sampled_from(["A", "B-2", "c.3", "QA:2026-0004", "e@5"])
ADDITIONS = st.tuples(
    st.just("add"), REFERENCES, st.integers(0, 12), st.integers(0, 3), st.tuples(st.integers(1, 6), st.integers(0, 2))
)
REMOVALS = st.tuples(st.just("remove"), REFERENCES)
STEPS = st.lists(st.one_of(ADDITIONS, REMOVALS, st.just(("compact",)), st.just(("reopen",))), max_size=14)
PROBES = st.lists(st.tuples(st.integers(1, 8), st.integers(0, 3)), min_size=1, max_size=3)


def brute_force(held: Held, probes: list[Template], threshold: float, top: int) -> list[Candidate]:
    """Everything compared with everything, and the rules of `Searcher` written out."""
    best: dict[str, tuple[tuple[float, int, int, int], Candidate]] = {}
    for number, probe in enumerate(probes):
        for reference, position, impression, template in held:
            score = compare(probe, template)
            if score.value >= threshold:
                place = (-score.value, position, impression, number)
                finger = FingerPosition(position)
                candidate = Candidate(reference, finger, impression, score.value, score.parts, number)
                if reference not in best or place < best[reference][0]:
                    best[reference] = (place, candidate)
    return sorted((c for _, c in best.values()), key=lambda c: (-c.score, c.reference))[:top]


def play(path: Path, steps: list[tuple[object, ...]]) -> Held:
    """The steps on a gallery and on a plain list, which must agree after each."""
    gallery, held = Gallery(path, writable=True), Held()
    for step in steps:
        if step[0] == "add":
            _, reference, position, impression, which = step
            item = (str(reference), int(str(position)), int(str(impression)), template_of(*which))  # type: ignore[misc]
            assert gallery.add(*item) == (item not in held)
            if item not in held:
                held.append(item)
        elif step[0] == "remove":
            gone = [item for item in held if item[0] == step[1]]
            assert gallery.remove(str(step[1])) == len(gone)
            held = [item for item in held if item[0] != step[1]]
        elif step[0] == "compact":
            gallery.compact()
            assert gallery.commit.rows == len(held)
        else:
            gallery.close()
            gallery = Gallery(path, writable=True)
        assert list(gallery.slots()) == [item[:3] for item in held]
        assert {reference for reference in ("A", "B-2", "c.3") if reference in gallery} == {
            item[0] for item in held if item[0] in ("A", "B-2", "c.3")
        }
    gallery.check()
    gallery.close()
    return held


@settings(max_examples=15, deadline=None)
@given(steps=STEPS, probes=PROBES, threshold=st.sampled_from([0.0, 0.001, 0.05, 0.3]), top=st.integers(1, 4))
def test_answer_equals_brute_force(
    steps: list[tuple[object, ...]], probes: list[tuple[int, int]], threshold: float, top: int
) -> None:
    wanted = [template_of(*which) for which in probes]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "gallery"
        held = play(path, steps)
        expected = brute_force(held, wanted, threshold, top)
        with Gallery(path) as reader:
            assert reader.search(wanted, threshold=threshold, top=top) == expected
            fingers = {(reference, position) for reference, position, _, _ in held}
            assert reader.count() == Counts(len({item[0] for item in held}), len(fingers), len(held))
            stored = [(i.reference, int(i.position), i.impression, i.template) for i in reader.impressions()]
            assert stored == held


def test_equal_scores_go_by_reference(place: Path) -> None:
    with Gallery(place, writable=True) as gallery:
        for reference in ("b", "a", "c"):
            gallery.add(reference, 3, 0, template_of(1))
        gallery.add("a", 2, 0, template_of(1))
        found = gallery.search([template_of(9), template_of(1), template_of(1)], threshold=MATE, top=2)
    assert [(c.reference, c.position, c.probe) for c in found] == [
        ("a", FingerPosition.RIGHT_INDEX, 1),
        ("b", FingerPosition.RIGHT_MIDDLE, 1),
    ]


def test_candidate_carries_the_parts_of_its_score(three: Path) -> None:
    with Gallery(three) as gallery:
        (best,) = gallery.search([template_of(3, 1)], threshold=MATE, top=5)
    score = compare(template_of(3, 1), template_of(3))
    assert best == Candidate("B-2", FingerPosition.RIGHT_INDEX, 0, score.value, score.parts, 0)


def test_empty_gallery_and_empty_print_answer_nobody(place: Path) -> None:
    empty = Template.from_minutiae(300, 300, [], [], [])
    with Gallery(place, writable=True, exhaustive=0) as gallery:
        gallery.prepare()
        assert gallery.search([template_of(1)], threshold=0.0, top=5) == []
        assert gallery.count() == Counts(0, 0, 0)
        gallery.add("A", 1, 0, empty)
        assert gallery.search([empty, template_of(1)], threshold=0.01, top=5) == []
        gallery.prepare()
        assert "A" in gallery
        assert "B" not in gallery


def test_a_gallery_is_a_searcher(three: Path) -> None:
    with Gallery(three) as gallery:
        assert isinstance(gallery, Searcher)


@pytest.mark.parametrize(
    "reference", ["", "x" * 41, "../x", "a/b", "a\\b", ".hidden", "a b", "ع", "a\n", "a\x00", "-x", "a\u00b2"]
)
def test_a_reference_that_is_none_is_refused_and_not_repeated(place: Path, reference: str) -> None:
    with Gallery(place, writable=True) as gallery:
        for step in (lambda: gallery.add(reference, 1, 0, template_of(1)), lambda: gallery.remove(reference)):
            with pytest.raises(StorageError) as refused:
                step()
            assert refused.value.code == "GAL-010"
            assert len(reference) < 3 or reference not in str(refused.value)
        assert gallery.count() == Counts(0, 0, 0)


@pytest.mark.parametrize(("position", "impression"), [(13, 0), (15, 0), (-1, 0), (99, 0), (1, 256), (1, -1)])
def test_an_impression_of_no_single_finger_is_refused(place: Path, position: int, impression: int) -> None:
    with Gallery(place, writable=True) as gallery:
        with pytest.raises(StorageError, match="GAL-011"):
            gallery.add("A", position, impression, template_of(1))
        bad = Impression("B", FingerPosition.BOTH_THUMBS, 0, template_of(2))
        with pytest.raises(StorageError, match="GAL-011"):
            gallery.add_many([Impression("A", FingerPosition(1), 0, template_of(1)), bad])
        assert gallery.count() == Counts(0, 0, 0)


@pytest.mark.parametrize(
    ("probes", "threshold", "top"),
    [(0, 0.1, 1), (21, 0.1, 1), (1, float("nan"), 1), (1, -0.1, 1), (1, 1.1, 1), (1, 0.1, 0), (1, 0.1, 1001)],
)
def test_a_search_that_means_nothing_is_refused(three: Path, probes: int, threshold: float, top: int) -> None:
    with Gallery(three) as gallery, pytest.raises(StorageError, match="GAL-035"):
        gallery.search([template_of(1)] * probes, threshold=threshold, top=top)


def test_reading_and_closed_galleries_refuse_to_write(three: Path) -> None:
    gallery = Gallery(three)
    with pytest.raises(StorageError, match="GAL-009"):
        gallery.add("D", 1, 0, template_of(5))
    with pytest.raises(StorageError, match="GAL-009"):
        gallery.remove("A-1")
    gallery.close()
    gallery.close()
    for step in (gallery.count, gallery.refresh, lambda: gallery.search([template_of(1)], threshold=MATE, top=1)):
        with pytest.raises(StorageError, match="GAL-016"):
            step()


def test_what_is_removed_is_nowhere_on_the_disk(three: Path) -> None:
    """No eight bytes of its codes, no run of its coordinates, not its reference; what others have stays as it is."""

    def traces(n: int) -> list[bytes]:
        template = template_of(n)
        codes = [code.tobytes() for code in template.codes.reshape(-1) if int(code).bit_count() > 15]
        return [*codes, template.x_px[:8].tobytes(), template.y_px[:8].tobytes(), template.angle[:8].tobytes()]

    assert all(trace in everything(three) for trace in traces(1))
    with Gallery(three, writable=True) as gallery:
        sizes = {path: path.stat().st_size for path in (three / "fields.0").iterdir()}
        assert gallery.remove("A-1") == 2
        assert gallery.remove("A-1") == 0
        data = everything(three)
        assert {path: path.stat().st_size for path in sizes if path.name != "removed"}.items() <= sizes.items()
        assert not any(trace in data for n in (1, 2) for trace in traces(n))
        assert b"A-1" not in data
        assert all(trace in data for trace in traces(3))
        assert gallery.add("A-1", 2, 0, template_of(1))
    with Gallery(three) as gallery:
        assert gallery.count() == Counts(3, 3, 3)
        assert gallery.search([template_of(1)], threshold=MATE, top=1)[0].reference == "A-1"


def test_compacting_keeps_what_is_held(three: Path) -> None:
    with Gallery(three) as reader, Gallery(three, writable=True) as gallery:
        gallery.remove("A-1")
        gallery.compact()
        assert sorted(path.name for path in three.iterdir()) == ["commit", "fields.1", "lock"]
        assert reader.refresh()
        assert [i.reference for i in reader.impressions()] == ["B-2", "C-3"]
        gallery.add("D-4", 3, 0, template_of(5))
        gallery.compact()
        gallery.compact()
        assert reader.count() == gallery.count() == Counts(3, 3, 3)
        assert reader.search([template_of(5)], threshold=MATE, top=1)[0].reference == "D-4"


def test_a_search_under_way_keeps_its_view(three: Path) -> None:
    """A removal and a compaction between two rows of an enumeration: the rest comes, the removed does not."""
    with Gallery(three) as reader, Gallery(three, writable=True) as gallery:
        going = reader.impressions()
        assert next(going).reference == "A-1"
        gallery.remove("A-1")
        gallery.compact()
        gallery.add("D-4", 3, 0, template_of(5))
        assert [i.reference for i in going] == ["B-2", "C-3"]


def test_threads_search_while_one_adds_and_removes(place: Path) -> None:
    trouble: list[BaseException] = []
    done = threading.Event()
    with Gallery(place, writable=True, exhaustive=12, rescored=200) as gallery:
        gallery.add("FIXED", 1, 0, template_of(0))

        def search() -> None:
            try:
                while not done.is_set():
                    found = gallery.search([template_of(0)], threshold=MATE, top=3)
                    assert found[0].reference == "FIXED"
            except BaseException as error:
                trouble.append(error)

        threads = [threading.Thread(target=search) for _ in range(2)]
        for thread in threads:
            thread.start()
        for n in range(1, 40):
            gallery.add(f"P{n}", 1, 0, template_of(n))
            if n % 3 == 0:
                gallery.remove(f"P{n - 1}")
        gallery.compact()
        done.set()
        for thread in threads:
            thread.join()
    assert not trouble


@pytest.mark.parametrize("compacted", [False, True])
@pytest.mark.parametrize("exhaustive", [0, 100])  # all compared in full, or only what the first stage chooses
@pytest.mark.parametrize(
    ("owner", "method"),
    [(GalleryFiles, "map"), (View, "damaged_column"), (Engine, "persons"), (View, "reference"), (View, "template")],
)
def test_a_removal_between_two_steps_of_a_search(
    three: Path, monkeypatch: pytest.MonkeyPatch, owner: type, method: str, exhaustive: int, compacted: bool
) -> None:
    """Another process removes, erases and compacts at the worst moments: the reader neither fails nor finds the removed."""
    with Gallery(three, exhaustive=exhaustive) as reader, Gallery(three, writable=True) as gallery:
        gallery.add("D-4", 1, 0, template_of(9))
        gallery.add("E-5", 1, 0, template_of(10))
        original = getattr(owner, method)
        pending = ["once"]

        def meanwhile(self: object, *arguments: object) -> object:
            if pending and pending.pop():
                gallery.remove("A-1")
                gallery.remove("E-5")
                if compacted:
                    gallery.compact()
            return original(self, *arguments)

        monkeypatch.setattr(owner, method, meanwhile)
        probes = [template_of(n) for n in (1, 2, 3, 9, 10)]
        assert {c.reference for c in reader.search(probes, threshold=MATE, top=9)} == {"B-2", "D-4"}
        assert not pending
        assert reader.count() == Counts(3, 3, 3)


def test_rows_that_are_packed_already(place: Path, three: Path) -> None:
    """Added as they are, they are found as those of `three` are; persons numbered after those who are there."""
    templates = [template_of(n) for n in (1, 2, 3, 4)]
    fields = Fields.of(templates, positions=[2, 7, 2, 1], persons=[0, 0, 1, 2], impressions=[0, 0, 0, 1])
    with Gallery(place.parent / "packed", writable=True) as gallery, Gallery(three) as other:
        gallery.add_fields(fields, ["A-1", "B-2", "C-3"], size=(300, 300))
        probes = [template_of(n, 1) for n in (1, 2, 3, 4)]
        assert gallery.search(probes, threshold=0.0, top=9) == other.search(probes, threshold=0.0, top=9)
        assert list(gallery.slots()) == list(other.slots())
        gallery.add_fields(fields, ["A-9", "B-9", "C-9"])
        gallery.check()
        assert gallery.remove("A-9") == 2
        assert [slot[0] for slot in gallery.slots()] == ["A-1", "A-1", "B-2", "C-3", "B-9", "C-9"]
        with pytest.raises(StorageError, match="GAL-010"):
            gallery.add_fields(fields, ["A-8", "../x", "C-8"])


def test_references_of_a_gallery_too_large_to_be_followed_one_by_one(place: Path) -> None:
    """Past some thousand rows references are sorted by their hash; later ones are kept beside that."""
    names = [f"P{n}" for n in range(5000)]
    fields = Fields.of([template_of(1)] * 5000)
    with Gallery(place, writable=True) as gallery:
        gallery.add_fields(fields, names)
        assert "P0" in gallery
        assert "P4999" in gallery
        assert "P5000" not in gallery
        assert gallery.remove("P17") == 1
        assert "P17" not in gallery
        assert gallery.add("P17", 3, 0, template_of(2))
        assert gallery.add("P18", 3, 0, template_of(2))
        assert gallery.remove("P18") == 2
        assert gallery.count().persons == 4999
        hashes = reference_hashes(*(gallery._view.columns[name] for name in ("names", "name_ends")))
        assert hashes[20:30].tolist() == [reference_hash(f"P{n}".encode()) for n in range(20, 30)]
        gallery.compact()
        assert "P17" in gallery
        assert "P4999" in gallery
        assert list(gallery.slots())[-1] == ("P17", 3, 0)
