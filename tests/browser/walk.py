"""What every walk through the app needs."""

import re
from typing import TYPE_CHECKING

from benchmarks.served import settle

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

__all__ = ["comes_to_read", "says", "settle", "side"]


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
