"""Accessibility: axe-core on every page, and the contrast of the text in charts, in both themes."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from walk import settle

if TYPE_CHECKING:
    from playwright.sync_api import Page


PAGES = (
    "?profile=mine&titles=36&genres=Action&item=nothing",  # with chips and a notice
    "?user=17&view=table&diversity=40",
    "sampling",
    "what_if?user=17&no_relations=franchise",
    "compare",
    "compare?all_four=true",
    "compare?what=people&other=18",
    "compare?what=items&other_title=36",
    "embeddings",
    "embeddings?map=users",
    "model",
    "runs?models=demo",
)


# The text of plotly's and ECharts' drawings whose contrast with the page is below 4.5 : 1; axe reads no SVG
PALE = """() => {
  const parts = colour => { const all = colour.match(/[\\d.]+/g).map(Number);
                            return all.length > 3 ? all : [...all, 1] };
  const linear = part => (part /= 255) <= .04045 ? part / 12.92 : ((part + .055) / 1.055) ** 2.4;
  const light = colour => .2126 * linear(colour[0]) + .7152 * linear(colour[1]) + .0722 * linear(colour[2]);
  const page = parts(getComputedStyle(document.querySelector('.stApp')).backgroundColor);
  const texts = document.querySelectorAll('.js-plotly-plot svg text, .stEChartsChart svg text');
  const drawn = [...texts].filter(text => text.textContent.trim() && !text.closest('.modebar'));
  return [drawn.length, drawn.flatMap(text => {
    const {fill, fillOpacity, opacity} = getComputedStyle(text), ink = parts(fill);
    const covers = ink[3] * fillOpacity * opacity;
    const seen = [0, 1, 2].map(n => ink[n] * covers + page[n] * (1 - covers));
    const [dark, bright] = [light(seen), light(page)].sort((one, other) => one - other);
    const ratio = (bright + .05) / (dark + .05);
    return ratio < 4.5 ? [[text.textContent, fill, ratio.toFixed(2)]] : [];
  })];
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_a_serious_accessibility_violation(
    visitor: "Callable[..., Page]", server: str, scheme: str
) -> None:
    """Streamlit's own elements and frames are included, without exceptions."""
    page = visitor(color_scheme=scheme)
    found, read = [], {}
    for name in PAGES:
        page.goto(f"{server}/{name}")
        settle(page)
        found += violations(page, name)
        read[name], pale = page.evaluate(PALE)
        found += [(name, *text) for text in pale]
    assert found == [] and all(read[name] for name in ("sampling", "embeddings", "model"))


def violations(page: "Page", name: str) -> list[tuple[str, ...]]:
    """Serious or critical findings that persist: elements that are fading in have no contrast yet."""
    from axe_playwright_python.sync_playwright import Axe

    found: list[tuple[str, ...]] = []
    for _ in range(4):
        page.wait_for_timeout(500)
        found = [
            (name, finding["id"], finding["nodes"][0]["html"][:200], finding["nodes"][0]["failureSummary"])
            for frame in page.frames
            for finding in Axe().run(frame).response["violations"]
            if finding["impact"] in ("serious", "critical")
        ]
        if not found:
            break
    return found
