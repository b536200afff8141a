"""The server dies under a visitor's hands and comes back; it watches no file unless a developer says so."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from walk import says, settle

from benchmarks.served import ROOT, await_health, launch

if TYPE_CHECKING:
    from playwright.sync_api import Page, Request


@pytest.fixture(scope="module")
def server() -> None:
    """None but those of the test."""


INOTIFY = Path("/proc/self/fdinfo").is_dir()  # where /proc tells a process's watches
ADDRESS = "sampling?user=34&item=12&seed=3&noise=true"


def all_arrived(page: Page, coming: set[Request]) -> None:
    """Wait until no part of the page's own program is on its way: a browser does not ask twice for a module
    that failed.
    """
    quiet = 0
    for _ in range(240):
        quiet = (
            0 if any(request.resource_type in ("script", "stylesheet") for request in coming) else quiet + 1
        )
        if quiet == 4:
            return
        page.wait_for_timeout(250)
    raise AssertionError(f"still loading: {[request.url for request in coming]}")


def watched(process: int) -> set[int]:
    """The inodes that a process watches with inotify."""
    lines: list[str] = []
    for told in Path(f"/proc/{process}/fdinfo").iterdir():
        with suppress(FileNotFoundError):  # closed since
            lines += told.read_text().splitlines()
    fields = [
        dict(field.split(":") for field in line.split()[1:]) for line in lines if line.startswith("inotify ")
    ]
    return {int(field["ino"], 16) for field in fields}


def test_a_server_that_was_killed_and_started_again_shows_the_same_view(page: Page) -> None:
    coming: set[Request] = set()
    with launch() as (address, process):
        await_health(address, process)
        page.on("request", lambda request: coming.add(request))
        page.on("requestfinished", lambda request: coming.discard(request))
        page.on("requestfailed", lambda request: coming.discard(request))
        page.goto(f"{address}/{ADDRESS}")
        says(settle(page), "sampled neighbours")
        page.locator(".st-key-decomposition tr").first.wait_for()
        all_arrived(page, coming)
        # Not even a virtual environment in the project's folder, which has thousands of folders
        assert not INOTIFY or watched(process.pid) == set()
        heading, link = page.locator("h2").first.inner_text(), page.url
        process.kill()
        process.wait()
        page.get_by_text("Connecting").or_(page.get_by_text("Is Streamlit still running?")).first.wait_for()
    port = int(address.rpartition(":")[2])
    with launch(port, STREAMLIT_SERVER_FILE_WATCHER_TYPE="auto") as (again, process):
        assert again == address
        await_health(again, process)
        # Streamlit's page looks for the server again by itself, and asks for what its address says.
        says(page.locator("[data-testid='stMain']"), "user 34")
        page.get_by_text("Is Streamlit still running?").wait_for(state="hidden")
        says(settle(page), "sampled neighbours")
        assert page.locator("h2").first.inner_text() == heading and page.url == link
        inodes = {os.stat(folder).st_ino for folder in (ROOT, ROOT / "pages", ROOT / "dskreg" / "ui")}
        assert not INOTIFY or inodes <= watched(process.pid), "what the check above can see"
        page.get_by_role("link", name="What if").first.click()
        says(settle(page), "Minimal counterfactual explanation")
        assert "user 34" in page.inner_text("[data-testid='stMain']").lower()
        page.goto("about:blank")
