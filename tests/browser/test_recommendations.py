"""The recommendations page."""

import re
from typing import TYPE_CHECKING

from walk import says, settle

if TYPE_CHECKING:
    from playwright.sync_api import Page


def test_a_chosen_row_leads_to_its_sampling_page(page: "Page", server: str) -> None:
    page.goto(server)
    says(settle(page), "1. ")
    table = page.locator("[data-testid='stDataFrame']").last
    table.scroll_into_view_if_needed()
    box = table.bounding_box()
    assert box
    page.mouse.click(box["x"] + 18, box["y"] + box["height"] * 3.5 / 11)  # the box before the third row: a header and ten rows, drawn on a canvas
    chosen = page.get_by_text(re.compile(r"^3\. "))
    chosen.wait_for()
    settle(page)
    title = chosen.inner_text().removeprefix("3. ")
    page.get_by_role("button", name="See what was sampled").click()
    page.wait_for_url(re.compile(r"/sampling\?.*item=\d+"))
    says(settle(page), "Recommendation 3 of 10")
    assert page.locator("[data-testid='stMain'] h2").first.inner_text() == title


def test_titles_found_by_name_make_a_profile_that_the_link_carries(page: "Page", server: str) -> None:
    page.goto(f"{server}/?profile=mine")
    says(settle(page), "Your own profile has no title yet")
    page.get_by_label("Add a title you like").press_sequentially("fullmetal")
    page.locator("[data-testid='stSidebar']").get_by_text("Fullmetal Alchemist", exact=True).click()
    says(settle(page), "my own profile (1 title)")
    page.wait_for_url(re.compile(r"titles=36\b"))
    page.goto(page.url)
    says(settle(page), "Because you liked “Fullmetal Alchemist”")
