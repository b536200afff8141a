"""The frame around the pages: links, navigation, the tour, what a fresh server does."""

import re
from typing import TYPE_CHECKING

from walk import says, settle

from benchmarks.served import serve

if TYPE_CHECKING:
    from playwright.sync_api import Page


def test_the_first_link_to_a_fresh_server_may_name_any_page(page: "Page") -> None:
    with serve() as fresh:
        page.goto(f"{fresh}/embeddings")
        says(settle(page), "Colour by")
        says(page.locator("[data-testid='stSidebar']"), "Recommendations")
        assert page.get_by_text("Page not found").count() == 0
        page.goto("about:blank")


def test_the_menu_leads_to_every_page(page: "Page", server: str) -> None:
    page.goto(server)
    says(settle(page), "simulated user")
    for name, expected in (
        ("Sampling", "neighbours"),
        ("Embeddings", "Projection quality"),
        ("Model", "EASE"),
        ("Recommendations", "Similar to"),
    ):
        page.get_by_role("link", name=name).first.click()
        says(page.locator("[data-testid='stSidebarNavLink'][aria-current='page']"), name)
        says(settle(page), expected)
        assert "Traceback" not in page.inner_text("[data-testid='stMain']")


def test_unknown_ids_of_a_link_are_named(page: "Page", server: str) -> None:
    page.goto(f"{server}/?user=nobody&item=99999999&top=-4")
    # And the rest of the page works
    for words in ("nknown user nobody", "nknown item 99999999", "“-4” recommendations", "Similar to"):
        says(settle(page), words)


def test_the_tour_can_be_taken_by_keyboard(page: "Page", server: str) -> None:
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
    page.get_by_role("link", name="Recommendations").first.click()
    says(settle(page), "Recommendations for")
    assert "New here?" not in settle(page).inner_text()
