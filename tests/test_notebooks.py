"""In a notebook: an explanation and a model show themselves, with the app's numbers and words, and nothing in
them runs.
"""

from __future__ import annotations

import ast
import json
import re
from dataclasses import replace

import pandas as pd
import pytest

from dskreg.explain import attribution
from dskreg.explore import card
from dskreg.explorer import Explanation, Explorer, html_report, sentences
from dskreg.text import NOTEBOOK_STYLE, escaped, number
from tests.parsed_html import Parsed
from tests.reliability.hostile import PAYLOADS
from tests.small import DEMO, SMALL, of_few
from tests.test_documents import AVOIDED
from tests.visits import decomposed, said, visit

MARKUP = set("div style h2 h3 p b i span details summary ul li".split())
MARKUP |= set("table caption thead tbody tr th td".split())
ATTRIBUTES = {"class", "style", "scope", "tabindex", "role", "aria-label"}


@pytest.fixture(scope="module")
def explorer() -> Explorer:
    return Explorer.open(DEMO)


@pytest.fixture(scope="module")
def found(explorer: Explorer) -> Explanation:
    return explorer.explain(explorer.profile(17), 36, seed=2)


def text_of(page: str) -> str:
    return " ".join(" ".join(Parsed(page).texts).split())


def require_harmless(page: str) -> None:
    """Only the markup of our own, out of reach of what typesets formulas."""
    parsed = Parsed(page)
    assert set(parsed.tags) <= MARKUP and parsed.tags.count("style") == 1
    assert {name for name, _ in parsed.attributes} <= ATTRIBUTES
    styles = [value or "" for name, value in parsed.attributes if name == "style"]
    assert all(re.fullmatch(r"width:[\d.]+%", value) for value in styles)
    classes = {word for name, value in parsed.attributes if name == "class" for word in (value or "").split()}
    assert classes <= {
        "dskreg",
        "tex2jax_ignore",
        "mathjax_ignore",
        *"wide n sampled bar negative muted long".split(),
    }
    assert page.startswith('<div class="dskreg tex2jax_ignore mathjax_ignore">')


def test_the_style_fetches_nothing_and_changes_nothing_else_in_the_notebook() -> None:
    """Every rule is of this output alone, and text keeps the colour that the notebook gives it."""
    assert not re.search(r"url\(|@import|https?:|<|[^-]color:", NOTEBOOK_STYLE)
    selectors = [part for rule in re.findall(r"([^{}]+)\{", NOTEBOOK_STYLE) for part in rule.split(",")]
    assert len(selectors) > 10 and all(part.strip().startswith(".dskreg") for part in selectors)


@pytest.mark.parametrize("colour", re.findall(r"background:#(\w{6})", NOTEBOOK_STYLE))
def test_bars_show_on_white_and_on_black(colour: str) -> None:
    """A contrast of 3 to 1 with white and with the background of a dark notebook."""
    assert min(contrast(colour, ground) for ground in ("ffffff", "111111", "1e1e1e")) >= 3


def contrast(one: str, other: str) -> float:
    def luminance(colour: str) -> float:
        parts = [int(colour[n : n + 2], 16) / 255 for n in (0, 2, 4)]
        red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_an_explanation_says_what_the_app_says(found: Explanation) -> None:
    page = found._repr_html_()
    require_harmless(page)
    text, app = text_of(page), visit("sampling", user="17", item="36", noise="true", seed="2")
    told = [sentences.parts(found), sentences.sharpness(found)]
    for sentence in (*told, sentences.summary(found.item_neighbours, "candidates", True)):
        assert sentence in said(app)
        assert re.sub(r"\*\*|\s", "", sentence) in re.sub(r"\s", "", text)
    bars, rows = decomposed(app), Parsed(page).tables[0][1:]
    assert len(rows) == len(bars) > 15
    for (term, _, contribution, share), (label, value, _) in zip(rows, bars, strict=True):
        assert [term, f"{share} ({contribution})"] == [label, value]
    assert "user 17; seed 2, 8 neighbours per item (K), temperature τ = 8" in text


def test_the_tables_below_are_those_of_the_report(found: Explanation) -> None:
    assert Parsed(found._repr_html_()).tables[1:] == Parsed(html_report.page(found)).tables


def test_names_are_text(found: Explanation) -> None:
    texts = list(PAYLOADS.values())

    def renamed(frame):
        names = [texts[n % len(texts)] for n in range(len(frame))]
        return frame.assign(title=names, relation=names[::-1], via=[[name, "<b>"] for name in names])

    sides = {name: renamed(getattr(found, name)) for name in ("item_neighbours", "user_neighbours")}
    own = found.own.assign(source=[texts[-n % len(texts)] for n in range(len(found.own))])
    for title in texts:
        e = replace(found, title=title, who=title, own=own, samples_likes=True, **sides)
        page = e._repr_html_()
        require_harmless(page)
        assert f"<h3>{escaped(title)}</h3>" in page


