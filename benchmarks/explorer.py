"""How fast the app answers in the browser: `python benchmarks/explorer.py artifacts/anime` (packages of
requirements-dev.txt, chromium).

Each figure is the time from the click until the new content stands on the page and the script has ended, as
the browser's own clock measures it; the median of `--times` after one uncounted warm-up. Before a click that
leads to another page the visitor has read for READING seconds, while the browser loads the charts' code.
Machines differ, so each is also told as a multiple of `import torch` in a fresh process of the same run, and
so are the targets. Prints a table and writes JSON with machine and versions.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.figures import Row, beside, import_torch, save
from benchmarks.served import browse, serve, settle

if TYPE_CHECKING:
    from playwright.sync_api import Page

QUIET = "document.querySelector(\"[data-testid='stApp']\").dataset.testScriptState === 'notRunning'"
# Multiples of `import torch`
TARGETS = {
    "list of another user": 0.25,
    "explanation of an item": 0.4,
    "what if": 0.3,
    "first map": 0.6,
}


def timed(page: Page, act: Callable[[], object], done: str) -> float:
    """Seconds from `act` until the expression `done` holds in the page and its script rests, asked at every
    frame.
    """
    start = page.evaluate("performance.timeOrigin + performance.now()")
    act()
    page.wait_for_function(f"() => ({done}) && {QUIET}", polling="raf")
    return (page.evaluate("performance.timeOrigin + performance.now()") - start) / 1000


def says(word: str) -> str:
    """An expression: the page's own part says `word`."""
    return f"document.querySelector(\"[data-testid='stMain']\")?.innerText.includes({json.dumps(word)})"


def differs(selector: str, before: str) -> str:
    """An expression: the first such element's text is there and is not `before`."""
    now = f"document.querySelector({json.dumps(selector)})?.innerText"
    return f"![undefined, {json.dumps(before)}].includes({now})"


READING = 2.0
HEADING = "[data-testid='stMain'] h1"


def next_viewer(page: Page, link: str) -> Callable[[], float]:
    """From the button to another user's list with its reasons."""
    page.goto(link)
    settle(page)

    def once() -> float:
        before = page.locator(HEADING).first.inner_text()
        button = page.locator("[data-testid='stSidebar']").get_by_role("button", name="Next", exact=True)
        return timed(page, button.click, f"{differs(HEADING, before)} && {says('Similar to')}")

    return once


def read(page: Page, link: str) -> None:
    """Open the page and stay there as a reader does."""
    page.goto(link)
    settle(page)
    page.wait_for_timeout(1000 * READING)


def opening(page: Page, link: str) -> Callable[[], float]:
    """From a card's "Why?" to the sampling page of its title: summary, score decomposition and graph."""
    titles = iter(range(10_000))

    def once() -> float:
        read(page, link)
        button = page.locator(".st-key-cards").get_by_role("button", name="Why").nth(next(titles) % 10)
        button.scroll_into_view_if_needed()
        graph, chart = (
            f"document.querySelector('{selector}')"
            for selector in (".stEChartsChart svg", ".st-key-decomposition tr")
        )
        return timed(page, button.click, f"{graph} && {chart}")

    return once


def what_if(page: Page, link: str) -> Callable[[], float]:
    """From the choice of one more liked item to take out to the new score, rank and list."""
    page.goto(link)
    settle(page)

    def once() -> float:
        main = page.locator("[data-testid='stMain']")
        before = main.locator("[data-testid='stMetric']").first.inner_text()
        main.get_by_role("combobox", name=re.compile("Remove liked items")).click()
        options = page.get_by_role("option")
        options.first.wait_for()
        seconds = timed(
            page, options.first.click, differs("[data-testid='stMain'] [data-testid='stMetric']", before)
        )
        page.keyboard.press("Escape")
        settle(page)
        return seconds

    return once


def first_map(page: Page, link: str) -> Callable[[], float]:
    """From the click in the navigation to a drawn map."""

    def once() -> float:
        read(page, link)
        entry = page.get_by_role("link", name="Embeddings").first
        return timed(
            page,
            entry.click,
            "document.querySelector('.js-plotly-plot canvas') && "
            "document.querySelector('.js-plotly-plot')._fullData?.length > 0",
        )

    return once


STEPS: dict[str, tuple[str, Callable[[Page, str], Callable[[], float]]]] = {
    "list of another user": ("?", next_viewer),
    "explanation of an item": ("?", opening),
    "what if": ("what_if?", what_if),
    "first map": ("?", first_map),
}


def measure(artifact: Path, times: int) -> list[Row]:
    """Per step the median time, also in imports of torch."""
    torch = import_torch()
    rows = [Row("`import torch` in a fresh process", torch, "s")]
    print(rows[0], flush=True)
    with serve(DSKREG_ARTIFACTS=str(artifact.parent.resolve())) as address, browse() as browser:
        for name, (link, step) in STEPS.items():
            context = browser.new_context(viewport={"width": 1400, "height": 1000})
            page = context.new_page()
            page.set_default_timeout(60_000)
            once = step(page, f"{address}/{link}artifact={artifact.name}")
            once()
            median = statistics.median(once() for _ in range(times))
            context.close()
            rows.append(beside(name, median, "s", ("import torch", torch), TARGETS[name], most=True))
            print(rows[-1], flush=True)
    return rows


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("artifact", type=Path)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--out", type=Path, help="a JSON file")
    arguments = parser.parse_args()
    rows = measure(arguments.artifact, arguments.times)
    about = (
        f"Medians of {arguments.times} on the artifact {arguments.artifact.name}; Chromium on the same cores"
    )
    save(arguments.out, rows, ("streamlit", "torch", "plotly", "playwright"), about=about)


if __name__ == "__main__":
    main()
