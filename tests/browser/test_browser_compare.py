"""The compare page."""

import re
from typing import TYPE_CHECKING

from walk import says, settle

if TYPE_CHECKING:
    from playwright.sync_api import Page


def test_every_view_is_opened_and_its_choices_are_in_the_link(page: "Page", server: str) -> None:
    """One visit to the views in turn. Links that name them are opened in test_pages_compare.py."""

    def view(name: str) -> None:
        settle(page).get_by_role("radio", name=name).click()
        page.wait_for_url(re.compile(f"what={name}"))

    # Users: the pinned one is in the link
    page.goto(f"{server}/compare?user=17&what=users")
    says(settle(page), "Test on held-out items")
    page.get_by_role("button", name=re.compile(r"Pin \w+ 17")).click()
    says(settle(page), "Both sides show the same user")
    page.get_by_role("button", name="Next").first.click()
    page.wait_for_url(re.compile(r"user=18\b"))
    says(settle(page), re.compile(r"\w+ 18 likes"))
    assert {"what=users", "other=17"} <= set(page.url.partition("?")[2].split("&"))
    # Items: a pinned one, on a phone
    view("items")
    page.get_by_role("button", name="Pin selected item").click()
    page.wait_for_url(re.compile(r"other_title=\d+"))
    says(settle(page), "Both sides show the same item")
    page.get_by_role("button", name="Next").first.click()  # another user has another first item
    page.wait_for_url(re.compile(r"user=(?!18\b)"))
    says(settle(page), "Relationship")
    page.set_viewport_size({"width": 420, "height": 1000})
    main = page.get_by_test_id("stMain")
    page.wait_for_function(
        "main => main.clientWidth <= 420 && main.scrollWidth <= main.clientWidth",
        arg=main.element_handle(),
    )
    page.set_viewport_size({"width": 1400, "height": 1000})
    # Entities: one is found by a part of its name
    view("entities")
    chooser = settle(page).get_by_role("combobox", name="Entity").first
    chooser.click()
    chooser.press_sequentially("pierro")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("entity=studio%3AStudio"))
    says(settle(page), "Studio Pierrot (studio)")
    # Models and recommenders
    view("models")
    says(settle(page), "only one model")
    settle(page).get_by_role("radio", name="recommenders").click()
    says(main, re.compile(r"\d+ of 10 items (is|are) in both lists"))
    for text in ("Jaccard", "RBO (p = 0.9)", "Kendall's tau", "Test on held-out items", "vary by chance"):
        says(main, text)
    assert settle(page).locator("h3").all_inner_texts()[:2] == ["DSKReG", "EASE"]
    main.locator("[data-testid='stDataFrame']").last.wait_for()  # tables come after the text
    main.get_by_text("All recommenders").click()
    page.wait_for_url(re.compile("all_four=true"))
    says(settle(page), "Overlap of each pair")