def test_a_user_without_likes_and_an_item_without_candidates(explorer: Explorer, found: Explanation) -> None:
    nobody = explorer.explain(explorer.profile_of([]), 36)
    assert sentences.NO_LIKES in text_of(nobody._repr_html_())
    bare = {"item_neighbours": found.item_neighbours.iloc[:0], "relations": found.relations.iloc[:0]}
    text = text_of(replace(found, **bare)._repr_html_())
    assert sentences.NO_CANDIDATES in text and "No data." in text and "κ" not in text


@pytest.mark.parametrize("form", SMALL)
def test_the_own_embedding_by_liked_item_is_that_of_the_flow(form: str) -> None:
    small = of_few(form, 0)
    for user in small.user_ids:
        profile = small.profile(user)
        for item in small.items["item_id"]:
            e = small.explain(profile, item, seed=1)
            flow = small.flow(profile, item, seed=1)
            own = flow[flow["target"] == attribution.ITSELF]
            assert e.own["source"].tolist() == own["source"].tolist()
            assert e.own["contribution"].tolist() == pytest.approx(own["contribution"].tolist(), abs=1e-6)
            assert e.terms["contribution"].sum() == pytest.approx(e.pre_activation_score, abs=1e-5)


def test_a_model_shows_its_data_and_its_accuracy(explorer: Explorer) -> None:
    page = explorer._repr_html_()
    require_harmless(page)
    info, metrics = explorer.info(), explorer.metrics()
    data, accuracy = Parsed(page).tables
    assert data[1] == [f"{info[name]:,}" for name in ("users", "items", "interactions", "likes")] + ["7"]
    runs = {"DSKReG": metrics["metrics"], **metrics["baselines"]}
    column = accuracy[0].index("NDCG")
    assert {row[0]: row[column] for row in accuracy[1:]} == {
        name: number(values["ndcg@20"]) for name, values in runs.items()
    }
    assert "Model: demo" in page and "users are simulated" in page
    for text in PAYLOADS.values():
        named = info | {"name": text, "relations": [text]}
        require_harmless(card.brief(named, metrics, False))
    assert "simulated" not in card.brief(info, metrics, False)


def test_a_notebook_chooses_the_html(explorer: Explorer, found: Explanation) -> None:
    """And keeps a line beside it for where there is none."""
    formatters = pytest.importorskip("IPython.core.formatters")
    for shown in (explorer, found, explorer.recommend(explorer.profile(17), 3)):
        offered, _ = formatters.DisplayFormatter().format(shown)
        assert "<table" in offered["text/html"] and len(offered["text/plain"]) < 1000
    assert f"score={found.score}" in repr(found)


# docs/notebook.ipynb

NOTEBOOK = json.loads((DEMO.parents[1] / "docs" / "notebook.ipynb").read_text("utf-8"))


def sources(kind: str) -> list[str]:
    return ["".join(cell["source"]) for cell in NOTEBOOK["cells"] if cell["cell_type"] == kind]


def run(code: str, names: dict[str, object]) -> object:
    """Run a cell; its last expression's value."""
    *body, last = ast.parse(code).body
    assert isinstance(last, ast.Expr), "every cell shows something"
    exec(compile(ast.Module(body, []), "notebook", "exec"), names)
    return eval(compile(ast.Expression(last.value), "notebook", "eval"), names)


def test_the_notebook_runs_from_its_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(DEMO.parents[1] / "docs")
    monkeypatch.delenv("DSKREG_ARTIFACTS", raising=False)
    names: dict[str, object] = {}
    shown = [run(code, names) for code in sources("code")]
    assert len(shown) >= 10
    for value in shown:
        if isinstance(value, pd.DataFrame):
            assert 1 <= len(value) <= 20
        elif hasattr(value, "_repr_html_"):
            require_harmless(value._repr_html_())
        else:
            assert isinstance(value, tuple)
    kinds = [type(value).__name__ for value in shown]
    assert {"Explorer", "Explanation"} <= set(kinds) and kinds.count("DataFrame") >= 6
    total, score = shown[kinds.index("tuple")]
    assert total == pytest.approx(score, rel=1e-5)
    frequencies = next(value for value in shown if "frequency" in getattr(value, "columns", ()))
    within = frequencies["inclusion_probability"].between(frequencies["low"], frequencies["high"])
    assert (
        (frequencies["inclusion_probability"] - frequencies["frequency"]).abs() < 0.2
    ).all() and within.any()
    replaced = next(value for value in shown if "rank_before" in getattr(value, "columns", ()))
    smallest = names["smallest"]
    assert smallest.found and smallest.replacement_title in set(replaced["title"])


def test_the_notebook_is_plain_and_holds_no_outputs() -> None:
    code = [cell for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    assert NOTEBOOK["nbformat"] == 4 and len({cell["id"] for cell in NOTEBOOK["cells"]}) == len(
        NOTEBOOK["cells"]
    )
    prose = re.sub(r"`[^`]*`", "", "\n\n".join(sources("markdown")))
    assert [found.group() for found in AVOIDED.finditer(prose)] == []
