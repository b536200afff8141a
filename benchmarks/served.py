"""The app on a port of its own and a browser before it: for the browser tests, the screenshots and the app's
benchmark.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

ROOT = Path(__file__).parents[1]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
STARTUP, POLL = 120, 0.25  # seconds


@contextmanager
def serve(script: str = "app.py", **environment: str) -> Iterator[str]:
    """The app as the README starts it, on a free port of this machine; its address once it is healthy."""
    with launch(script=script, **environment) as (address, process):
        await_health(address, process)
        yield address


@contextmanager
def launch(
    port: int = 0, script: str = "app.py", **environment: str
) -> Iterator[tuple[str, subprocess.Popen]]:
    """The app's process and the address at which it will answer, on a free port or this one.

    Variables of DSKREG_* count only where they are given here.
    """
    with socket.socket() as probe:
        if not port:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        script,
        "--server.headless=true",
        f"--server.port={port}",
    ]
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("DSKREG_")}
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=inherited | environment
    ) as process:
        try:
            yield f"http://127.0.0.1:{port}", process
        finally:
            process.terminate()


def await_health(address: str, process: subprocess.Popen) -> None:
    """Return once the app answers; RuntimeError where it does not."""
    for _ in range(int(STARTUP / POLL)):
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=2) as answer:
                if answer.read() == b"ok":
                    return
        except OSError:
            time.sleep(POLL)
        if process.poll() is not None:
            break
    raise RuntimeError(f"the app did not come up within {STARTUP} s (exit code {process.poll()})")


@contextmanager
def browse() -> Iterator[Browser]:
    """Headless Chromium; RuntimeError where this machine has none."""
    from playwright.sync_api import sync_playwright

    if CHROMIUM is None:
        raise RuntimeError("no chromium on this machine (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


def settle(page: Page) -> Locator:
    """Wait until the script has run; the page's own part, without the sidebar."""
    page.locator("[data-testid='stApp'][data-test-connection-state='CONNECTED']").wait_for()
    page.wait_for_timeout(300)  # a click needs a moment to reach the script
    page.locator("[data-testid='stApp'][data-test-script-state='notRunning']").wait_for()
    return page.locator("[data-testid='stMain']")
