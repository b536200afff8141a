"""Walks through the running app as a person would take them: every page, a copied link, a click on the map, nothing asked of another machine."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

ROOT = Path(__file__).parents[1]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine (Debian: apt-get install chromium)")
PATIENCE = 60_000  # ms; CI machines are slow


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The app as the README starts it, on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless=true", f"--server.port={port}", "--server.fileWatcherType=none"]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("DSKREG_")}
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment) as process:
        address = f"http://127.0.0.1:{port}"
        try:
            for _ in range(240):
                try:
                    with urllib.request.urlopen(f"{address}/_stcore/health", timeout=2) as answer:
                        if answer.read() == b"ok":
                            break
                except OSError:
                    time.sleep(0.25)
            else:
                pytest.fail("the server did not come up within a minute")
            yield address
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(params=["light"])
def page(browser: "Browser", server: str, request: pytest.FixtureRequest) -> "Iterator[Page]":
    """A fresh visitor; afterwards: no traceback and no dialog was shown, and no request left the machine."""
    context = browser.new_context(viewport={"width": 1400, "height": 1000}, color_scheme=request.param)
    asked: list[str] = []
    context.on("request", lambda sent: asked.append(sent.url))
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    yield page
    strangers = [url for url in asked if not url.startswith((server, server.replace("http", "ws"), "data:", "blob:", "about:"))]
    assert strangers == []
    assert page.locator("[data-testid='stException'], [role='dialog']").count() == 0
    context.close()


def settle(page: "Page") -> "Locator":
    """Wait until the script has run; the page's own part, without the sidebar."""
    page.locator("[data-testid='stApp'][data-test-connection-state='CONNECTED']").wait_for()
    page.wait_for_timeout(300)  # a click needs a moment to reach the script
    page.locator("[data-testid='stApp'][data-test-script-state='notRunning']").wait_for()
    return page.locator("[data-testid='stMain']")


def says(where: "Locator", text: str | re.Pattern[str]) -> None:
    """Wait until it says so."""
    from playwright.sync_api import expect

    expect(where).to_contain_text(text)


def test_the_first_link_to_a_fresh_server_may_name_any_page(page: "Page", server: str) -> None:  # first in this file, or the server is not fresh
    page.goto(f"{server}/embeddings")
    says(settle(page), "Every title and viewer is a point")
    says(page.locator("[data-testid='stSidebar']"), "Recommendations")
    assert page.get_by_text("Page not found").count() == 0


def test_a_walk_through_all_pages(page: "Page", server: str) -> None:
    page.goto(server)
    says(settle(page), "simulated, not a real person")
    for name, expected in (("Sampling", "How the score adds up"), ("Embeddings", "t-SNE"), ("Model", "EASE"), ("Recommendations", "Because you liked")):
        page.get_by_role("link", name=name).first.click()
        says(settle(page), expected)
        assert "Traceback" not in page.inner_text("[data-testid='stMain']")


def test_a_copied_link_opens_the_same_view(page: "Page", server: str) -> None:
    page.goto(f"{server}/sampling?user=17&item=36")
    says(settle(page), "Fullmetal Alchemist")
    page.get_by_role("button", name="Draw again").click()
    says(settle(page), re.compile(r"the model drew \d+"))
    page.get_by_role("button", name="Draw again").click()
    page.wait_for_url(re.compile("seed=1"))
    first = settle(page).inner_text()
    page.goto(page.url)
    says(settle(page), "Which relations count")
    assert settle(page).inner_text() == first
    assert {"user=17", "item=36", "noise=true"} <= set(page.url.partition("?")[2].split("&"))


def test_a_link_with_unknown_ids_says_so(page: "Page", server: str) -> None:
    page.goto(f"{server}/?user=nobody&item=99999999&top=-4")
    for words in ("nknown user nobody", "nknown title 99999999", "“-4” recommendations", "Because you liked"):  # and the rest of the page works
        says(settle(page), words)


