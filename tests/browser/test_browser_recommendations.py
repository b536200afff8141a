"""The recommendations page."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from walk import says, settle

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page


def titles(page: "Page") -> list[str]:
    """The titles on the cards, without their ranks."""
    return [text.partition(". ")[2] for text in page.locator(".title-card h3").all_inner_texts()]


def card(page: "Page", rank: int) -> "Locator":
    """One card with its buttons."""
    return page.locator(".st-key-cards [class*='st-key-card_']").nth(rank - 1)


def arrive(page: "Page", address: str) -> list[str]:
    """Open the page; the titles on its cards once the last thing on it is there."""
    page.goto(address)
    page.get_by_test_id("stDownloadButton").wait_for()
    settle(page)
    return titles(page)


def changed(page: "Page", before: list[str]) -> list[str]:
    """The titles once they are no longer these."""
    page.wait_for_function(
        "old => [...document.querySelectorAll('.title-card h3')]"
        ".map(h => h.innerText.replace(/^\\d+\\. /, '')).join() !== old",
        arg=",".join(before),
    )
    settle(page)
    return titles(page)


def test_cards_have_covers_with_alternative_texts(page: "Page", server: str) -> None:
    assert len(arrive(page, f"{server}/?user=34")) == 10
    says(page.locator(".st-key-cards"), "which user 34 liked.")
    covers = page.locator(".title-card img")
    for cover, title in zip(covers.all(), titles(page), strict=True):
        assert cover.get_attribute("alt") == f"Generated cover of {title}"
        assert cover.evaluate("image => image.complete && image.naturalWidth > 0")
    lefts = {round(box["x"]) for n in range(1, 11) if (box := card(page, n).bounding_box())}
    assert 3 <= len(lefts) <= 5  # cards in a row


@pytest.mark.parametrize(("width", "highest"), [(1400, 320), (420, 560)])
def test_the_first_cards_are_on_the_first_screen(
    visitor: "Callable[..., Page]", server: str, width: int, highest: int
) -> None:
    for link in ("", "?profile=mine&titles=36", "?user=34&liked=505&disliked=1"):
        page = visitor(width=width, height=900)
        arrive(page, f"{server}/{link}")
        box = card(page, 1).bounding_box()
        assert box and box["y"] < highest, link


def test_the_strips_of_likes_and_filters_open(page: "Page", server: str) -> None:
    arrive(page, f"{server}/?user=34&genres=Mecha")
    says(page.get_by_test_id("stMain"), "Filters: Mecha")
    for key, heading in (("likes", "Liked items (36)"), ("filters", "Popularity")):
        strip = page.locator(f".st-key-{key}")
        shown = strip.get_by_text(heading, exact=True)
        assert not shown.is_visible()
        strip.locator("summary").click()
        shown.wait_for()


def test_each_card_has_one_primary_action_with_a_name_of_its_own(page: "Page", server: str) -> None:
    shown = arrive(page, f"{server}/?user=34")
    primary = page.locator(".st-key-cards [data-testid='stBaseButton-primary']")
    assert primary.count() == len(shown)
    for button, title in zip(primary.all(), shown, strict=True):
        assert re.sub(r"\s", "", button.inner_text()) == f"Why{title}?".replace(" ", "")
        name = page.locator(".st-key-cards").get_by_role("button", name=f"Why {title}?", exact=True)
        assert name.count() == 1
        box = button.bounding_box()
        assert box and box["width"] < 100 and box["height"] >= 24  # the title in the name is not drawn
    every = page.get_by_test_id("stMain").get_by_role("button").all()
    names = [button.get_attribute("aria-label") or button.inner_text() for button in every]
    names = [name for name in names if name.strip()]
    assert len(names) > 40 and len(set(names)) == len(names)
    for summary in page.locator("summary").all():
        summary.click()
    settle(page)
    found = page.evaluate(SMALL)
    assert found["small"] == [] and found["all"] > 90


SMALL = """() => {
  const where = ["stSidebar", "stMain"].map(name => `[data-testid=${name}]`).join();
  const found = {all: 0, small: []};
  for (const control of document.querySelectorAll(`:is(${where}) :is(a[href], button, input, summary)`)) {
    const target = control.type === "range" ? control.closest("[data-rac][style*=absolute]")
      : control.tagName === "INPUT" ? control.closest("label") ?? control : control;
    target.scrollIntoView({block: "center"});
    const {x, y, width, height} = target.getBoundingClientRect();
    if (!width || !target.checkVisibility({visibilityProperty: true})) continue;
    found.all++;
    const touches = ([right, down]) =>
      target.contains(document.elementFromPoint(x + width / 2 + right, y + height / 2 + down));
    if (Math.min(width, height) < 24 && ![[0, -11.5], [0, 11.5], [-11.5, 0], [11.5, 0]].every(touches))
      found.small.push([control.ariaLabel || control.innerText, width, height]);
  }
  return found;
}"""  # controls that take no touch in 24 pixels around their middle


def test_why_is_reached_by_few_tab_stops_and_opens_the_titles_explanation(page: "Page", server: str) -> None:
    first = arrive(page, server)[0]
    wanted = page.get_by_role("button", name=f"Why {first}?", exact=True)
    stops = []
    while not stops or not wanted.evaluate("button => button === document.activeElement"):
        page.keyboard.press("Tab")
        stops.append(page.evaluate("document.activeElement.innerText || document.activeElement.ariaLabel"))
        assert len(stops) <= 25, stops
    assert stops[0] == "Skip to the recommendations"
    page.get_by_role("link", name=stops[0]).press("Enter")
    assert wanted.evaluate("button => button === document.activeElement")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/sampling\?.*item=\d+"))
    says(page.get_by_test_id("stMain"), first)
    assert page.get_by_test_id("stSkipToContent").inner_text() == "Skip to main content"


def test_a_like_and_a_dislike_change_the_list_and_the_link(page: "Page", server: str) -> None:
    first = arrive(page, f"{server}/?user=34")
    card(page, 2).get_by_role("button", name=f"Like {first[1]}", exact=True).click()
    liked = changed(page, first)
    assert len(liked) == 10 and first[1] not in liked
    page.wait_for_url(re.compile(r"liked=\d+"))
    says(page.locator("body"), f"Liked “{first[1]}”")
    card(page, 1).get_by_role("button", name="Dislike").click()
    disliked = changed(page, liked)
    assert len(disliked) == 10 and liked[0] not in disliked
    page.wait_for_url(re.compile(r"disliked=\d+"))
    assert arrive(page, page.url) == disliked


def test_the_panel_of_similar_titles_opens_in_view_and_follows_the_back_button(
    page: "Page", server: str
) -> None:
    wanted = arrive(page, f"{server}/?user=34")[8]
    card(page, 9).get_by_role("button", name=f"More like {wanted}", exact=True).click()
    panel = page.locator(".st-key-near_panel")
    says(panel, f"More like {wanted}")
    settle(page)
    heading = panel.get_by_role("heading", name=f"More like {wanted}")
    page.wait_for_function(
        "heading => { const {top} = heading.getBoundingClientRect(); return top >= 0 && top < innerHeight }",
        arg=heading.element_handle(),
    )
    page.wait_for_url(re.compile(r"near=\d+"))
    link = page.url
    panel.get_by_role("button", name="Close").click()
    panel.wait_for(state="detached")
    page.wait_for_function("!location.search.includes('near=')")
    page.go_back()
    says(panel, f"More like {wanted}")
    page.goto(link)
    says(panel, f"More like {wanted}")
    settle(page)
    page.locator(".st-key-filters summary").click()
    field = page.get_by_role("searchbox", name="More like")
    field.fill("fullmetal")
    field.press("Enter")
    says(panel, "More like Fullmetal Alchemist")


def test_diversity_set_by_keyboard_changes_the_list_and_reports_its_cost(page: "Page", server: str) -> None:
    first = arrive(page, f"{server}/?user=34")
    page.get_by_text("Filters", exact=True).click()
    slider = page.get_by_role("slider", name="Diversity")
    slider.focus()
    for _ in range(12):
        slider.press("ArrowRight")
    says(page.locator(".st-key-cost"), "Items replaced")
    page.wait_for_url(re.compile(r"diversity=60"))
    settle(page)
    now = titles(page)
    assert now[0] == first[0] and set(now) != set(first)
    says(page.locator(".st-key-cost"), f"{len(set(now) - set(first))} of 10")
    says(page.locator(".st-key-cards"), "by score")


def test_valid_filters_of_a_link_are_applied_and_invalid_ones_named(page: "Page", server: str) -> None:
    arrive(page, f"{server}/?user=34&genres=Mecha&genres=Sports&types=Opera")
    says(settle(page), "Invalid in the link: types=Opera")
    kinds = page.locator(".title-card h3 + p").all_inner_texts()
    assert len(kinds) == 10 and all("Mecha" in kind or "Sports" in kind for kind in kinds)
    page.get_by_role("radio", name="table").click()
    page.wait_for_url(re.compile(r"view=table"))
    says(settle(page), "Why")
    page.goto(page.url)
    says(settle(page), "Why")
    assert page.get_by_text("Invalid in the link").count() == 0


def test_a_phone_shows_one_card_per_row_without_horizontal_scrolling(
    visitor: "Callable[..., Page]", server: str
) -> None:
    page = visitor(width=420, color_scheme="dark")
    assert len(arrive(page, f"{server}/?user=34&near=36&diversity=40&top=4")) == 4
    main = page.locator("[data-testid='stMain']")
    assert main.evaluate("main => main.scrollWidth <= main.clientWidth") and page.evaluate(
        "document.documentElement.scrollWidth <= innerWidth"
    )
    assert len({round(box["x"]) for n in range(1, 5) if (box := card(page, n).bounding_box())}) == 1


def test_the_selected_row_of_the_table_is_explained_on_the_sampling_page(page: "Page", server: str) -> None:
    page.goto(f"{server}/?view=table")
    says(settle(page), "1. ")
    table = page.locator("[class*='st-key-table'] [data-testid='stDataFrame']")
    table.scroll_into_view_if_needed()
    box = table.bounding_box()
    assert box
    # The box before the third row: a header and ten rows, drawn on a canvas
    page.mouse.click(box["x"] + 18, box["y"] + box["height"] * 3.5 / 11)
    chosen = page.get_by_text(re.compile(r"^3\. "))
    chosen.wait_for()
    settle(page)
    title = chosen.inner_text().removeprefix("3. ")
    page.get_by_role("button", name=f"Why {title}?", exact=True).first.click()
    page.wait_for_url(re.compile(r"/sampling\?.*item=\d+"))
    assert page.locator("[data-testid='stMain'] h2").first.inner_text() == title


def test_a_custom_profile_of_titles_found_by_name_is_kept_in_the_link(page: "Page", server: str) -> None:
    page.goto(f"{server}/?profile=mine")
    says(settle(page), "This profile has no item yet")
    page.get_by_role("searchbox", name="Add an item").press_sequentially("fullmetal")
    page.locator("[data-testid='stSidebar']").get_by_text("Fullmetal Alchemist", exact=True).click()
    says(settle(page), "ustom profile (1 item)")
    page.wait_for_url(re.compile(r"titles=36\b"))
    page.goto(page.url)
    says(settle(page), "Similar to “Fullmetal Alchemist”, which you liked.")
