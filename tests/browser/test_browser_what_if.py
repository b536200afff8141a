"""The what-if page."""

import re
from collections.abc import Callable
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


def test_removals_and_additions_change_the_score_and_reset_restores_it(page: "Page", server: str) -> None:
    page.goto(f"{server}/what_if?user=34")
    says(settle(page), "No changes yet")
    main = settle(page)
    before = main.get_by_test_id("stMetricValue").first.inner_text()
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
    page.get_by_role("button", name="Reset").click()
    says(main, "No changes yet")
    assert "without" not in page.url and main.get_by_test_id("stMetricValue").first.inner_text() == before


def test_a_link_reproduces_removed_entities_and_relations(
    page: "Page", server: str, visitor: "Callable[..., Page]"
) -> None:
    page.goto(f"{server}/what_if?user=17")
    settle(page)
    pick(page, "Remove entities", "genre: Mecha")
    page.wait_for_url(re.compile("no_entities=genre"))
    says(page.get_by_test_id("stMain"), re.compile(r"affects the neighbours of \d+ items"))
    pick(page, "Remove relations", "genre")
    page.wait_for_url(re.compile("no_relations=genre"))
    says(page.get_by_test_id("stMain"), "Removed: ")
    main = settle(page)
    outcome = (
        main.get_by_text("Its score changes from").inner_text(),
        main.get_by_text("The chart shows the previous rank").inner_text(),
    )
    other = visitor(width=420, color_scheme="dark")
    other.goto(page.url)
    for words in (*outcome, "genre: Mecha", "genre"):
        says(settle(other), words)


def test_the_counterfactual_can_be_applied(page: "Page", server: str) -> None:
    page.goto(f"{server}/what_if?user=34")
    main = settle(page)
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


def test_axe_finds_no_serious_barrier_on_a_changed_view(visitor: "Callable[..., Page]", server: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    for scheme, width in (("dark", 420), ("light", 1400)):
        page = visitor(width=width, color_scheme=scheme)
        page.goto(f"{server}/what_if?user=34&no_entities=genre:Action&without=99999")
        says(settle(page), "Top 10 after the change")
        page.wait_for_timeout(1500)
        found = [
            (f["id"], f["nodes"][0]["html"][:200])
            for f in Axe().run(page).response["violations"]
            if f["impact"] in ("serious", "critical")
        ]
        assert found == []
