"""The graph of a sample, measured as it is drawn: no text on another, a click that walks."""

import re
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

from walk import follow, says, settle

from dskreg.explorer import Explorer
from dskreg.ui.sampling.graph import html_graph, network
from dskreg.ui.sampling.graph.marks import colours

if TYPE_CHECKING:
    from playwright.sync_api import Page

DEMO = Path(__file__).parents[2] / "artifacts" / "demo"
DESK, PHONE = {"width": 1400, "height": 1000}, {"width": 420, "height": 1000}
DRAWING = ".stEChartsChart svg"
SLACK = 1.0  # pixels by which the boxes of two lines of text may touch
Box = dict[str, float]


def overlap(one: Box, other: Box) -> bool:
    """Whether two boxes (x, y, width, height) share more than SLACK in both directions."""
    return all(
        min(one[at] + one[size], other[at] + other[size]) - max(one[at], other[at]) > SLACK
        for at, size in (("x", "width"), ("y", "height"))
    )


def texts(page: "Page") -> list[tuple[str, Box]]:
    """What the drawing says and where."""
    page.locator(f"{DRAWING} text").first.wait_for()
    page.wait_for_timeout(800)
    return [
        (each["text"], each["box"])
        for each in page.locator(DRAWING).first.evaluate(
            """svg => [...svg.querySelectorAll("text")].filter(t => t.textContent.trim()).map(t => {
                const {x, y, width, height} = t.getBoundingClientRect()
                return {text: t.textContent, box: {x, y, width, height}}
            })"""
        )
    ]


def symbols(page: "Page") -> list[Box]:
    """Where the nodes are: what is filled; lines are not."""
    return page.locator(DRAWING).first.evaluate(
        """svg => [...svg.querySelectorAll("path")].filter(p => (p.getAttribute("fill") || "black") != "none")
            .map(p => p.getBoundingClientRect()).filter(box => box.width && box.width < 40 && box.height < 40)
            .map(({x, y, width, height}) => ({x, y, width, height}))"""
    )


def assert_legible(page: "Page") -> None:
    """No text on another or on a node, none that leaves the drawing."""
    found = texts(page)
    assert len(found) > 15
    assert [(a, b) for (a, one), (b, other) in combinations(found, 2) if overlap(one, other)] == []
    nodes = symbols(page)
    assert len(nodes) > 10
    assert [(text, node) for text, box in found for node in nodes if overlap(box, node)] == []
    frame = page.locator(DRAWING).first.bounding_box()
    assert frame
    for text, box in found:
        assert frame["x"] - SLACK <= box["x"] and frame["y"] - SLACK <= box["y"], text
        assert box["x"] + box["width"] <= frame["x"] + frame["width"] + SLACK, text
        assert box["y"] + box["height"] <= frame["y"] + frame["height"] + SLACK, text


def test_drawings_are_legible_and_name_shared_entities_and_a_click_on_a_neighbour_leads_to_it(
    page: "Page", server: str
) -> None:
    explorer = Explorer.open(DEMO)
    around = explorer.explain(explorer.profile(17), 36).item_neighbours
    page.goto(f"{server}/sampling?user=17&item=36")
    settle(page)
    assert_legible(page)
    said = " ".join(text for text, _ in texts(page))
    relations = around.loc[around["picked"], ["relation", "via"]]
    assert all(relation in said for relation in relations["relation"])
    assert all(word in said for via in relations["via"] for entity in via for word in entity.split())
    # A large sample, on a desk and on a phone
    says(follow(page, f"{server}/sampling?user=34&item=739&k=20"), "for user 34")
    assert_legible(page)
    page.set_viewport_size(PHONE)
    assert_legible(page)
    # Of two hops, an entity leads nowhere and a neighbour does
    main = follow(page, f"{server}/sampling?user=17&item=36&show=Traverse&second=true")
    says(main, "Neighbours of Fullmetal Alchemist")
    assert_legible(page)
    page.set_viewport_size(DESK)
    assert_legible(page)
    page.locator(DRAWING).first.scroll_into_view_if_needed()

    def press(name: str) -> None:
        box = next(box for text, box in texts(page) if text == name)
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] - 8)  # the node is above its label

    press("Action")
    page.wait_for_timeout(1500)
    assert "trail" not in page.url
    press("RahXephon")
    page.wait_for_url(re.compile(r"trail=36(,|%2C)\d+"))
    says(main, "Neighbours of RahXephon")


def test_no_box_of_the_exported_graph_covers_another(visitor: "Callable[..., Page]", tmp_path: Path) -> None:
    explorer = Explorer.open(DEMO)
    explanation = explorer.explain(explorer.profile(17), 36)
    graph = network.build(explanation.item_neighbours, (36, explanation.title), colours(explorer.relations))
    page = visitor()
    page.set_content(html_graph.page(graph))
    page.wait_for_function("() => typeof network !== 'undefined'")
    boxes = page.evaluate(
        """() => network.body.nodeIndices.map(id => {
            const {left, top, right, bottom} = network.getBoundingBox(id)
            return {x: left, y: top, width: right - left, height: bottom - top}
        })"""
    )
    assert len(boxes) == len(graph.nodes)
    assert not any(overlap(one, other) for one, other in combinations(boxes, 2))
