"""Slices of the test and the model card on the Model page; an entity on the Compare page."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from walk import says, settle

if TYPE_CHECKING:
    from playwright.sync_api import Page


def test_slices_are_chosen_kept_in_the_link_and_fit_on_a_phone(
    visitor: "Callable[..., Page]", server: str
) -> None:
    page = visitor()
    page.goto(f"{server}/model")
    main = settle(page)
    says(main, "items without likes get")
    main.get_by_role("radio", name="genres").click()
    page.wait_for_url(re.compile("slices=genres"))
    says(settle(page), "Slices by")
    phone = visitor(width=420, color_scheme="dark")
    phone.goto(page.url)
    says(settle(phone), "of the held-out likes")
    assert phone.get_by_role("radio", name="genres").is_checked()
    main = phone.locator("[data-testid=stMain]")
    assert main.evaluate("main => main.scrollWidth - main.clientWidth") <= 0


def test_the_model_card_is_downloaded_and_fetches_nothing(page: "Page", server: str) -> None:
    page.goto(f"{server}/model")
    button = settle(page).get_by_role("button", name="Model card (HTML)")
    button.scroll_into_view_if_needed()
    with page.expect_download() as download:
        button.click()
    card = Path(download.value.path()).read_text("utf-8")
    assert download.value.suggested_filename == "demo-card.html"
    other, asked = page.context.new_page(), []
    other.on("request", lambda request: asked.append(request.url))
    other.set_content(card)
    says(other.locator("h1"), "Model card: demo")
    assert other.locator("table").count() >= 8 and asked == []


def test_an_entity_is_found_by_a_part_of_its_name(page: "Page", server: str) -> None:
    page.goto(f"{server}/compare?user=17&what=entities")
    chooser = settle(page).get_by_role("combobox", name="Entity").first
    chooser.click()
    chooser.press_sequentially("pierro")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("entity=studio%3AStudio"))
    says(settle(page), "Studio Pierrot (studio)")
