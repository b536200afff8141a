"""The recommendations page."""

import re
from typing import TYPE_CHECKING

from walk import says, settle

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

CARDS = ".st-key-cards .tiles > div"


def titles(page: "Page") -> list[str]:
    """The titles on the cards, without their ranks."""
    return [text.partition(". ")[2] for text in page.locator(".title-card h3").all_inner_texts()]


def card(page: "Page", rank: int) -> "Locator":
    """One card with its buttons."""
    return page.locator(CARDS).nth(rank - 1)


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


def lefts(page: "Page") -> set[int]:
    """Where the cards begin, in pixels from the left."""
    return {round(box["x"]) for found in page.locator(CARDS).all() if (box := found.bounding_box())}


def begins_above_the_fold(page: "Page") -> None:
    """The first card is on the first screen of a laptop and of a phone."""
    page.get_by_test_id("stMain").evaluate("main => main.scrollTo(0, 0)")
    for width, highest in ((420, 560), (1400, 320)):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_function(
            "([cards, highest]) => document.querySelector(cards).getBoundingClientRect().y < highest",
            arg=[CARDS, highest],
        )


def test_the_cards_and_their_controls(page: "Page", server: str) -> None:
    """One visit: covers, rows of cards, names and sizes of the controls, the strips above the list."""
    shown = arrive(page, f"{server}/?user=34")
    assert len(shown) == 10
    says(page.locator(".st-key-cards"), "which user 34 liked.")
    # Covers; the alternative texts are tested in test_pages_recommendations.py
    for cover in page.locator(".title-card img").all():
        assert cover.evaluate("image => image.complete && image.naturalWidth > 0")
    assert 3 <= len(lefts(page)) <= 5  # cards in a row
    # One primary action per card, with a name of its own
    primary = page.locator(".st-key-cards button.why")
    assert primary.count() == len(shown)
    for button, title in zip(primary.all(), shown, strict=True):
        assert button.inner_text() == "Why?"
        name = page.locator(".st-key-cards").get_by_role("button", name=f"Why {title}?", exact=True)
        assert name.count() == 1
        box = button.bounding_box()
        assert box and box["width"] < 100 and box["height"] >= 24
    every = page.get_by_test_id("stMain").get_by_role("button").all()
    names = [button.get_attribute("aria-label") or button.inner_text() for button in every]
    names = [name for name in names if name.strip()]
    assert len(names) > 40 and len(set(names)) == len(names)
    # The strips open, and every control can be touched
    inside = [
        page.locator(f".st-key-{key}").get_by_text(heading, exact=True)
        for key, heading in (("likes", "Liked items (36)"), ("filters", "Popularity"))
    ]
    assert not any(text.is_visible() for text in inside)
    for summary in page.locator("summary").all():
        summary.click()
    for text in inside:
        text.wait_for()
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


def test_the_list_is_changed_by_its_controls(page: "Page", server: str) -> None:
    """One visit: a like and a dislike, more like an item, diversity by keyboard; the same on a phone."""
    first = arrive(page, f"{server}/?user=34")
    # A like and a dislike
    card(page, 2).get_by_role("button", name=f"Like {first[1]}", exact=True).click()
    liked = changed(page, first)
    assert len(liked) == 10 and first[1] not in liked
    page.wait_for_url(re.compile(r"liked=\d+"))
    says(page.locator("body"), f"Liked “{first[1]}”")
    card(page, 1).get_by_role("button", name="Dislike").click()
    disliked = changed(page, liked)
    assert len(disliked) == 10 and liked[0] not in disliked
    page.wait_for_url(re.compile(r"disliked=\d+"))
    begins_above_the_fold(page)
    # The panel of similar items opens in view and follows the back button
    wanted = disliked[8]
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
    panel.get_by_role("button", name="Close").click()
    panel.wait_for(state="detached")
    page.wait_for_function("!location.search.includes('near=')")
    page.go_back()
    says(panel, f"More like {wanted}")
    settle(page)
    page.locator(".st-key-filters summary").click()
    field = page.get_by_role("searchbox", name="More like")
    field.fill("fullmetal")
    field.press("Enter")
    says(panel, "More like Fullmetal Alchemist")
    settle(page)
    # Diversity, and what it costs
    slider = page.get_by_role("slider", name="Diversity")
    slider.focus()
    for _ in range(12):
        slider.press("ArrowRight")
    says(page.locator(".st-key-cost"), "Items replaced")
    page.wait_for_url(re.compile(r"diversity=60"))
    settle(page)
    now = titles(page)
    assert now[0] == disliked[0] and set(now) != set(disliked)
    says(page.locator(".st-key-cost"), f"{len(set(now) - set(disliked))} of 10")
    says(page.locator(".st-key-cards"), "by score")
    # One card per row on a phone, and nothing beside the screen
    page.set_viewport_size({"width": 420, "height": 900})
    page.wait_for_function(
        "cards => new Set([...document.querySelectorAll(cards)]"
        ".map(card => Math.round(card.getBoundingClientRect().x))).size === 1",
        arg=CARDS,
    )
    main = page.get_by_test_id("stMain")
    assert main.evaluate("main => main.scrollWidth <= main.clientWidth") and page.evaluate(
        "document.documentElement.scrollWidth <= innerWidth"
    )


def test_why_is_reached_by_few_tab_stops_and_opens_the_titles_explanation(page: "Page", server: str) -> None:
    first = arrive(page, server)[0]
    begins_above_the_fold(page)  # with the offer of the tour
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


def test_a_link_with_filters_is_corrected_and_a_row_of_the_table_explained(page: "Page", server: str) -> None:
    arrive(page, f"{server}/?user=34&genres=Mecha&genres=Sports&types=Opera")
    says(settle(page), "Invalid in the link: types=Opera")
    says(page.get_by_test_id("stMain"), "Filters: Mecha")
    kinds = page.locator(".title-card h3 + p").all_inner_texts()
    assert len(kinds) == 10 and all("Mecha" in kind or "Sports" in kind for kind in kinds)
    page.get_by_role("radio", name="table").click()
    page.wait_for_url(re.compile(r"view=table"))
    says(settle(page), "Why")
    assert "genres=Mecha&genres=Sports" in page.url and "Opera" not in page.url
    assert page.get_by_text("Invalid in the link").count() == 0
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


def test_a_custom_profile_begins_with_an_item_found_by_name(page: "Page", server: str) -> None:
    page.goto(f"{server}/?profile=mine")
    says(settle(page), "This profile has no item yet")
    page.get_by_role("searchbox", name="Add an item").press_sequentially("fullmetal")
    page.locator("[data-testid='stSidebar']").get_by_text("Fullmetal Alchemist", exact=True).click()
    says(settle(page), "ustom profile (1 item)")
    page.wait_for_url(re.compile(r"titles=36\b"))
    says(settle(page), "Similar to “Fullmetal Alchemist”, which you liked.")
    begins_above_the_fold(page)
