"""The Runs page in a browser, with real training processes."""

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from walk import follow, says, settle

from benchmarks.served import ROOT, serve
from tests.command_line import tiny_data

if TYPE_CHECKING:
    from playwright.sync_api import Page


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("artifacts")
    shutil.copytree(ROOT / "artifacts" / "demo", made / "demo")
    (made / ".data").mkdir()
    tiny_data(made / ".data" / "board")
    return made


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[str]:
    """The app on a temporary artifacts folder; the runs that are left at the end are killed."""
    with serve(DSKREG_ARTIFACTS=str(folder), DSKREG_DATA=str(folder / ".data")) as address:
        yield address
    for process in psutil.process_iter(["cmdline"]):
        if any(str(folder) in word for word in process.info["cmdline"] or []):
            process.kill()


START = 240_000  # ms for the initialisation on the demo, which takes a minute on an idle core


def train(page: "Page", address: str, data: str, name: str, epochs: int) -> None:
    page.goto(f"{address}/runs")
    page.get_by_text("Train a model", exact=True).wait_for()
    says(settle(page), "Selected models")
    field = page.get_by_role("textbox", name="Model name")
    for _ in range(5):  # a click may be lost while the page is still being drawn
        if field.is_visible():
            break
        page.get_by_text("Train a model", exact=True).click()
        page.wait_for_timeout(1000)
    page.get_by_role("combobox", name="Dataset").click()
    page.get_by_role("option", name=data).click()
    field.fill(name)
    page.get_by_role("spinbutton", name="Max epochs").fill(str(epochs))
    page.get_by_role("button", name="Start training").click()
    page.wait_for_url(re.compile(rf"run=\d+-\d+-{name}"))


def test_a_run_continues_after_the_browser_that_started_it_is_closed(
    visitor: "Callable[..., Page]", server: str
) -> None:
    first = visitor()
    train(first, server, "board", "mine", epochs=1)
    first.locator("[data-testid='stProgress']").wait_for()
    link = first.url
    first.close()
    second = visitor()
    second.goto(link)
    says(second.locator("[data-testid='stMain']"), "at most 1 epochs")
    # The page updates by itself when the run is finished
    second.get_by_role("button", name="Open model").wait_for()
    says(second.locator("[data-testid='stMain']"), "Validation NDCG")
    second.get_by_role("button", name="Open model").click()
    second.wait_for_url(re.compile("artifact=mine"))
    says(second.locator("[data-testid='stMain']"), "Recommendations for")


def test_a_run_can_be_stopped_and_two_models_can_be_compared(
    visitor: "Callable[..., Page]", server: str, folder: Path
) -> None:
    page = visitor(width=420)
    train(page, server, "board", "endless", epochs=10_000)
    says(page.locator("[data-testid='stMain']"), re.compile("Epoch [1-9]"), START)
    page.get_by_role("button", name="Stop training").click()
    page.get_by_role("button", name="Continue", exact=True).wait_for()
    says(settle(page), "The run was stopped")
    assert not (folder / "endless").exists()
    # "third" is the other model unless the link says otherwise: a default leaves the address
    for name in ("third", "twin"):
        shutil.copytree(folder / "demo", folder / name)
    says(follow(page, f"{server}/runs?models=demo&models=twin"), "Both rank the held-out items equally well")
    page.get_by_role("link", name="Compare their lists").click()
    says(page.locator("[data-testid='stMain']"), "Recommendations")
    settle(page)
    page.wait_for_url(re.compile(r"/compare\?"))
    assert {"what=models", "other_model=twin"} <= set(page.url.partition("?")[2].split("&"))
    assert page.locator("h3").all_inner_texts()[:2] == ["demo", "twin"]
