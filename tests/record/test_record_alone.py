"""The room works by itself: reading, checking, converting and showing need nothing but Python's own library."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
from mithaq.record import check, differences, load_profile, page, profile_names, read_any, skeleton, tree
from mithaq.record import write_transaction, write_xml
for name in profile_names():
    profile = load_profile(name)
    for tot in list(profile.transactions)[:2]:
        made = skeleton(tot, profile)
        back = read_any(write_xml(read_any(write_transaction(made))))
        assert not check(made, profile) and tree(back) and page([("made", back)]) and not list(differences(made, made))
print("ok")
"""


def test_without_any_package_installed() -> None:
    source = Path(__file__).parents[2] / "src"
    command = [sys.executable, "-I", "-S", "-c", PROGRAM, str(source)]  # no site-packages
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == ("ok", "")
