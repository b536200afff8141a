"""The embeddings page."""

import re
from typing import TYPE_CHECKING

from walk import says, settle

if TYPE_CHECKING:
    from playwright.sync_api import Page


def test_a_point_on_the_map_opens_its_details(page: "Page", server: str) -> None:
    page.goto(f"{server}/embeddings")
    settle(page)
    page.locator(".js-plotly-plot .nsewdrag").first.wait_for()
    page.wait_for_timeout(1000)  # the map is drawn in steps
    name, *place = page.evaluate(
        """() => {
            const plot = document.querySelector('.js-plotly-plot'), {xaxis, yaxis} = plot._fullLayout, {left, top} = plot.getBoundingClientRect();
            const points = plot._fullData.flatMap(trace => Array.from(trace.x, (x, i) =>
                [trace.text[i], left + xaxis._offset + xaxis.d2p(x), top + yaxis._offset + yaxis.d2p(trace.y[i])]));
            const room = ([, x, y]) => Math.min(...points.filter(p => p[1] !== x || p[2] !== y).map(p => Math.hypot(p[1] - x, p[2] - y)));
            return points.reduce((best, point) => room(point) > room(best) ? point : best);  // the loneliest, so that the click cannot mean another
        }"""
    )
    page.mouse.move(*place)
    page.wait_for_timeout(300)
    page.mouse.click(*place)
    page.wait_for_url(re.compile(r"item=\d+"))
    says(settle(page).locator("h2"), name)
