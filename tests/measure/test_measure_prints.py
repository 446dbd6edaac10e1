"""Folders, discs, synthetic fingers, peers that are not here, and what the gate does beside the engine."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import numpy as np
import pytest

from mithaq.errors import SettingsError
from mithaq.finger import compare
from mithaq.measure import synthetic
from mithaq.measure.accuracy import gate_figures, score_matrix, set_names
from mithaq.measure.peers import peers
from mithaq.measure.prints import Folder, Prints, cut
from mithaq.measure.rates import scores_of
from mithaq.units import GrayImage


def some_prints(fingers: int = 4, impressions: int = 2) -> Prints:
    names = [(f"F{n}", str(k)) for n in range(fingers) for k in range(impressions)]
    templates = tuple(synthetic.impression(n, k) for n in range(fingers) for k in range(impressions))
    return Prints(tuple(f for f, _ in names), tuple(i for _, i in names), templates)


def test_a_folder_may_state_its_own_resolution(tmp_path: Path) -> None:
    assert Folder.parse("prints/db2_b@569", 500) == Folder(Path("prints/db2_b"), 569.0)
    assert Folder.parse("prints/db1_b", 500) == Folder(Path("prints/db1_b"), 500)
    odd = tmp_path / "a@b"
    odd.mkdir()
    assert Folder.parse(str(odd)) == Folder(odd, None)
    with pytest.raises(SettingsError) as error:
        Folder.parse("prints@high")
    assert error.value.code == "MEA-005"


def test_folders_called_alike_are_told_apart() -> None:
    assert set_names([Path("a/x"), Path("a/y")]) == ["x", "y"]
    assert set_names([Path("a/x"), Path("b/x")]) == ["a/x", "b/x"]
    assert len(set(set_names([Path("a/x"), Path("a/x")]))) == 2


def test_a_disc_holds_only_what_lies_within_it_and_the_same_each_time() -> None:
    whole = some_prints()
    discs = cut(whole, 60.0)
    assert discs.templates == cut(whole, 60.0).templates
    for disc, print_ in zip(discs.templates, whole.templates, strict=True):
        assert disc is not None
        assert print_ is not None
        assert len(disc) < len(print_)
        x, y = disc.x_px.astype(float), disc.y_px.astype(float)
        assert len(x) < 2 or np.hypot(x[:, None] - x, y[:, None] - y).max() <= 120.0


def test_a_synthetic_finger_is_the_same_alone_and_among_others() -> None:
    many = list(synthetic.fingers(495, 10))
    synthetic._batch.cache_clear()
    assert synthetic.finger(503).template() == many[8].template()
    assert synthetic.impression(3, 1) == synthetic.impression(3, 1)
    assert synthetic.impression(3, 1) != synthetic.impression(3, 2)


def test_synthetic_fingers_are_as_wide_and_as_full_as_prints_are() -> None:
    made = [one.template() for one in synthetic.fingers(0, 300)]
    counts = np.array([len(one) for one in made])
    assert 30 < counts.mean() < 45
    assert counts.min() >= 6
    for one in made[:50]:
        apart = np.hypot(one.x_px[:, None] - one.x_px.astype(float), one.y_px[:, None] - one.y_px.astype(float))
        np.fill_diagonal(apart, 99.0)
        assert apart.min() > 5.0


def test_impressions_of_a_synthetic_finger_are_mates() -> None:
    mates = [compare(synthetic.impression(n, 1), synthetic.impression(n, 2)).value for n in range(15)]
    strangers = [compare(synthetic.impression(n, 1), synthetic.impression(n + 1, 2)).value for n in range(15)]
    assert np.median(mates) > 3 * np.median(strangers)


def test_a_print_that_was_not_extracted_scores_nothing_and_one_that_is_refused_keeps_its_scores() -> None:
    prints = some_prints(4, 2)
    few = synthetic.impression(0, 1)
    small = cut(Prints(("F0",), ("1",), (few,)), 25.0).templates[0]
    templates = (prints.templates[0], small, *prints.templates[2:7], None)
    prints = Prints(prints.fingers, prints.impressions, templates)
    assert prints.is_searchable.tolist() == [True, False, *[True] * 5, False]
    matrix = score_matrix(prints, prints)
    assert (matrix == matrix.T).all()
    assert not matrix[7].any()
    gate = gate_figures(matrix, prints)
    assert gate["refused"] == 2
    assert gate["fnmr"] >= gate["fnmr_ungated"]
    assert len(scores_of(matrix, prints.fingers).genuine) == 4


def test_peers_that_are_not_here_say_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    said = {peer.name: peer.missing() for peer in peers(tmp_path)}
    assert said["SourceAFIS"] == "java is not on PATH"
    assert said["NBIS"] == "mindtct and bozorth3 not on PATH"


PROGRAMS = {
    # a mindtct that finds as many minutiae as its file's number says, and a bozorth3 that scores by the list's order
    "mindtct": 'head -c 4 "$1" | grep -q . && echo "1 2 3" > "$2.xyt"',
    "bozorth3": 'n=100; while read -r file; do test -f "$file" && echo $n; n=$((n+1)); done < "$6"',
}


def test_the_programs_of_nbis_are_asked_for_each_pair_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, line in PROGRAMS.items():
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\n{line}\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    nbis = next(peer for peer in peers() if peer.name == "NBIS")
    assert nbis.missing() == ""
    images = [GrayImage(np.full((40, 30), 200, np.uint8), 500.0) for _ in range(3)]
    assert nbis.scores(images).tolist() == [[0, 100, 100], [100, 0, 101], [100, 101, 0]]


def test_a_peer_that_fails_is_an_error_with_its_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("mindtct", "bozorth3"):
        (tmp_path / name).write_text("#!/bin/sh\necho no such luck >&2\nexit 3\n")
        (tmp_path / name).chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    nbis = next(peer for peer in peers() if peer.name == "NBIS")
    with pytest.raises(SettingsError) as error:
        nbis.scores([GrayImage(np.full((40, 30), 200, np.uint8), 500.0)] * 2)
    assert error.value.code == "MEA-006"
    assert "NBIS" in error.value.problem
    assert "no such luck" in error.value.problem
