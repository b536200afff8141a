"""Hypothesis looks for an address that breaks a page, or that is not followed without a word."""

from __future__ import annotations

import ast
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import hypothesis
import pytest
from hypothesis import given, strategies
from streamlit.testing.v1 import AppTest

from dskreg.explorer import Explorer
from dskreg.ui.common import widgets
from dskreg.ui.compare import users
from dskreg.ui.embeddings import selected
from dskreg.ui.frame import edits, sidebar, url
from dskreg.ui.sampling import walk
from dskreg.ui.what_if import changes
from tests.reliability.examples import VALUES, settings

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "artifacts" / "demo"

TEXT = strategies.text(strategies.characters(exclude_categories=["Cs"]), max_size=40)
CODES = [
    "1",
    "34",
    "2000",
    "0",
    "-1",
    "1.5",
    "1e999",
    "-inf",
    "nan",
    "1e308",
    "٣",
    "9" * 5000,
    "1:genre",
    "genre:Action",
    "genre:%41ction",
    "%",
    "%ff%2C",
    "a:b:c",
]
CODES += [
    "",
    " ",
    ",,,",
    ":",
    "\x00",
    "\x1b[31m",
    "\u202e",
    "\u2028",
    "&a=b#c",
    "<script>alert(1)</script>",
    "[a](javascript:b)",
    "$x$",
    ":material/x:",
    "x" * 3000,
]
CHOICES = [
    "true",
    "TRUE",
    "false",
    "mine",
    "viewer",
    "table",
    "cards",
    "viewers",
    "users",
    "relations",
    "titles",
    "people",
    "users",
    "items",
    "models",
    "recommenders",
    "raw",
    "PCA",
]
CHOICES += [
    "cluster",
    "rarity",
    "lasso",
    "euclidean",
    "demo",
    "twin",
    "genre",
    "studio",
    "Action",
    "TV",
    "EASE",
    "popularity",
    "10",
    "20",
    "50",
    "100",
    "0.5",
]
CHOICES += [
    "Graph",
    "Candidates",
    "Relations",
    "Attribution",
    "Stability",
    "Compare samples",
    "Traverse",
    "Degrees",
    "noise",
    "temperature",
    "seed",
    "person",
    "nobody yet",
    "5 at most",
]
ONE = strategies.one_of(
    strategies.sampled_from(CODES),
    strategies.sampled_from(CHOICES),
    strategies.integers(0, 600).map(str),
    TEXT,
)
VALUE = ONE | strategies.lists(ONE, max_size=5).map(",".join)
SIDEBAR = ("artifact", "profile", "user", "titles", "liked", "disliked", "item", "top", "adult", "hide_seen")
PAGES = {
    "recommendations": ("genres", "types", "liked_by", "diversity", "view", "near"),
    "sampling": (
        *(
            "noise",
            "seed",
            "k",
            "ku",
            "tau",
            "show",
            "versus",
            "tau_b",
            "seed_b",
            "times",
            "repeats_as",
            "trail",
            "side",
            "drawn",
            "find",
            "relation",
            "epoch",
            "lists",
        ),
        *("whole", "flow_as", "second"),
    ),
    "what_if": tuple(changes.FIELDS),
    "compare": (
        *(
            "what",
            "large",
            "all_four",
            "left",
            "depth",
            "right",
            "other_model",
            "test_depth",
            "by_titles",
            "other_title",
            "entity",
            "relation_name",
            "other",
            "other_liked",
        ),
        "other_disliked",
    ),
    "embeddings": (
        "map",
        "graph",
        "method",
        "colour",
        "size",
        "tool",
        "names",
        "zoom",
        "near_k",
        "metric",
        "point",
        "picked",
        "arrows",
        "lines",
        "density",
        "isolate",
        "entities",
    ),
    "model": ("cutoff",),
    "runs": ("run", "models"),
}
# What decides which part of a page, with its parameters, is shown
GATES = {"sampling": "show", "compare": "what", "embeddings": "map"}


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo twice."""
    folder = tmp_path_factory.mktemp("artifacts")
    for name in ("demo", "twin"):
        shutil.copytree(DEMO, folder / name)
    return folder


@pytest.fixture(scope="module")
def explorer() -> Explorer:
    return Explorer.open(DEMO)


def test_every_parameter_is_among_those_tried() -> None:
    bound = set()
    for path in (*ROOT.glob("pages/*.py"), *ROOT.glob("dskreg/ui/**/*.py")):
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(call, ast.Call):
                continue
            named = {word.arg: word.value for word in call.keywords}
            key = named.get("key") if "bind" in named else None
            if ast.unparse(call.func) == "_field":  # a text field that is bound to the parameter of its name
                key = call.args[0]
            if isinstance(key, ast.Constant):
                bound.add(key.value)
    assert bound <= {*SIDEBAR, *(name for names in PAGES.values() for name in names)} and len(bound) > 40


@settings(10_000, 400)
@given(
    text=VALUE,
    names=strategies.lists(
        strategies.text(min_size=1).filter(lambda name: name == name.strip()), min_size=1, max_size=4
    ),
)
def test_lists_of_ids_and_changes_are_taken_apart(text: str, names: list[str]) -> None:
    ids = edits.split_ids(text)
    assert len(set(ids)) == len(ids) <= edits.MOST_TITLES and edits.split_ids(",".join(ids)) == ids
    asked = changes.codes(text)
    assert len(set(asked)) == len(asked) <= changes.MOST and all("," not in code for code in asked)
    assert changes.parts(changes.escaped(*names)) == tuple(names)
    assert changes.codes(",".join(map(changes.escaped, names))) == [
        changes.escaped(name) for name in dict.fromkeys(names)
    ]
    with patch.object(selected, "st", SimpleNamespace(session_state={"picked": text})):
        assert len(selected.selected()) <= selected.CARRIED


@settings(10_000, 400)
@given(
    asked=strategies.dictionaries(strategies.sampled_from("abc"), VALUE),
    shown=strategies.dictionaries(strategies.sampled_from("abc"), VALUES),
)
def test_what_was_not_followed_is_said(asked: dict[str, str], shown: dict[str, object]) -> None:
    assert len(widgets.not_followed(asked, shown)) <= len(asked)
    assert widgets.not_followed(asked, dict(asked)) == []
    assert all("\n" not in widgets.plain(text) for text in asked.values())


@settings(5000, 150)
@given(wanted=strategies.dictionaries(strategies.sampled_from(SIDEBAR), VALUE))
def test_what_no_widget_can_follow_is_said(wanted: dict[str, str]) -> None:
    said = [notice.text for notice in url.invalid(wanted, ["demo", "twin"])]
    assert ("artifact" in wanted and wanted["artifact"] not in ("demo", "twin")) == any(
        "the model “" in text for text in said
    )
    assert all(len(text) < 300 for text in said)


@settings(3000, 100)
@given(text=VALUE, other=VALUE)
def test_users_and_items_are_found_or_reported_as_unknown(text: str, other: str, explorer: Explorer) -> None:
    notices: list[widgets.Notice] = []
    ids = edits.split_ids(other)
    known = edits.known_titles(explorer, {"liked": ids, "disliked": edits.split_ids(text)}, notices)
    assert bool(notices) == any(
        wanted not in kept
        for wanted, kept in [(w, known["liked"]) for w in ids]
        + [(w, known["disliked"]) for w in edits.split_ids(text)]
    )
    others = edits.known_titles(explorer, {"other_liked": ids, "other_disliked": []}, notices)
    person = users.other_user(explorer, text.strip(), others, 1, notices)
    profile = explorer.edited(person, **known)
    assert changes._titles(explorer, profile, changes.codes(other)).keys() <= set(changes.codes(other))
    steps, unknown = walk._known(explorer, other)
    assert len(steps) + len(unknown) <= walk.MOST_STEPS
    assert (
        isinstance(sidebar.find_title(explorer, text), str) and len(explorer.find_items(text, limit=3)) <= 3
    )


def visited(page: str, parameters: dict[str, Any]) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    if page != "recommendations":
        app.switch_page(f"pages/{page}.py")
    for name, value in parameters.items():
        app.query_params[name] = value
    return app.run()


@pytest.mark.parametrize("page", PAGES)
@settings(40, 4, phases=[hypothesis.Phase.generate])  # a page takes too long for shrinking
@given(data=strategies.data())
def test_no_address_breaks_a_page(
    page: str, data: strategies.DataObject, artifacts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DSKREG_ARTIFACTS", str(artifacts))
    monkeypatch.setenv("DSKREG_RUNS_FOLDER", str(artifacts / "runs"))
    value = VALUE | strategies.lists(VALUE, min_size=2, max_size=3)
    parameters = data.draw(strategies.dictionaries(strategies.sampled_from(SIDEBAR), value, max_size=4))
    parameters |= data.draw(
        strategies.dictionaries(strategies.sampled_from(PAGES[page]), value, min_size=1, max_size=8)
    )
    if page in GATES:
        parameters[GATES[page]] = data.draw(strategies.sampled_from(CHOICES))
    app = visited(page, parameters)
    assert not app.exception, (
        parameters,
        [error.message for error in app.exception],
        [error.stack_trace[-3:] for error in app.exception],
    )
    assert app.title, parameters
    assert not any("needs the app around it" in str(error.value) for error in app.error)


@pytest.mark.parametrize("page", PAGES)
def test_empty_parameters_break_no_page(page: str, artifacts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A required choice is nothing where its parameter is empty (Streamlit 1.67)."""
    monkeypatch.setenv("DSKREG_ARTIFACTS", str(artifacts))
    monkeypatch.setenv("DSKREG_RUNS_FOLDER", str(artifacts / "runs"))
    app = visited(page, dict.fromkeys([*SIDEBAR, *PAGES[page]], ""))
    assert not app.exception and app.title


@pytest.mark.parametrize("name", ["seed", "seed_b", "k", "ku", "tau"])
def test_an_endless_number_is_left_out_with_a_word(
    name: str, artifacts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Streamlit's fields of whole numbers stop on one."""
    monkeypatch.setenv("DSKREG_ARTIFACTS", str(artifacts))
    asked = {name: "1e999", "show": "Compare samples"}
    if name == "tau":  # its field stands there alone
        asked["versus"] = "temperatures"
    app = visited("sampling", asked)
    assert not app.exception and name not in app.query_params
    assert (
        any(f"{name}=1e999" in str(warning.value).replace("\\", "") for warning in app.warning)
        or name == "seed_b"
    )
