"""The what-if page."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from walk import says, settle

if TYPE_CHECKING:
    from playwright.sync_api import Page


def pick(page: "Page", label: str, wanted: str) -> str:
    """Choose the first option of a chooser that contains `wanted`; its name."""
    chooser = page.get_by_role("combobox", name=re.compile(label))
    chooser.click()
    chooser.press_sequentially(wanted)  # of a long list only the part in view is there
    option = page.get_by_role("option").filter(has_text=wanted).first
    name = option.inner_text()
    option.click()
    page.keyboard.press("Escape")
    settle(page)
    return name


def test_taking_things_away_and_back(page: "Page", server: str) -> None:
    page.goto(f"{server}/what_if?user=34")
    says(settle(page), "Nothing is changed yet")
    main = settle(page)
    before = main.get_by_test_id("stMetricValue").first.inner_text()
    pick(page, "Take out liked titles", "")
    says(main, re.compile(r"rank \d+.*Its score goes from " + re.escape(before)))
    page.wait_for_url(re.compile(r"without=\d+"))
    says(main, "The new top 10")
    page.get_by_test_id("stPlotlyChart").wait_for()
    settle(page)
    one = main.get_by_test_id("stMetricValue").first.inner_text()
    assert one != before
    page.get_by_label("Add a title", exact=True).press_sequentially("one punch")
    main.get_by_role("button", name="One Punch Man").first.click()
    page.wait_for_url(re.compile(r"added=\d+"))
    says(main, "Added to the liked titles")
    settle(page)
    assert main.get_by_test_id("stMetricValue").first.inner_text() not in (before, one)
    page.get_by_role("button", name="Reset").click()
    says(main, "Nothing is changed yet")
    assert "without" not in page.url and main.get_by_test_id("stMetricValue").first.inner_text() == before


def test_without_mecha_and_without_a_relation_and_the_link(
    page: "Page", server: str, visitor: "Callable[..., Page]"
) -> None:
    page.goto(f"{server}/what_if?user=17")
    settle(page)
    pick(page, "Take out what titles share", "genre: Mecha")
    page.wait_for_url(re.compile("no_entities=genre"))
    says(page.get_by_test_id("stMain"), re.compile(r"reached the neighbours of \d+ titles"))
    pick(page, "Take out whole relations", "genre")
    page.wait_for_url(re.compile("no_relations=genre"))
    says(page.get_by_test_id("stMain"), "No longer drawn")
    main = settle(page)
    outcome = (
        main.get_by_text("Its score goes from").inner_text(),
        main.get_by_text("in their place").inner_text(),
    )
    other = visitor(width=420, color_scheme="dark")
    other.goto(page.url)
    for words in (*outcome, "genre: Mecha", "genre"):
        says(settle(other), words)


def test_the_smallest_reason_can_be_tried(page: "Page", server: str) -> None:
    page.goto(f"{server}/what_if?user=34")
    main = settle(page)
    says(main, "The smallest reason")
    sentence = main.get_by_text(re.compile("the first recommendation would be")).inner_text()
    found = re.match(r"Without (.*) the first recommendation would be (.*) instead of (.*)\.", sentence)
    assert found
    assert main.locator("h2").first.inner_text() == found[3]
    page.get_by_role("button", name="Try it").click()
    page.wait_for_url(re.compile(r"without=\d+"))
    says(main, re.compile(r"It falls from rank 1 to \d+"))
    says(main.get_by_test_id("stPlotlyChart"), f"1 {found[2][:20]}")
    axis = main.get_by_test_id("stPlotlyChart").inner_text()
    assert f"1 {found[3][:20]}" not in axis


def test_no_serious_barrier(visitor: "Callable[..., Page]", server: str) -> None:
    """axe-core on a changed view, narrow and dark; the unchanged one is among all pages' (test_barriers)."""
    from axe_playwright_python.sync_playwright import Axe

    for scheme, width in (("dark", 420), ("light", 1400)):
        page = visitor(width=width, color_scheme=scheme)
        page.goto(f"{server}/what_if?user=34&no_entities=genre:Action&without=99999")
        says(settle(page), "The new top 10")
        page.wait_for_timeout(1500)
        found = [
            (f["id"], f["nodes"][0]["html"][:200])
            for f in Axe().run(page).response["violations"]
            if f["impact"] in ("serious", "critical")
        ]
        assert found == []
