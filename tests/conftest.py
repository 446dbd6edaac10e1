"""What all tests share: where real data lies, and that a skip is spoken, or a failure where the machine must have it.

Beside this file lie the modules that tests of several rooms share (`import agreements`, `import wire`).
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared" / "data"
REQUIRED = {name for name in os.environ.get("MITHAQ_REQUIRE", "").split(",") if name}

settings.register_profile(
    "mithaq",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    derandomize=bool(
        os.environ.get("CI")
    ),  # a red run there is about the change; developers' runs and `make fuzz` explore
)
settings.load_profile("mithaq")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real prints and files; the test is skipped where it is not beside the repository."""
    if not SHARED.is_dir():
        pytest.skip("the real prints and files (../shared/data) are not on this machine")
    return SHARED


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):  # type: ignore[no-untyped-def]
    """A skipped test of a kind that this machine must be able to run is a failure (MITHAQ_REQUIRE=browser,postgres,token)."""
    outcome = yield
    report = outcome.get_result()
    marks = {mark.name for mark in item.iter_markers()}
    if report.skipped and marks & REQUIRED and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, but MITHAQ_REQUIRE asks for it: {report.longrepr}"