def test_a_chosen_row_leads_to_its_sampling_page(page: "Page", server: str) -> None:
    page.goto(server)
    says(settle(page), "1. ")
    table = page.locator("[data-testid='stDataFrame']").last
    table.scroll_into_view_if_needed()
    box = table.bounding_box()
    assert box
    page.mouse.click(box["x"] + 18, box["y"] + box["height"] * 3.5 / 11)  # the box before the third row: a header and ten rows, drawn on a canvas
    chosen = page.get_by_text(re.compile(r"^3\. "))
    chosen.wait_for()
    settle(page)
    title = chosen.inner_text().removeprefix("3. ")
    page.get_by_role("button", name="See what was sampled").click()
    page.wait_for_url(re.compile(r"/sampling\?.*item=\d+"))
    says(settle(page), "Recommendation 3 of 10")
    assert page.locator("[data-testid='stMain'] h2").first.inner_text() == title


def test_titles_found_by_name_make_a_profile_that_the_link_carries(page: "Page", server: str) -> None:
    page.goto(f"{server}/?profile=mine")
    says(settle(page), "Your own profile has no title yet")
    page.get_by_label("Add a title you like").press_sequentially("fullmetal")
    page.locator("[data-testid='stSidebar']").get_by_text("Fullmetal Alchemist", exact=True).click()
    says(settle(page), "my own profile (1 title)")
    page.wait_for_url(re.compile(r"titles=36\b"))
    page.goto(page.url)
    says(settle(page), "Because you liked “Fullmetal Alchemist”")


def test_a_point_on_the_map_opens_its_details(page: "Page", server: str) -> None:
    page.goto(f"{server}/embeddings")
    settle(page)
    page.locator(".js-plotly-plot .nsewdrag").first.wait_for()
    page.wait_for_timeout(1000)  # the map is drawn in steps
    name, *place = page.evaluate(
        """() => {
            const plot = document.querySelector('.js-plotly-plot'), {xaxis, yaxis} = plot._fullLayout, {left, top} = plot.getBoundingClientRect();
            const points = plot._fullData.flatMap(trace => Array.from(trace.x, (x, i) =>
                [trace.text[i], left + xaxis._offset + xaxis.d2p(x), top + yaxis._offset + yaxis.d2p(trace.y[i])]));
            const room = ([, x, y]) => Math.min(...points.filter(p => p[1] !== x || p[2] !== y).map(p => Math.hypot(p[1] - x, p[2] - y)));
            return points.reduce((best, point) => room(point) > room(best) ? point : best);  // the loneliest, so that the click cannot mean another
        }"""
    )
    page.mouse.move(*place)
    page.wait_for_timeout(300)
    page.mouse.click(*place)
    page.wait_for_url(re.compile(r"item=\d+"))
    says(settle(page).locator("h2"), name)


@pytest.mark.parametrize("page", ["light", "dark"], indirect=True)
def test_no_page_has_a_serious_barrier(page: "Page", server: str) -> None:
    """axe-core finds nothing serious or critical, Streamlit's own parts and the drawing's frame included; no exception is needed."""
    from axe_playwright_python.sync_playwright import Axe

    found = []
    for name in ("?profile=mine&titles=36&genres=Action&item=nothing", "sampling", "embeddings", "model"):  # the first with chips and a notice
        page.goto(f"{server}/{name}")
        settle(page)
        barriers: list[tuple[str, ...]] = []
        for _ in range(4):  # what is fading in, or waits for its style sheet, has no contrast yet: a barrier is what stays
            page.wait_for_timeout(750)
            barriers = [
                (name, finding["id"], finding["nodes"][0]["html"][:200], finding["nodes"][0]["failureSummary"])
                for frame in page.frames
                for finding in Axe().run(frame).response["violations"]
                if finding["impact"] in ("serious", "critical")
            ]
            if not barriers:
                break
        found += barriers
    assert found == []
