"""Accessibility: axe-core on every page and panel, the contrast of the text in charts, in both themes, and
no page wider than a phone.
"""

from typing import TYPE_CHECKING, Any

from walk import follow, says, settle

if TYPE_CHECKING:
    from playwright.sync_api import Page


PAGES = {  # and what each shows
    "?profile=mine&titles=36&genres=Action&item=nothing": "Recommendations for",  # with chips and a notice
    "?user=17&view=table&diversity=40": "Recommendations for user 17",
    "what_if?user=17&no_relations=franchise": "Minimal counterfactual explanation",
    "compare?all_four=true": "Overlap of each pair",
    "compare?what=users&other=18": "User 18",
    "compare?what=items&other_title=36": "Two items for one user",
    "embeddings": "Colour by",
    "embeddings?map=users": "Colour by",
    "model": "Test metrics",
    "runs?models=demo": "Open demo",
}
SAMPLING = "sampling?user=17&item=36&noise=true&seed=1&times=100"
PANELS = (
    "Candidates",
    "Relations",
    "Attribution",
    "Stability",
    "Compare samples",
    "Traverse",
    "Degrees",
)
CHARTED = {
    "embeddings",
    "embeddings?map=users",
    "model",
    *PANELS,
} - {"Attribution", "Traverse"}  # whose text is on ribbons, or which has no chart of its own
CONTRAST = {"runOnly": ["color-contrast"]}  # no other rule depends on the theme
MAIN, PANEL = "[data-testid='stMain']", "[role='tabpanel']"
PHONE = 420


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


def test_no_page_or_panel_has_a_serious_accessibility_violation(page: "Page", server: str) -> None:
    """Streamlit's own elements and frames are included, without exceptions.

    On a wide light screen and on a narrow dark one, each page and panel in the theme of the one before and
    then in the other, so that the theme is also switched on each; the sidebar and what surrounds the panels
    once.
    """
    found: list[tuple[str, ...]] = []
    dark = False

    def both(name: str, part: str | None, part_dark: str | None) -> None:
        nonlocal dark
        found.extend(wrong(page, name, dark, part_dark if dark else part))
        dark = not dark
        switch(page, dark)
        found.extend(wrong(page, name, dark, part_dark if dark else part))

    for name, shown in PAGES.items():
        says(follow(page, f"{server}/{name}"), shown)
        both(name, None, MAIN)
    follow(page, f"{server}/{SAMPLING}")
    both(SAMPLING, None, None)
    for name in PANELS:
        page.get_by_role("tab", name=name).click()
        both(name, PANEL, PANEL)
    assert found == []


def switch(page: "Page", dark: bool) -> None:
    """A narrow dark screen, or a wide light one."""
    page.set_viewport_size({"width": PHONE if dark else 1400, "height": 1000})
    page.emulate_media(color_scheme="dark" if dark else "light")
    page.locator(".stApp").evaluate(
        """async (app, scheme) => {
            const there = () => getComputedStyle(app).colorScheme == scheme;
            while (!there()) await new Promise(later => setTimeout(later, 50));
        }""",
        "dark" if dark else "light",
    )


def wrong(page: "Page", name: str, dark: bool, part: str | None) -> list[tuple[str, ...]]:
    settle(page)
    found = [
        (*row, "dark" if dark else "light")
        for row in (*violations(page, name, CONTRAST if dark else {}, part), *pale(page, name))
    ]
    if dark and page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        found.append((name, f"is wider than {PHONE} pixels"))
    return found


def pale(page: "Page", name: str) -> list[tuple[str, ...]]:
    """The texts of the page's charts with too little contrast, once they are drawn."""
    found: list[list[str]] = []
    for _ in range(40):
        drawn, found = page.evaluate(PALE)
        if (drawn or name not in CHARTED) and not found:
            return []
        page.wait_for_timeout(250)  # charts come after the page, and fade in
    return [(name, *text) for text in found] or [(name, "no text of a chart")]


def violations(page: "Page", name: str, rules: dict[str, Any], part: str | None) -> list[tuple[str, ...]]:
    """Serious or critical findings that persist: elements that are fading in have no contrast yet."""
    from axe_playwright_python.sync_playwright import Axe

    found: list[tuple[str, ...]] = []
    options = {"resultTypes": ["violations"], "iframes": False, **rules}  # each frame is asked itself
    for _ in range(6):
        found = [
            (name, finding["id"], finding["nodes"][0]["html"][:200], finding["nodes"][0]["failureSummary"])
            for frame in page.frames
            for finding in Axe()
            .run(frame, part if frame == page.main_frame else None, options)
            .response["violations"]
            if finding["impact"] in ("serious", "critical")
        ]
        if not found:
            break
        page.wait_for_timeout(500)
    return found
