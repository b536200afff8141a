"""A running app and a browser, for walks through the app as a person would take them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.served import CHROMIUM, browse, serve

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

HERE = ("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:", "about:")
PATIENCE = 60_000  # ms; CI machines are slow


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without a browser they are skipped, in words."""
    for item in items:
        if CHROMIUM is None and Path(__file__).parent in item.path.parents:
            item.add_marker(
                pytest.mark.skip(reason="no chromium on this machine (Debian: apt-get install chromium)")
            )


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The app on the artifacts of the repository."""
    with serve() as address:
        yield address


@pytest.fixture(scope="session")
def browser() -> "Iterator[Browser]":
    from playwright.sync_api import expect

    expect.set_options(timeout=PATIENCE)
    with browse() as chromium:
        yield chromium


@pytest.fixture(scope="session")
def shared(browser: "Browser") -> "Iterator[BrowserContext]":
    """The context of most tests' first page: the browser keeps Streamlit's own files from test to test."""
    context = browser.new_context()
    yield context
    context.close()


@pytest.fixture
def visitor(browser: "Browser", shared: "BrowserContext", server: str) -> "Iterator[Callable[..., Page]]":
    """`visitor()` is a fresh visitor's page; with options of Playwright's, such as `color_scheme="dark"`, and
    from the second on, in a context of its own.

    Afterwards: no traceback was left on any of the pages, and no request left the machine.
    """
    pages: list[Page] = []
    own: list[BrowserContext] = []
    asked: list[str] = []

    def arrive(width: int = 1400, height: int = 1000, **options: Any) -> "Page":
        context = shared
        if pages or options:
            context = browser.new_context(**options)
            own.append(context)
        page = context.new_page()
        page.on("request", lambda sent: asked.append(sent.url))
        page.set_viewport_size({"width": width, "height": height})
        page.set_default_timeout(PATIENCE)
        pages.append(page)
        return page

    yield arrive
    left = [
        text
        for page in pages
        if not page.is_closed()
        for text in page.locator("[data-testid='stException']").all_inner_texts()
    ]
    for page in shared.pages:
        if page.url.startswith("http"):
            page.evaluate("() => (localStorage.clear(), sessionStorage.clear())")
        page.close()
    shared.clear_cookies()
    for context in own:
        context.close()
    assert [url for url in asked if not url.startswith(HERE)] == []
    assert left == []


@pytest.fixture
def page(visitor: "Callable[..., Page]") -> "Page":
    """One fresh visitor on a wide screen."""
    return visitor()
