"""The runs page, with processes that really train."""

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from walk import says, settle

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
    """The app on an artifacts folder of its own; runs that a failed test left behind end with it."""
    with serve(DSKREG_ARTIFACTS=str(folder), DSKREG_DATA=str(folder / ".data")) as address:
        yield address
    for process in psutil.process_iter(["cmdline"]):
        if any(str(folder) in word for word in process.info["cmdline"] or []):
            process.kill()


BEGUN = 240_000  # ms that the demo's start, a minute of work on a quiet core, may take beside other tests


def train(page: "Page", address: str, data: str, name: str, epochs: int) -> None:
    page.goto(f"{address}/runs")
    page.get_by_text("Train a new model").wait_for()
    says(settle(page), "Chosen models")
    field = page.get_by_role("textbox", name="Name of the new model")
    for _ in range(5):  # a click that comes while the page is still being drawn may be lost
        if field.is_visible():
            break
        page.get_by_text("Train a new model").click()
        page.wait_for_timeout(1000)
    page.get_by_role("combobox", name="Data").click()
    page.get_by_role("option", name=data).click()
    field.fill(name)
    page.get_by_role("spinbutton", name="Epochs at most").fill(str(epochs))
    page.get_by_role("button", name="Start training").click()
    page.wait_for_url(re.compile(rf"run=\d+-\d+-{name}"))


def test_a_run_outlives_the_visitor_who_started_it(visitor: "Callable[..., Page]", server: str) -> None:
    first = visitor()
    train(first, server, "board", "mine", epochs=1)
    first.locator("[data-testid='stProgress']").wait_for()
    link = first.url
    first.context.close()
    second = visitor()
    second.goto(link)
    says(second.locator("[data-testid='stMain']"), "at most 1 epochs")
    # The page notices by itself that the run is done
    second.get_by_role("button", name="Open the model").wait_for()
    says(second.locator("[data-testid='stMain']"), "Validation NDCG")
    second.get_by_role("button", name="Open the model").click()
    second.wait_for_url(re.compile("artifact=mine"))
    says(second.locator("[data-testid='stMain']"), "Recommendations for viewer")


def test_a_run_is_stopped_and_two_models_are_compared(
    visitor: "Callable[..., Page]", server: str, folder: Path
) -> None:
    page = visitor(width=420)
    train(page, server, "demo", "endless", epochs=10_000)
    says(page.locator("[data-testid='stMain']"), re.compile("Epoch [1-9]"), BEGUN)
    page.get_by_role("button", name="Stop training").click()
    page.get_by_role("button", name="Continue", exact=True).wait_for()
    says(settle(page), "Somebody stopped the run")
    assert not (folder / "endless").exists()
    # "third" is the other model unless the link says otherwise: a default leaves the address
    for name in ("third", "twin"):
        shutil.copytree(folder / "demo", folder / name)
    page.goto(f"{server}/runs?models=demo&models=twin")
    says(settle(page), "Both rank the hidden titles equally well")
    page.get_by_role("link", name="Their lists side by side").click()
    says(page.locator("[data-testid='stMain']"), "What they would show")
    settle(page)
    page.wait_for_url(re.compile(r"/compare\?"))
    assert {"what=models", "other_model=twin"} <= set(page.url.partition("?")[2].split("&"))
    assert page.locator("h3").all_inner_texts()[:2] == ["demo", "twin"]
