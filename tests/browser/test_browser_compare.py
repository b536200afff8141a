"""The compare page."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from walk import says, settle

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page


def words(page: "Page") -> "Locator":
    """The text of the page, without tables and charts, which are drawn later."""
    main = settle(page)
    says(main, "rest on few items and vary by chance")  # the page's end
    main.locator("[data-testid='stMetric']").nth(3).wait_for()
    return main.locator("[data-testid='stMetric'], [data-testid='stMarkdown'], h3")


def test_dskreg_is_compared_with_ease(page: "Page", server: str) -> None:
    page.goto(f"{server}/compare?user=17")
    main = settle(page)
    says(main, re.compile(r"\d+ of 10 items (is|are) in both lists"))
    for text in (
        "Jaccard",
        "RBO (p = 0.9)",
        "Kendall's tau",
        "Test on held-out items",
        "vary by chance",
    ):
        says(main, text)
    assert main.locator("h3").all_inner_texts()[:2] == ["DSKReG", "EASE"]
    main.locator("[data-testid='stDataFrame']").last.wait_for()  # tables come after the text
    main.get_by_text("All recommenders").click()
    page.wait_for_url(re.compile("all_four=true"))
    says(settle(page), "Overlap of each pair")


def test_a_link_carries_the_pinned_user_and_the_selected_one(
    visitor: "Callable[..., Page]", server: str
) -> None:
    from playwright.sync_api import expect

    page = visitor()
    page.goto(f"{server}/compare?user=17")
    settle(page).get_by_role("radio", name="users").click()
    says(settle(page), "Test on held-out items")
    page.get_by_role("button", name=re.compile(r"Pin \w+ 17")).click()
    says(settle(page), "Both sides show the same user")
    page.get_by_role("button", name="Next").first.click()
    page.wait_for_url(re.compile(r"user=18\b"))
    says(settle(page), re.compile(r"\w+ 18 likes"))
    first = words(page).all_inner_texts()
    assert {"what=users", "other=17"} <= set(page.url.partition("?")[2].split("&"))
    other = visitor()
    other.goto(page.url)
    says(settle(other), re.compile(r"\w+ 18 likes"))
    expect(words(other)).to_have_text(first, use_inner_text=True)


def test_two_items_fit_on_a_phone(visitor: "Callable[..., Page]", server: str) -> None:
    page = visitor(width=420, color_scheme="dark")
    page.goto(f"{server}/compare?user=17&what=items&item=36")
    says(settle(page), "Fullmetal Alchemist")
    page.get_by_role("button", name="Pin selected item").click()
    page.wait_for_url(re.compile("other_title=36"))
    says(settle(page), "Both sides show the same item")
    page.goto(f"{server}/compare?user=17&what=items&other_title=36")
    says(settle(page), "Relationship")
    main = page.locator("[data-testid=stMain]")
    assert main.evaluate("main => main.scrollWidth - main.clientWidth") <= 0


def test_a_link_with_the_old_name_of_a_view_gets_the_new_one(page: "Page", server: str) -> None:
    page.goto(f"{server}/compare?user=17&what=people")
    page.wait_for_url(re.compile("what=users"))
    settle(page).get_by_role("radio", name="models").click()
    page.wait_for_url(re.compile("what=models"))
    says(settle(page), "only one model")
