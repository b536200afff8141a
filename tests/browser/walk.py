"""What every walk through the app needs."""

import re
from typing import TYPE_CHECKING

from benchmarks.served import settle

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

__all__ = ["comes_to_read", "follow", "says", "settle", "side"]


def follow(page: "Page", address: str) -> "Locator":
    """The page of an address: in the app that is open already, as the browser's Back would reach it, or else
    loaded, which takes much longer. The page's own part.
    """
    home = "/".join(address.split("/", 3)[:3])
    if page.url.startswith(f"{home}/"):
        page.evaluate(
            """address => {
                History.prototype.replaceState.call(history, null, "", address);  // not the app's own
                dispatchEvent(new PopStateEvent("popstate"));
            }""",
            address,
        )
    else:
        page.goto(address)
    return settle(page)


def side(page: "Page") -> "Locator":
    """The sidebar."""
    return page.get_by_test_id("stSidebar")


def says(where: "Locator", text: str | re.Pattern[str], patience: float | None = None) -> None:
    """Wait until it says so, as long as is usual or `patience` ms."""
    from playwright.sync_api import expect

    expect(where).to_contain_text(text, timeout=patience)


def comes_to_read(where: "Locator", text: str) -> None:
    """Wait until its lines are those of `text`: parts of a page are still drawn after the script has run. A
    chart that is drawn again may list its labels in another order.
    """
    for _ in range(40):
        if sorted(where.inner_text().splitlines()) == sorted(text.splitlines()):
            return
        where.page.wait_for_timeout(250)
    assert where.inner_text() == text
