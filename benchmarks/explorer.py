"""How fast the app answers in the browser: `python benchmarks/explorer.py artifacts/anime` (packages of
requirements-dev.txt, chromium).

Each figure is the time from the click (or the address) until the new content stands on the page and the
script has ended, as the browser's own clock measures it; the median of `--times` after one uncounted warm-up.
Machines differ, so each is also told as a multiple of `import torch` in a fresh process of the same run, and
so are the targets. Prints a table and writes JSON with machine and versions.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.served import browse, serve, settle

if TYPE_CHECKING:
    from playwright.sync_api import Page

QUIET = "document.querySelector(\"[data-testid='stApp']\").dataset.testScriptState === 'notRunning'"
# Multiples of `import torch`
TARGETS = {
    "profile repaints the list": 0.25,
    "explanation opens": 0.4,
    "what-if": 0.3,
    "map's first paint": 0.6,
}


def import_torch(times: int = 5) -> float:
    """Seconds that a fresh process takes to import torch, interpreter included; the median."""
    found = []
    for _ in range(times):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", "import torch"], check=True)
        found.append(time.perf_counter() - start)
    return statistics.median(found)


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


def opening(page: Page, link: str) -> Callable[[], float]:
    """From a card's "Why?" to the sampling page of its title: summary, score decomposition and graph."""
    titles = iter(range(10_000))

    def once() -> float:
        page.goto(link)
        settle(page)
        button = page.locator(".st-key-cards").get_by_role("button", name="Why").nth(next(titles) % 10)
        button.scroll_into_view_if_needed()
        graph, chart = (
            f"document.querySelector('{selector}')"
            for selector in (".stEChartsChart svg", ".st-key-decomposition .js-plotly-plot .trace")
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
        page.goto(link)
        settle(page)
        entry = page.get_by_role("link", name="Embeddings").first
        return timed(
            page,
            entry.click,
            "document.querySelector('.js-plotly-plot canvas') && "
            "document.querySelector('.js-plotly-plot')._fullData?.length > 0",
        )

    return once


STEPS: dict[str, tuple[str, Callable[[Page, str], Callable[[], float]]]] = {
    "profile repaints the list": ("?", next_viewer),
    "explanation opens": ("?", opening),
    "what-if": ("what_if?", what_if),
    "map's first paint": ("?", first_map),
}


def measure(artifact: Path, times: int) -> dict[str, Any]:
    """The document: per step the single times in seconds, their median, also in imports, and the target."""
    results, torch = {}, import_torch()
    print(f"{'import torch':<28} {torch:6.2f} s", flush=True)
    with serve(DSKREG_ARTIFACTS=str(artifact.parent.resolve())) as address, browse() as browser:
        for name, (link, step) in STEPS.items():
            context = browser.new_context(viewport={"width": 1400, "height": 1000})
            page = context.new_page()
            page.set_default_timeout(60_000)
            once = step(page, f"{address}/{link}artifact={artifact.name}")
            once()
            seconds = [once() for _ in range(times)]
            context.close()
            median = statistics.median(seconds)
            results[name] = {
                "median": median,
                "imports": median / torch,
                "target": TARGETS[name],
                "seconds": seconds,
            }
            print(
                f"{name:<28} {median:6.2f} s, {median / torch:.2f} of an import   "
                f"target {TARGETS[name]:.2f}   ({min(seconds):.2f} to {max(seconds):.2f})",
                flush=True,
            )
    return {
        "artifact": artifact.name,
        "import torch": torch,
        "results": results,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end",
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in ("streamlit", "torch", "plotly", "playwright")},
    }


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("artifact", type=Path)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--out", type=Path, help="a JSON file")
    arguments = parser.parse_args()
    document = measure(arguments.artifact, arguments.times)
    if arguments.out:
        arguments.out.write_text(json.dumps(document, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
