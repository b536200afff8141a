"""What every walk through the app needs."""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page


def settle(page: "Page") -> "Locator":
    """Wait until the script has run; the page's own part, without the sidebar."""
    page.locator("[data-testid='stApp'][data-test-connection-state='CONNECTED']").wait_for()
    page.wait_for_timeout(300)  # a click needs a moment to reach the script
    page.locator("[data-testid='stApp'][data-test-script-state='notRunning']").wait_for()
    return page.locator("[data-testid='stMain']")


def says(where: "Locator", text: str | re.Pattern[str]) -> None:
    """Wait until it says so."""
    from playwright.sync_api import expect

    expect(where).to_contain_text(text)
