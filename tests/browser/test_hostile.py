"""Names that would like to run: every page shows them as text, and nothing runs, is fetched, formatted or
blown up by them.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from walk import follow, settle

from benchmarks.served import serve
from dskreg.explorer import legible
from dskreg.ui.recommendations import cards as cards_of
from tests.reliability import hostile
from tests.reliability.hostile import MARK, PAYLOADS
from tests.reliability.size import LONG

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Dialog, Frame, Locator

WIDE, NARROW = 1400, 420
CLIPBOARD = ["clipboard-read", "clipboard-write"]
ITEM = {name: f"i{n}" for n, name in enumerate(PAYLOADS)}
RAW_CELLS = re.compile("^Download as CSV:")  # Streamlit's button above a table; the app's has another name
BEGINNING = 50  # characters of a name that a page shows at least
MADE = """mark => {
    const wrong = [];
    const say = (why, node) => wrong.push(`${why}: ${node.outerHTML.slice(0, 160)}`);
    for (const node of document.querySelectorAll('*')) {
        if (node.classList.contains('hostile')) say('made', node);
        for (const {name, value} of node.attributes) {
            if (name.startsWith('on') && value.includes('__ran')) say('listens', node);
            const leads = /^(href|src|action|formaction|data|xlink:href)$/.test(name);
            if (leads && /hostile\\.invalid|^\\s*javascript:/i.test(value)) say('leads', node);
            if (name === 'style' && value.includes('hostile')) say('style', node);
        }
        const own = node.textContent;
        const word = own.trim();
        if (own.length < 40 && word.startsWith(mark) && /^[a-z]+-[a-z]+$/.test(word)) say('formatted', node);
        if (node.matches('[data-testid="stIconMaterial"]') && own.includes('ICON')) say('icon', node);
    }
    if (window.__ran !== undefined) wrong.push('ran');
    return wrong;
}""".replace("ICON", hostile.ICON)
TEXT = """() => [document.title, document.body ? document.body.textContent : '',
    ...Array.from(document.querySelectorAll('input, textarea'), field => field.value)].join(' ')"""
WIDER = """() => ['html', '[data-testid=stMain]'].filter(part => {
    const node = document.querySelector(part);
    return node && node.scrollWidth > (part === 'html' ? innerWidth : node.clientWidth);
})"""


class Witness:
    """One visitor's page, and whatever it does that it should not."""

    def __init__(self, context: BrowserContext, home: str) -> None:
        self.home, self.faults, self.page = home, list[str](), context.new_page()
        self.page.set_default_timeout(60_000)
        context.on("request", lambda sent: self._asked(sent.url))
        context.on("page", lambda page: self.faults.append(f"opened {page.url}"))
        self.page.on("dialog", self._dialog)
        self.page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        self.page.on("console", self._said)

    def _asked(self, url: str) -> None:
        if not url.startswith((self.home, self.home.replace("http", "ws", 1), "data:", "blob:", "about:")):
            self.faults.append(f"asked for {url[:200]}")

    def _dialog(self, dialog: Dialog) -> None:
        self.faults.append(f"a dialog: {dialog.message}")
        dialog.dismiss()

    def _said(self, line: ConsoleMessage) -> None:
        # Streamlit asks below the page's path first
        its_own = line.location["url"].endswith(("/_stcore/health", "/_stcore/host-config"))
        if line.type == "error" and not its_own:
            self.faults.append(f"console: {line.text[:300]}")

    def visit(self, address: str) -> None:
        self.faults.clear()  # each page answers for itself
        self.page.set_viewport_size({"width": WIDE, "height": 1000})
        follow(self.page, f"{self.home}/{address}")
        self.page.wait_for_timeout(400)  # charts and frames come after the text

    def frames(self) -> list[Frame]:
        return [frame for frame in self.page.frames if not frame.is_detached()]

    def look(self) -> None:
        """Nothing has run, been fetched, made or formatted."""
        assert [
            *self.faults,
            *(fault for frame in self.frames() for fault in frame.evaluate(MADE, MARK)),
        ] == []
        assert not self.page.locator("[data-testid='stException']").count()

    def measure(self) -> None:
        """It is as wide as the window, on a desk and on a telephone."""
        assert self.page.evaluate(WIDER) == [], f"wider than {WIDE}"
        self.page.set_viewport_size({"width": NARROW, "height": 1000})
        for _ in range(12):  # charts and tables follow the window in steps
            self.page.wait_for_timeout(250)
            if not self.page.evaluate(WIDER):
                break
        assert self.page.evaluate(WIDER) == [], f"wider than {NARROW}"

    def text(self) -> str:
        return readable(" ".join(frame.evaluate(TEXT) for frame in self.frames()))

    def shows(self, payload: str) -> None:
        """It stands there as it is written, if not whole."""
        assert readable(payload)[:BEGINNING].strip() in self.text()

    def saved(self, button: str) -> tuple[str, bytes]:
        """(the file's name, its content) behind a button."""
        with self.page.expect_download() as download:
            self.page.get_by_role("button", name=button, exact=True).first.click()
        return download.value.suggested_filename, Path(download.value.path()).read_bytes()

    def keeps_raw_cells(self) -> None:
        """No table on the page has Streamlit's own button for them, nor lets them be copied."""
        for table in self.page.locator("[data-testid='stDataFrame']:visible").all():
            table.hover()
            assert self.page.get_by_role("button", name=RAW_CELLS).count() == 0
            assert self.copied(table) == ""

    def copied(self, table: Locator) -> str:
        """What is in the clipboard after a table's first row was marked and copied."""
        self.page.evaluate("navigator.clipboard.writeText('')")
        table.click(position={"x": 90, "y": 50})
        self.page.keyboard.press("Control+c")
        self.page.wait_for_timeout(200)
        return str(self.page.evaluate("navigator.clipboard.readText()"))

    def saves(self, button: str) -> None:
        """A CSV file with a safe name and rows, in which no cell starts a formula."""
        name, content = self.saved(button)
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
        assert re.fullmatch(r"[\w-]+\.csv", name) and len(rows) > 2
        number = re.compile(r"-?\d+(\.\d+)?(e-?\d+)?")
        assert [
            cell
            for row in rows
            for cell in row
            if cell.lstrip().startswith(("=", "+", "-", "@")) and not number.fullmatch(cell)
        ] == []

    # What a visitor does with the mouse

    def opens(self, selector: str) -> None:
        """So many of that kind, looked at while they are open."""
        for place in [place for place in self.page.locator(selector).all() if place.is_visible()][
            : 20 if LONG else 2
        ]:
            place.click()
            settle(self.page)
            self.look()
            self.page.keyboard.press("Escape")

    def hovers_over_charts(self) -> None:
        for plot in self.page.locator(".js-plotly-plot").all()[:3]:
            plot.scroll_into_view_if_needed()
            box = plot.bounding_box()
            assert box
            labels = 0
            for step in range(10):
                self.page.mouse.move(
                    box["x"] + box["width"] * (0.25 + 0.5 * (step % 4) / 3),
                    box["y"] + box["height"] * (0.08 + 0.09 * step),
                )
                self.page.wait_for_timeout(40)
                labels += self.page.locator(".hoverlayer text").count()
            self.look()

    def hovers_over_points(self) -> None:
        """Each of a few points of the map, for what its label says."""
        from test_browser_embeddings import points

        found = points(self.page)
        said = set()
        for _, _, x, y in found[:: max(1, len(found) // (24 if LONG else 6))]:
            self.page.mouse.move(x, y)
            self.page.wait_for_timeout(120)
            self.look()
            said |= {
                readable(text) for text in self.page.locator(".hoverlayer .hovertext").all_text_contents()
            }
        assert len(said) > 2 and all(len(text) < 300 for text in said)

    def hovers_over_html_graph(self) -> None:
        """Nodes of the exported HTML graph."""
        self.page.wait_for_function("() => typeof network !== 'undefined'")
        places = self.page.evaluate(
            "() => network.body.nodeIndices.map(id => network.canvasToDOM(network.getPosition(id)))"
        )
        assert len(places) > 3
        said = set()
        for place in places if LONG else places[:4]:
            self.page.mouse.move(place["x"], place["y"])
            self.page.wait_for_timeout(180)
            self.look()
            said |= set(self.page.locator(".vis-tooltip").all_inner_texts())
        assert any("sampled" in text for text in said)

    def hovers_over_graph(self) -> None:
        """Every node of ECharts' graph."""
        for label in self.page.locator(".stEChartsChart svg text").all()[:12]:
            label.scroll_into_view_if_needed()
            box = label.bounding_box()
            if box:
                self.page.mouse.move(box["x"] - 10, box["y"] + box["height"] / 2)
                self.page.wait_for_timeout(60)
        self.look()


TABLE = """\
import streamlit as st
st.title("Titles")
st.dataframe({"title": [f"=HYPERLINK({n})" for n in range(9)]}, alt="Titles")
"""


def test_raw_cells_would_be_seen(browser: Browser, tmp_path: Path) -> None:
    """The other tests' counterpart: where Streamlit may export, its button saves formulas and copies them."""
    (tmp_path / "table.py").write_text(TABLE)
    with serve(str(tmp_path / "table.py"), STREAMLIT_CLIENT_DISABLE_DATA_EXPORT="false") as address:
        context = browser.new_context(viewport={"width": WIDE, "height": 1000}, permissions=CLIPBOARD)
        # Which asks for a folder, where nobody answers
        context.add_init_script("delete window.showSaveFilePicker")
        witness = Witness(context, address)
        witness.visit("")
        table = witness.page.locator("[data-testid='stDataFrame']:visible")
        assert witness.copied(table)
        table.hover()
        with witness.page.expect_download() as download:
            witness.page.get_by_role("button", name=RAW_CELLS).click()
        assert "=HYPERLINK" in Path(download.value.path()).read_text("utf-8-sig")
        context.close()


def readable(text: str) -> str:
    """As a page shows it: control characters as signs, blanks run together, without the joiners that keep two
    characters from meaning something together.
    """
    return hostile.visible(legible(text).replace("\u2060", ""))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return hostile.artifact(tmp_path_factory.mktemp("hostile"))


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[str]:
    """The app on nothing but hostile artifacts."""
    with serve(DSKREG_ARTIFACTS=str(folder), DSKREG_DATA=str(folder / ".data")) as address:
        yield address


@pytest.fixture(scope="module", params=["light", "dark"] if LONG else ["light"])
def witness(request: pytest.FixtureRequest, browser: Browser, server: str) -> Iterator[Witness]:
    """One visitor for all pages; the theme is the machine's."""
    context = browser.new_context(
        viewport={"width": WIDE, "height": 1000}, color_scheme=request.param, permissions=CLIPBOARD
    )
    yield Witness(context, server)
    context.close()


Act = Callable[[Witness], None]
POPOVERS, CHOOSERS = (
    "[data-testid='stPopover'] button",
    "[data-testid='stSelectbox'] input, [data-testid='stMultiSelect'] input",
)


def nothing(witness: Witness) -> None:
    """The page as it comes."""


def cards(witness: Witness) -> None:
    """Thirty titles, each in its card as it is written; what opens is opened."""
    heads = witness.page.locator(".title-card h3")
    heads.nth(29).wait_for()  # cards may come after the rest of the page
    shown = [readable(text).partition(". ")[2] for text in heads.all_inner_texts()]
    written = {readable(text)[: cards_of.LONGEST_TITLE - 1] for text in PAYLOADS.values()}
    assert len(shown) == 30 and {text.rstrip("…")[: cards_of.LONGEST_TITLE - 1] for text in shown} <= {
        text.strip() for text in written
    }
    if LONG:
        witness.opens(POPOVERS)
        witness.opens(CHOOSERS)


def listed(witness: Witness) -> None:
    """The app's own file holds no formula."""
    witness.saves("Download CSV")
    witness.opens(POPOVERS)


def candidates(witness: Witness) -> None:
    witness.opens(CHOOSERS)
    witness.saves("Candidates (CSV)")


def what_if(witness: Witness) -> None:
    witness.opens(CHOOSERS)
    witness.saves("Download CSV")


def titles_map(witness: Witness) -> None:
    witness.hovers_over_points()
    witness.saves("Export CSV")


VIEWS: dict[str, tuple[str, Act]] = {
    "cards": ("?top=30&hide_seen=false", cards),
    "table": (
        f"?view=table&top=20&near={ITEM['Markdown image']}&diversity=40&liked={ITEM['script']}"
        f"&disliked={ITEM['link']}",
        listed,
    ),
    "drawing": (f"sampling?item={ITEM['link']}", Witness.hovers_over_graph),
    "candidates": (f"sampling?item={ITEM['Markdown link']}&show=Candidates", candidates),
    "what if": (f"what_if?item={ITEM['LaTeX']}&without={ITEM['script']}&no_relations=genre", what_if),
    "two titles": (
        f"compare?what=items&item={ITEM['10,000 without a blank']}"
        f"&other_title={ITEM['overridden direction']}",
        Witness.hovers_over_charts,
    ),
    "map": (f"embeddings?item={ITEM['bare address']}&picked={','.join(ITEM.values())}", titles_map),
    "model": ("model", Witness.hovers_over_charts),
    "runs": (f"runs?run={hostile.RUN}", lambda witness: witness.opens(CHOOSERS)),
}
FURTHER: dict[str, tuple[str, Act]] = {
    "flow": (
        f"sampling?item={ITEM['HTML of plotly']}&show=Attribution&whole=true",
        Witness.hovers_over_charts,
    ),
    "walk": (f"sampling?item={ITEM['templates']}&show=Traverse", Witness.hovers_over_graph),
    "relations": (f"sampling?item={ITEM['colours']}&show=Relations", Witness.hovers_over_charts),
    "two models": ("compare?what=models", Witness.hovers_over_charts),
    "a profile of one's own": (
        f"?profile=mine&titles={','.join(list(ITEM.values())[:30])}",
        lambda witness: witness.opens(POPOVERS),
    ),
    "an unknown viewer": (
        "?user=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E&item=%E2%80%AEx&genres=**x**",
        nothing,
    ),
    "the user's side": (f"sampling?item={ITEM['image']}&side=user", Witness.hovers_over_graph),
    "repeats": (f"sampling?item={ITEM['svg']}&show=Stability&times=100", Witness.hovers_over_charts),
    "two draws": (f"sampling?item={ITEM['bold']}&show=Compare+samples", Witness.hovers_over_charts),
    "two temperatures": (
        f"sampling?item={ITEM['bold']}&show=Compare+samples&versus=temperatures",
        Witness.hovers_over_charts,
    ),
    "hubs": (f"sampling?item={ITEM['heading']}&show=Degrees", Witness.hovers_over_charts),
    "recommenders": ("compare?all_four=true", Witness.hovers_over_charts),
    "people": ("compare?what=users", Witness.hovers_over_charts),
    "map of users": ("embeddings?map=users&colour=cluster", Witness.hovers_over_charts),
    "map zoomed": (
        f"embeddings?item={ITEM['10,000 in words']}&zoom=true&colour=cluster&arrows=true",
        Witness.hovers_over_charts,
    ),
    "raw map, by type": (
        f"embeddings?item={ITEM['code']}&graph=raw&colour=type&method=PCA",
        Witness.hovers_over_charts,
    ),
    "two models of a shelf": (
        f"runs?models={quote(hostile.MODELS[0])}&models={quote(hostile.MODELS[1])}",
        nothing,
    ),
}


@pytest.mark.parametrize("view", VIEWS | FURTHER if LONG else VIEWS)
def test_names_are_text(witness: Witness, view: str) -> None:
    """On every page: nothing runs, nothing is fetched, made or formatted, the window's width is kept, and the
    title in question is legible.
    """
    address, act = (VIEWS | FURTHER)[view]
    witness.visit(address)
    witness.look()
    witness.keeps_raw_cells()
    asked = re.search(r"[?&]item=(i\d+)", address)
    if asked:
        witness.shows(list(PAYLOADS.values())[int(asked[1][1:])])
    act(witness)
    witness.look()
    witness.measure()
    witness.look()


EACH = (
    "?near={}&top=3",
    "sampling?item={}",
    "what_if?item={}",
    "compare?what=items&item={}",
    "embeddings?item={}&zoom=true",
)


@pytest.mark.skipif(not LONG, reason="DSKREG_LONG=1 tries every payload on every page that asks for a title")
@pytest.mark.parametrize("address", EACH)
def test_every_payload_in_question(witness: Witness, address: str) -> None:
    wrong = {}
    for name, payload in PAYLOADS.items():
        try:
            witness.visit(address.format(ITEM[name]))
            witness.look()
            witness.shows(payload)
            witness.measure()
        except AssertionError as error:
            wrong[name] = str(error)[:300]
            witness.faults.clear()
    assert wrong == {}


def test_the_exported_pages_show_names_as_text(witness: Witness, browser: Browser, tmp_path: Path) -> None:
    """Opened from the disk in a browser with scripts on: the report runs nothing, the graph its own scripts.
    The explanation for a program says the same.
    """
    witness.visit(f"sampling?item={ITEM['controls']}")
    witness.page.get_by_role("button", name="Export").click()
    name, content = witness.saved("JSON")
    assert (
        name == "explanation.json"
        and json.loads(content)["title"] == legible(PAYLOADS["controls"]) != PAYLOADS["controls"]
    )
    name, report = witness.saved("HTML report")
    assert name == "explanation.html"
    (tmp_path / name).write_bytes(report)
    name, graph = witness.saved("HTML graph")
    assert name == "graph.html"
    (tmp_path / name).write_bytes(graph)
    context = browser.new_context(viewport={"width": WIDE, "height": 1000})
    reader = Witness(context, tmp_path.as_uri())
    reader.page.goto(f"{reader.home}/explanation.html")
    reader.look()
    reader.shows(PAYLOADS["controls"])
    reader.measure()
    assert reader.page.locator("script, img, a, iframe").count() == 0
    reader.page.goto(f"{reader.home}/graph.html")
    reader.look()
    reader.hovers_over_html_graph()
    context.close()
