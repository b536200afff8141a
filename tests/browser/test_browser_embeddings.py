"""The Embeddings page in a browser."""

import html
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from walk import says, settle

if TYPE_CHECKING:
    from playwright.sync_api import Page

POINTS = """plot => {
    const {xaxis, yaxis} = plot._fullLayout, {left, top} = plot.getBoundingClientRect();
    const across = x => left + xaxis._offset + xaxis.d2p(x), down = y => top + yaxis._offset + yaxis.d2p(y);
    return plot._fullData.filter(trace => trace.customdata != null).flatMap(trace => Array.from(trace.x,
        (x, i) => [String(trace.customdata[i]), trace.text[i], across(x), down(trace.y[i])]));
}"""
MAP = ".st-key-map_chart .js-plotly-plot"
INSIDE = 40  # pixels
Point = tuple[str, str, float, float]  # id, title, x and y on the screen


def points(page: "Page") -> list[Point]:
    """Every point of the map as it is drawn."""
    settle(page)
    plot = page.locator(MAP)
    plot.locator(".nsewdrag").first.wait_for()
    plot.scroll_into_view_if_needed()
    page.wait_for_timeout(800)  # the map is drawn in steps
    # The figure contains escaped texts
    return [(str(key), html.unescape(title), x, y) for key, title, x, y in plot.evaluate(POINTS)]


def fills_the_map(page: "Page", found: list[Point]) -> None:
    """The points reach over nine tenths of the map's width and height."""
    box = page.locator(MAP).bounding_box()
    assert box
    for place, side in ((2, "width"), (3, "height")):
        along = [point[place] for point in found]
        assert max(along) - min(along) > 0.9 * box[side], side


def apart(one: Point, other: Point) -> float:
    return ((one[2] - other[2]) ** 2 + (one[3] - other[3]) ** 2) ** 0.5


def loneliest(found: list[Point]) -> Point:
    """The point farthest from its nearest neighbour, so that a click selects no other.

    It is not at the sides of the map, where a lasso around it would begin outside.
    """
    sides = [(min(along) + INSIDE, max(along) - INSIDE) for along in list(zip(*found, strict=True))[2:]]
    inner = [
        point
        for point in found
        if all(low < at < high for at, (low, high) in zip(point[2:], sides, strict=True))
    ]
    return max(inner, key=lambda point: min(apart(point, other) for other in found if other[0] != point[0]))


def drag_around(page: "Page", middle: Point, found: list[Point]) -> set[str]:
    """Draw a square around a point, about 26 pixels away and over no other point; the titles inside."""
    _, _, x, y = middle
    away = [max(abs(px - x), abs(py - y)) for _, _, px, py in found]
    reach = max(range(20, 33), key=lambda r: min(abs(one - r) for one in away))
    page.mouse.move(x - reach, y - reach)
    page.mouse.down()
    for right, down in ((1, -1), (1, 1), (-1, 1), (-1, -1)):
        page.mouse.move(x + right * reach, y + down * reach, steps=6)
    page.mouse.up()
    return {title for _, title, px, py in found if abs(px - x) < reach and abs(py - y) < reach}


def tool(page: "Page", name: str) -> None:
    """Select a tool of the map."""
    page.get_by_role("radio", name=name, exact=True).click()
    page.wait_for_url(re.compile(f"tool={name}"))


def test_points_are_clicked_and_selected_with_every_tool(page: "Page", server: str) -> None:
    """One visit: a click, a lasso, a box on an enlarged map, an item found by its name."""
    page.goto(f"{server}/embeddings")
    found = points(page)
    _, name, *place = loneliest(found)
    fills_the_map(page, found)
    controls = [box.bounding_box() for box in page.locator(".st-key-map_controls > *").all()]
    assert len({round(box["y"] + box["height"]) for box in controls if box}) == 1, "one row"
    above = page.evaluate("document.querySelector('[data-testid=stMain]').scrollTop")
    box = page.locator(MAP).bounding_box()
    assert box and box["y"] + box["height"] + above <= 900, "above the fold of a laptop"
    page.mouse.move(*place)
    page.wait_for_timeout(300)
    page.mouse.click(*place)
    page.wait_for_url(re.compile(r"item=\d+"))
    says(settle(page).locator("h2"), name)
    # The points inside a lasso are listed and exported
    tool(page, "lasso")
    found = points(page)
    inside = drag_around(page, loneliest(found), found)
    page.wait_for_url(re.compile(r"picked=\d+"))
    main = settle(page)
    says(main, f"Selected: {len(inside)} items")
    page.get_by_role("combobox", name="Colour by").click()
    page.get_by_role("option", name="popularity", exact=True).click()
    page.wait_for_url(re.compile("colour=popularity"))
    says(settle(page), f"Selected: {len(inside)} items")  # also under another colour
    with page.expect_download() as download:
        page.get_by_role("button", name="Export CSV").click()
    text = download.value.path().read_text(encoding="utf-8-sig")
    assert len(text.splitlines()) == len(inside) + 1
    assert [title for title in inside if title.replace('"', '""') not in text] == []
    page.get_by_role("button", name="Clear selection").click()
    page.wait_for_url(lambda url: "picked" not in url)
    assert "Selected:" not in settle(page).inner_text()
    # A selection keeps the zoom
    tool(page, "box")
    found = points(page)
    middle = loneliest(found)
    page.mouse.move(middle[2], middle[3])
    page.mouse.wheel(0, -300)
    page.wait_for_timeout(600)
    zoomed = points(page)
    assert max(p[2] for p in zoomed) - min(p[2] for p in zoomed) > 1.1 * (
        max(p[2] for p in found) - min(p[2] for p in found)
    )
    same = next(point for point in zoomed if point[0] == middle[0])
    page.mouse.move(same[2] - 20, same[3] - 20)
    page.mouse.down()
    page.mouse.move(same[2] + 20, same[3] + 20, steps=6)
    page.mouse.up()
    page.wait_for_url(re.compile(r"picked=\d+"))
    assert {p[0]: (round(p[2]), round(p[3])) for p in points(page)} == {
        p[0]: (round(p[2]), round(p[3])) for p in zoomed
    }
    # An item is found by its name; the link keeps the other choices
    page.locator(".st-key-map_search input").press_sequentially("fullmetal", delay=30)
    page.locator(".st-key-map_found input").click()
    page.get_by_role("option", name="Fullmetal Alchemist", exact=True).click()
    page.wait_for_url(re.compile(r"item=36\b"))
    says(settle(page).locator("h2"), "Fullmetal Alchemist")
    assert {"colour=popularity", "tool=box"} <= set(page.url.partition("?")[2].split("&"))


def test_an_old_link_shows_a_custom_profile_on_the_map_of_users_on_a_phone(
    visitor: "Callable[..., Page]", server: str
) -> None:
    page = visitor(width=420, color_scheme="dark")
    page.goto(f"{server}/embeddings?map=viewers&colour=oddness&profile=mine&titles=36,361")
    main = settle(page)
    says(main, "Find user")
    fills_the_map(page, points(page))
    assert "which are ignored" not in main.inner_text()
    says(page.locator(".map-legend"), "this profile")
    assert page.evaluate("document.documentElement.scrollWidth") <= 420
    page.get_by_role("radio", name="items").click()
    says(settle(page), "Find item")
    assert "map=viewers" not in page.url
