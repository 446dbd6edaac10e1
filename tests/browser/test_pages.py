"""The desk in a real browser: both directions, the strict policy without a violation, overlays that can be hidden."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from pair import PASSPHRASE, Pair
from serve_order import ORDER

from mithaq.demo.population import Kind, make_population
from mithaq.desk.app import desk_app
from mithaq.node import flow, views
from mithaq.node.enrol import enrol, list_items
from mithaq.node.opening import open_gallery
from mithaq.node.serve import listen
from mithaq.node.store.conversations import Conversation

pytestmark = pytest.mark.browser
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The address of a desk at QA, and the path of a conversation with a candidate."""
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine")
    folder = tmp_path_factory.mktemp("browser")
    population = make_population(folder / "population", 5, persons=2)
    pair = Pair(folder)
    with open_gallery(pair.nodes["US"]) as gallery:
        enrol(pair.nodes["US"], gallery, list_items(population.holdings["US"].folder))
    probe = next(one for one in population.probes if one.kind is Kind.MATE and one.origin == "QA")
    sent = flow.submit_query(pair.nodes["QA"], Path(probe.file).read_bytes(), ORDER)
    assert isinstance(sent, Conversation)
    pair.run()
    assert views.find(pair.nodes["QA"], sent.id).state == "candidate"
    found = listen(("127.0.0.1", 0), key="test")
    server = uvicorn.Server(uvicorn.Config(desk_app(pair.nodes["QA"]), log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [found]}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{found.getsockname()[1]}", f"/c/{sent.id}"
    server.should_exit = True
    thread.join(10)
    found.close()
    pair.close()


@pytest.mark.parametrize(("language", "width"), [("en", 1440), ("ar", 1440), ("ar", 390)])
def test_an_examiner_finds_everything_in_place(desk: tuple[str, str], language: str, width: int) -> None:
    from playwright.sync_api import sync_playwright

    address, path = desk
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_context(viewport={"width": width, "height": 900}).new_page()
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.goto(f"{address}/language?to={language}&back=/sign-in")
        page.fill("[name=officer]", "examiner-1")
        page.fill("[name=passphrase]", PASSPHRASE)
        page.click("main button")
        page.goto(address + path)
        assert page.get_attribute("html", "dir") == ("rtl" if language == "ar" else "ltr")
        brand, who = page.locator(".brand").bounding_box(), page.locator(".who").bounding_box()
        assert brand is not None
        assert who is not None
        if width > 800:
            assert (brand["x"] > who["x"]) == (language == "ar"), "the head of the page begins where reading begins"
        query, candidate = (page.locator("figure").nth(number).bounding_box() for number in (0, 1))
        assert query is not None
        assert candidate is not None
        assert query["x"] < candidate["x"], "prints keep their places in both directions"
        assert page.locator(".pairs circle").first.is_visible()
        page.locator("[data-toggle=pairs]").uncheck()
        assert not page.locator(".pairs circle").first.is_visible()
        before = page.locator("svg.print").nth(1).get_attribute("viewBox")
        page.locator("[data-zoom=in]").click()
        assert page.locator("svg.print").nth(1).get_attribute("viewBox") != before, "both prints zoom together"
        page.locator("svg.print").nth(0).press("0")
        assert page.locator("svg.print").nth(1).get_attribute("viewBox") == before, "0 shows the whole print again"
        page.locator("svg.print").nth(0).press("+")
        page.locator("svg.print").nth(0).press("ArrowRight")
        views_ = [page.locator("svg.print").nth(number).get_attribute("viewBox") or "" for number in (0, 1)]
        assert all(float(view.split()[0]) > 0 for view in views_), "the keyboard moves both prints"
        page.locator("svg.print").nth(0).press("0")
        assert page.locator("input[name=decision]").count() == 3
        assert page.evaluate("document.documentElement.scrollWidth") <= width + 1, "nothing sticks out sideways"
        assert complaints == []
        browser.close()
