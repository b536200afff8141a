"""The frame around the pages: links, navigation, what a fresh server does. First in the folder, or the server is not fresh."""

from typing import TYPE_CHECKING

from walk import says, settle

if TYPE_CHECKING:
    from playwright.sync_api import Page


def test_the_first_link_to_a_fresh_server_may_name_any_page(page: "Page", server: str) -> None:  # first in this file, or the server is not fresh
    page.goto(f"{server}/embeddings")
    says(settle(page), "Every title and viewer is a point")
    says(page.locator("[data-testid='stSidebar']"), "Recommendations")
    assert page.get_by_text("Page not found").count() == 0


def test_a_walk_through_all_pages(page: "Page", server: str) -> None:
    page.goto(server)
    says(settle(page), "simulated, not a real person")
    for name, expected in (("Sampling", "How the score adds up"), ("Embeddings", "t-SNE"), ("Model", "EASE"), ("Recommendations", "Because you liked")):
        page.get_by_role("link", name=name).first.click()
        says(settle(page), expected)
        assert "Traceback" not in page.inner_text("[data-testid='stMain']")


def test_a_link_with_unknown_ids_says_so(page: "Page", server: str) -> None:
    page.goto(f"{server}/?user=nobody&item=99999999&top=-4")
    for words in ("nknown user nobody", "nknown title 99999999", "“-4” recommendations", "Because you liked"):  # and the rest of the page works
        says(settle(page), words)
