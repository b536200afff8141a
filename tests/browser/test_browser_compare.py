"""The compare page."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from walk import says, settle

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page


def words(page: "Page") -> "Locator":
    """What the page says, without what is drawn on canvases and later."""
    main = settle(page)
    says(main, "A few titles of one person owe much to chance")  # the page's end
    main.locator("[data-testid='stMetric']").nth(3).wait_for()
    return main.locator("[data-testid='stMetric'], [data-testid='stMarkdown'], h3")


def test_the_model_stands_beside_ease(page: "Page", server: str) -> None:
    page.goto(f"{server}/compare?user=17")
    main = settle(page)
    says(main, re.compile(r"\d+ of 10 titles? stands? in both lists"))
    for text in (
        "Shared part",
        "Top agreement",
        "Same order",
        "Who finds the hidden titles?",
        "owe much to chance",
    ):
        says(main, text)
    assert main.locator("h3").all_inner_texts()[:2] == ["DSKReG", "EASE"]
    main.locator("[data-testid='stDataFrame']").last.wait_for()  # tables come after the text
    main.get_by_text("All four at once").click()
    page.wait_for_url(re.compile("all_four=true"))
    says(settle(page), "Titles in common, pair by pair")


def test_a_pinned_person_meets_another_and_the_link_carries_both(
    visitor: "Callable[..., Page]", server: str
) -> None:
    from playwright.sync_api import expect

    page = visitor()
    page.goto(f"{server}/compare?user=17")
    settle(page).get_by_role("radio", name="people").click()
    says(settle(page), "What the model would show them")
    page.get_by_role("button", name="Pin user 17").click()
    says(settle(page), "Both sides are the same person")
    page.get_by_role("button", name="Next").first.click()
    page.wait_for_url(re.compile(r"user=18\b"))
    says(settle(page), "Viewer 18 likes")
    first = words(page).all_inner_texts()
    assert {"what=people", "other=17"} <= set(page.url.partition("?")[2].split("&"))
    other = visitor()
    other.goto(page.url)
    says(settle(other), "Viewer 18 likes")
    expect(words(other)).to_have_text(first, use_inner_text=True)


def test_two_titles_on_a_phone(visitor: "Callable[..., Page]", server: str) -> None:
    page = visitor(width=420, color_scheme="dark")
    page.goto(f"{server}/compare?user=17&what=titles&item=36")
    says(settle(page), "Fullmetal Alchemist")
    page.get_by_role("button", name="Pin the present title").click()
    page.wait_for_url(re.compile("other_title=36"))
    says(settle(page), "Both sides are the same title now")
    page.goto(f"{server}/compare?user=17&what=titles&other_title=36")
    says(settle(page), "What ties them")
    wide = page.evaluate(
        "(() => { const m = document.querySelector('[data-testid=stMain]'); return m.scrollWidth - m.clientWidth })()"
    )
    assert wide <= 0
