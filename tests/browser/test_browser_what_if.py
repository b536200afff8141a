"""The what-if page."""

import re
from typing import TYPE_CHECKING

from walk import says, settle

if TYPE_CHECKING:
    from playwright.sync_api import Page


def pick(page: "Page", label: str, wanted: str) -> str:
    """Select the first option that contains `wanted`, and return its name."""
    chooser = page.get_by_role("combobox", name=re.compile(label))
    chooser.click()
    chooser.press_sequentially(wanted)  # a long list holds only the options in view
    option = page.get_by_role("option").filter(has_text=wanted).first
    name = option.inner_text()
    option.click()
    page.keyboard.press("Escape")
    settle(page)
    return name


def test_changes_are_made_and_undone(page: "Page", server: str) -> None:
    """One visit: the counterfactual, on a phone too; removals and an addition; what axe says of them."""
    page.goto(f"{server}/what_if?user=34")
    main = settle(page)
    says(main, "No changes yet")
    before = main.get_by_test_id("stMetricValue").first.inner_text()
    # The counterfactual is applied
    says(main, "Minimal counterfactual explanation")
    sentence = main.get_by_text(re.compile("leaves the top 10")).inner_text()
    title = main.locator("h2").first.inner_text()
    form = r"Without (.*), (.*) leaves the top 10: it falls from rank 1 to (\d+), and (.*) comes in\."
    found = re.match(form, sentence)
    assert found and found[2] == title
    page.get_by_role("button", name="Apply").click()
    page.wait_for_url(re.compile(r"without=\d+"))
    says(main, re.compile(rf"falls from rank 1 to {found[3]}"))
    page.set_viewport_size({"width": 420, "height": 900})  # the chips wrap
    chips = page.get_by_test_id("stMultiSelectTagsContainer").first.locator("[data-tag]")
    places = [chip.bounding_box() for chip in chips.all()]
    assert len(places) >= 2 and all(
        box and 0 <= box["x"] and box["x"] + box["width"] <= 420 for box in places
    )
    page.set_viewport_size({"width": 1400, "height": 1000})
    page.get_by_role("button", name="Reset").click()
    says(main, "No changes yet")
    settle(page)
    assert "without" not in page.url and main.get_by_test_id("stMetricValue").first.inner_text() == before
    # A removal and an addition
    pick(page, "Remove liked items", "")
    says(main, re.compile(r"rank \d+.*Its score changes from " + re.escape(before)))
    page.wait_for_url(re.compile(r"without=\d+"))
    says(main, "Top 10 after the change")
    page.get_by_test_id("stPlotlyChart").wait_for()
    settle(page)
    one = main.get_by_test_id("stMetricValue").first.inner_text()
    assert one != before
    page.get_by_label("Add liked item", exact=True).press_sequentially("one punch")
    main.get_by_role("button", name="One Punch Man").first.click()
    page.wait_for_url(re.compile(r"added=\d+"))
    says(main, "Added likes")
    settle(page)
    assert main.get_by_test_id("stMetricValue").first.inner_text() not in (before, one)
    # Entities and relations
    pick(page, "Remove entities", "genre: Mecha")
    page.wait_for_url(re.compile("no_entities=genre"))
    says(main, re.compile(r"affects the neighbours of \d+ items"))
    pick(page, "Remove relations", "genre")
    page.wait_for_url(re.compile("no_relations=genre"))
    says(main, "Removed: ")
    # No serious barrier, wide and light, narrow and dark
    settle(page)
    assert barriers(page) == []
    page.set_viewport_size({"width": 420, "height": 1000})
    light = background(page)
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"({BACKGROUND})() !== {light!r}")
    settle(page)
    assert barriers(page) == []


BACKGROUND = "() => getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor"


def background(page: "Page") -> str:
    return str(page.evaluate(BACKGROUND))


def barriers(page: "Page") -> list[tuple[str, str]]:
    from axe_playwright_python.sync_playwright import Axe

    return [
        (found["id"], found["nodes"][0]["html"][:200])
        for found in Axe().run(page).response["violations"]
        if found["impact"] in ("serious", "critical")
    ]
