"""What the server watches: nothing, unless a developer says so."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from walk import says, settle

from benchmarks.served import ROOT, await_health, launch

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/fdinfo").is_dir(), reason="no /proc that tells a process's inotify watches"
)


def watched(process: int) -> set[int]:
    """The inodes that a process watches with inotify."""
    lines = [
        line for told in Path(f"/proc/{process}/fdinfo").iterdir() for line in told.read_text().splitlines()
    ]
    fields = [
        dict(field.split(":") for field in line.split()[1:]) for line in lines if line.startswith("inotify ")
    ]
    return {int(field["ino"], 16) for field in fields}


def watched_after_a_visit(page: "Page", **environment: str) -> set[int]:
    with launch(**environment) as (address, process):
        await_health(address, process)
        page.goto(address)
        says(settle(page), "Similar to")
        found = watched(process.pid)
        page.goto("about:blank")
    return found


def test_a_visit_makes_no_watch(page: "Page") -> None:
    """Neither on a virtual environment in the project's folder, which has thousands of folders, nor on
    anything else.
    """
    assert watched_after_a_visit(page) == set()


def test_a_developer_can_switch_the_watcher_on(page: "Page") -> None:
    """And the other test can see what is watched."""
    inodes = {os.stat(folder).st_ino for folder in (ROOT, ROOT / "pages", ROOT / "dskreg" / "ui")}
    assert inodes <= watched_after_a_visit(page, STREAMLIT_SERVER_FILE_WATCHER_TYPE="auto")
