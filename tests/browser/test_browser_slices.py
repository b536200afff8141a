"""The Model page: slices of the test, and the model card."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from walk import says, settle

if TYPE_CHECKING:
    from playwright.sync_api import Page


def test_slices_are_chosen_and_fit_on_a_phone_and_the_card_fetches_nothing(page: "Page", server: str) -> None:
    page.goto(f"{server}/model")
    main = settle(page)
    says(main, "items without likes get")
    # Slices
    main.get_by_role("radio", name="genres").click()
    page.wait_for_url(re.compile("slices=genres"))
    says(settle(page), "Slices by")
    says(main, "of the held-out likes")
    page.set_viewport_size({"width": 420, "height": 1000})
    page.wait_for_function(
        "main => main.clientWidth <= 420 && main.scrollWidth <= main.clientWidth",
        arg=main.element_handle(),
    )
    # The model card
    button = main.get_by_role("button", name="Model card (HTML)")
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
