"""The frame around the pages: the tour and the menu."""

import re
from typing import TYPE_CHECKING

from walk import says, settle

if TYPE_CHECKING:
    from playwright.sync_api import Page


def test_the_tour_is_taken_by_keyboard_and_the_menu_leads_on(page: "Page", server: str) -> None:
    page.goto(server)
    says(settle(page), "New here?")
    page.get_by_role("button", name="Take the tour").focus()
    page.keyboard.press("Enter")
    steps = ("Recommendations", "Sampling", "What if", "Compare", "Embeddings", "Model", "Runs")
    for place, name in enumerate(steps, 1):
        says(settle(page), re.compile(rf"{name} · {place} of {len(steps)}"))
        says(page.locator("[data-testid='stSidebarNavLink'][aria-current='page']"), name)
        page.get_by_role(
            "button", name=f"Next: {steps[place]}" if place < len(steps) else "End the tour"
        ).focus()
        page.keyboard.press("Enter")
    page.get_by_role("button", name="End the tour").wait_for(state="detached")
    assert "of 7" not in settle(page).inner_text()
    # Then by the menu
    for name, expected in (
        ("Embeddings", "Projection quality"),
        ("Recommendations", "Similar to"),
    ):
        page.get_by_role("link", name=name).first.click()
        says(page.locator("[data-testid='stSidebarNavLink'][aria-current='page']"), name)
        says(settle(page), expected)
        assert "Traceback" not in page.inner_text("[data-testid='stMain']")
    assert "New here?" not in settle(page).inner_text()
