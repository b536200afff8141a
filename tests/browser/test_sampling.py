"""The sampling page."""

import re
from typing import TYPE_CHECKING

from walk import says, settle

if TYPE_CHECKING:
    from playwright.sync_api import Page


def test_a_copied_link_opens_the_same_view(page: "Page", server: str) -> None:
    page.goto(f"{server}/sampling?user=17&item=36")
    says(settle(page), "Fullmetal Alchemist")
    page.get_by_role("button", name="Draw again").click()
    says(settle(page), re.compile(r"the model drew \d+"))
    page.get_by_role("button", name="Draw again").click()
    page.wait_for_url(re.compile("seed=1"))
    first = settle(page).inner_text()
    page.goto(page.url)
    says(settle(page), "Which relations count")
    assert settle(page).inner_text() == first
    assert {"user=17", "item=36", "noise=true"} <= set(page.url.partition("?")[2].split("&"))
