"""A running app and a browser, for walks through the app as a person would take them."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

ROOT = Path(__file__).parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PATIENCE = 60_000  # ms; CI machines are slow


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without a browser the walks are skipped, in words."""
    if CHROMIUM is None:
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker(pytest.mark.skip(reason="no chromium on this machine (Debian: apt-get install chromium)"))


@pytest.fixture(scope="session")
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


@pytest.fixture(scope="session")
def browser() -> "Iterator[Browser]":
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def visitor(browser: "Browser", server: str) -> "Iterator[Callable[..., Page]]":
    """`visitor()` is a fresh visitor's page, with a context of its own; options are Playwright's, such as `color_scheme="dark"`.

    Afterwards: no traceback was left on any of the pages, and no request left the machine.
    """
    contexts: list[BrowserContext] = []
    asked: list[str] = []

    def arrive(width: int = 1400, height: int = 1000, **options: Any) -> "Page":
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        context.on("request", lambda sent: asked.append(sent.url))
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        return page

    yield arrive
    left = [page.locator("[data-testid='stException']").count() for context in contexts for page in context.pages]
    for context in contexts:
        context.close()
    assert [url for url in asked if not url.startswith((server, server.replace("http", "ws"), "data:", "blob:", "about:"))] == []
    assert not any(left)


@pytest.fixture
def page(visitor: "Callable[..., Page]") -> "Page":
    """One fresh visitor on a wide screen."""
    return visitor()
