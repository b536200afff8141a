"""Names from elsewhere stay text: for terminals, spreadsheets, Markdown, charts, file patterns, and at 10,000
characters.
"""

import csv
import io
import itertools
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from dskreg.explorer import Explorer, html_report
from dskreg.serving.table_files import write_table
from dskreg.serving.trained import TrainedModel
from dskreg.storage import artifact as artifacts
from dskreg.storage import folders
from dskreg.text import escaped, harmless, last_part, legible, many, number, percent, signed, signed_percent
from dskreg.ui.common import bump_chart, charts, widgets
from dskreg.ui.common.figure import Figure
from dskreg.ui.embeddings import overlays
from dskreg.ui.sampling import decomposition
from dskreg.ui.sampling.graph import html_graph, network
from tests.command_line import run
from tests.made_up import candidates
from tests.reliability.hostile import PAYLOADS
from tests.small import DEMO

LONG = PAYLOADS["10,000 without a blank"]


def test_control_characters_become_signs() -> None:
    assert (
        legible("a\x00\x1b[31m\x7f\x9b\u202eb\u2066\tc\r\nd\u2028e")
        == "a␀␛[31m␡⟨U+009B⟩⟨U+202E⟩b⟨U+2066⟩ c  d e"
    )


def test_numbers_are_written_in_one_way() -> None:
    """Zero has no sign, a minus is a minus, and what is missing is a dash."""
    nan = float("nan")
    assert [number(value) for value in (1234, 0.12345, 9.9, 12.34, 1234.5, None, nan)] == [
        *("1,234", "0.123", "9.900", "12.3", "1,234.5", "–", "–"),
    ]
    assert [signed(value) for value in (0.1, -0.1, -0.0001, 0.0)] == ["+0.100", "−0.100", "0.000", "0.000"]
    shares = (0.4567, 0.0456, 0.0995, 1.333, -0.25, -0.0001, 0.0, None, nan)
    assert [percent(share) for share in shares] == [
        *("46%", "4.6%", "10%", "133%", "−25%", "0%", "0%", "–", "–"),
    ]
    assert signed_percent(0.0123, 0.004) == "+1.2% ± 0.4%" and signed_percent(-0.3) == "−30.0%"
    assert signed_percent(0.0) == signed_percent(-0.0001, nan) == "0%" and signed_percent(None) == "–"
    assert [many(1, "entity"), many(2, "entity"), many(0, "address")] == [
        "1 entity",
        "2 entities",
        "0 addresses",
    ]
    assert many(1000, "row") == "1,000 rows"


@pytest.mark.parametrize(
    "text",
    [
        "Cowboy Bebop",
        "\u05e9\u05dc\u05d5\u05dd",
        "\u200fx\u200e",
        "\U0001f469\u200d\U0001f680",
        "e\u0301",
        "☆ ♥ → ␀",
    ],
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert legible(text) == text


FORMULAS = {
    **{
        text: f"'{text}"
        for text in (
            "=1+1",
            "+cmd|' /C calc'!A0",
            "-1+1",
            "@SUM(1)",
            "-",
            "＝1",
            "＋1",
            "－1+1",
            "＠SUM(1)",
            "\ta",
            "\n",
        )
    },
    **{
        text: f"'{text}"
        for text in (
            " =1",
            "\u00a0=1",
            "\u3000=1",
            "\ufeff=1",
            "\u200b\u2060=1",
            "\u200e+1-1",
            "\x00=1",
            '"=1',
            '" "@A1',
            "-1-",
            "+1e5x",
        )
    },
    "\t=1": "'\t'=1",
    "\r=1": "'\n'=1",
    "\n =1": "'\n' =1",
    "a\r=1": "a\n'=1",
    "a\n@A1\nb": "a\n'@A1\nb",
    "Steins;=1+1;Gate": "Steins;'=1+1;Gate",
    'a;" "-1+cmd': 'a;\'" "-1+cmd',
    "a;\t＝1": "a;'\t'＝1",
    "a;-5": "a;'-5",
}
TEXTS = [
    "-5",
    "+4.5",
    " -5 ",
    "-1,5",
    "-1.5e-05",
    "a=b",
    "a, -b",
    "'x",
    "'=1",
    "",
    " ",
    "Steins;Gate",
    "2+2",
    "±1",
    "\u22121",
    "a\n b",
    "e@x.org",
    "[1, -1]",
]


def test_formulas_begin_with_an_apostrophe_and_numbers_stay_numbers() -> None:
    texts = [*FORMULAS, *TEXTS]
    table = pd.DataFrame(
        {
            "text": texts,
            "number": -np.arange(len(texts)) / 2,
            "list": [["=1"]] * len(texts),
            "no": [True] * len(texts),
            "=1+1": 1,
        }
    )
    safe = harmless(table)
    assert safe["text"].tolist() == [*FORMULAS.values(), *TEXTS] and safe.columns[-1] == "'=1+1"
    pd.testing.assert_frame_equal(safe.iloc[:, 1:4], table.iloc[:, 1:4])
    assert table["text"].tolist() == texts, "what was passed in is as it was"
    rows = list(csv.reader(io.StringIO(widgets.safe_csv(table).decode("utf-8-sig"), newline="")))
    assert [row[0] for row in rows[1:]] == safe["text"].tolist() and float(rows[2][1]) == -0.5


@pytest.mark.parametrize(
    ("separator", "quoting"),
    [(",", csv.QUOTE_MINIMAL), *itertools.product(";\t", (csv.QUOTE_MINIMAL, csv.QUOTE_NONE))],
)
def test_no_cell_is_a_formula_wherever_the_columns_are_parted(separator: str, quoting: Any) -> None:
    """A comma parts them as written; a spreadsheet of another country, or a chooser of separators, takes the
    file apart in its own way.
    """
    content = widgets.safe_csv(
        pd.DataFrame({"rank": 1, "title": list(FORMULAS), "genres": list(FORMULAS)[::-1], "more": 'x;"=1"'})
    ).decode("utf-8-sig")
    cells = [
        cell
        for row in csv.reader(io.StringIO(content, newline=""), delimiter=separator, quoting=quoting)
        for cell in row
    ]
    assert (
        len(cells) > len(FORMULAS)
        and [cell for cell in cells if re.match(r'[\s"\x00\u200b-\u200f\u2060\ufeff]*[=+@＝＋－＠-]', cell)]
        == []
    )


def test_the_lists_of_all_users_contain_no_formula(tmp_path: Path) -> None:
    lists = pd.DataFrame(
        {
            "user_id": ["=1+1", "-7", "anna"],
            "rank": [1, 1, 1],
            "item_id": ["@x", "+y", "z"],
            "score": [-1.5, 0.0, 2.0],
        }
    )
    write_table(iter([lists]), tmp_path / "lists.csv", 3)
    assert (tmp_path / "lists.csv").read_text().splitlines()[1:] == [
        "'=1+1,1,'@x,-1.5",
        "-7,1,'+y,0.0",
        "anna,1,z,2.0",
    ]
    write_table(iter([lists]), tmp_path / "lists.parquet", 3)
    assert pd.read_parquet(tmp_path / "lists.parquet")["user_id"].tolist() == ["=1+1", "-7", "anna"], (
        "for programs, as they are"
    )


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo with names that steer terminals."""
    made = artifacts.load(DEMO)
    data, evil = made.dataset, "x\x1b]0;owned\x07\u202ey"
    items = data.items.assign(
        title=[f"{evil} {n}" for n in range(len(data.items))], genres=[evil] * len(data.items)
    )
    relations = tuple(f"{evil} {name}" for name in data.relations)
    names = dict(zip(data.relations, relations, strict=True))
    changed = replace(
        data,
        name=evil,
        items=items,
        relations=relations,
        entities=np.array([f"{evil} {e}" for e in data.entities], object),
        notes=(evil,),
    )
    graph = replace(made.graph, relations=tuple(names.get(name, name) for name in made.graph.relations))
    folder = tmp_path_factory.mktemp("hostile") / "model"
    artifacts.save(replace(made, dataset=changed, graph=graph), folder)
    return folder


def test_an_opened_artifact_has_legible_names_and_its_own_ids(hostile: Path) -> None:
    explorer, opened = Explorer.open(hostile), artifacts.load(hostile)
    found = explorer.explain(explorer.profile(explorer.user_ids[0]), explorer.items["item_id"].iloc[0])
    said = json.dumps(
        [
            found.to_json(),
            explorer.info(),
            explorer.genres,
            explorer.relations,
            explorer.graph_statistics().to_dict(),
        ],
        ensure_ascii=False,
    )
    assert "x␛]0;owned␇⟨U+202E⟩y" in said and not [c for c in said if c in "\x1b\x07\u202e"]
    assert (
        explorer.items["item_id"].tolist() == opened.dataset.items["item_id"].tolist()
        and "\x1b" in opened.dataset.items["title"].iloc[0]
    )


def test_relations_that_would_become_one_keep_their_names() -> None:
    made = artifacts.load(DEMO)
    names = ("a\x00", "a␀", *made.dataset.relations[2:])
    same = replace(
        made,
        dataset=replace(made.dataset, relations=names),
        graph=replace(made.graph, relations=(*names, *made.graph.relations[len(names) :])),
    )
    assert TrainedModel(Path("x"), same).graph.relations[:2] == ("a\x00", "a␀")


@pytest.mark.parametrize("command", ["recommend", "explain", "info"])
def test_the_command_line_steers_no_terminal(
    command: str, hostile: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    explorer = Explorer.open(hostile)
    who = {
        "recommend": ["--user", str(explorer.user_ids[0])],
        "explain": ["--user", str(explorer.user_ids[0]), "--item", str(explorer.items["item_id"].iloc[0])],
    }
    code, out, err = run(capsys, monkeypatch, command, str(hostile), *who.get(command, []))
    assert (
        code == 0
        and not [c for c in out + err.replace("\r", "") if ord(c) < 32 and c != "\n"]
        and "\u202e" not in out + err
    )


def test_a_complaint_steers_no_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, _, err = run(capsys, monkeypatch, "info", "nowhere\x1b[2J\u202e")
    assert code == 2 and "␛[2J⟨U+202E⟩" in err and "\x1b" not in err


def test_markdown_finds_no_address_sign_or_direction() -> None:
    joiner = "\u2060"
    assert (
        widgets.plain("www.example.org") == f"www{joiner}\\.example\\.org"
        and widgets.plain("WWW.x") == f"WWW{joiner}\\.x"
    )
    assert widgets.plain("you@example.org") == f"you@{joiner}example\\.org"
    for sign in ("->", "<-", "<->", "--", ">=", "<=", "~="):
        shown = widgets.plain(f"a {sign} b").replace("\\", "")
        assert shown == f"a {sign[0]}{joiner}{sign[1:]} b"
    assert widgets.plain("a\u202eb\x07") == "a⟨U\\+202E⟩b␇"
    assert "\\" not in widgets.plain("wwwide @ b") and joiner not in widgets.plain("wwwide @ b")


LONGEST: dict[str, Callable[[], str]] = {
    "a heading": lambda: widgets.plain(LONG),
    "a chart": lambda: charts.plain(LONG),
    "a term's label": lambda: re.findall(r"<span[^>]*>([^<]*)</span>", _decomposition())[0],
    "a region": lambda: _region().layout["annotations"][0]["text"],
    "a node's hover": lambda: max((node["tooltip"]["formatter"] for node in _graph().nodes), key=len),
    "the graph's text alternative": lambda: _graph().alt,
}


def _decomposition() -> str:
    columns = ["label", "note", "contribution", "share", "group", "head"]
    return decomposition.table(pd.DataFrame([(LONG, LONG, 1.0, 1.0, "Own", False)], columns=columns), "")


def _region() -> Figure:
    figure = Figure()
    overlays.label_regions(
        figure,
        pd.DataFrame({"x": [0.0], "y": [0.0], "label": [LONG]}),
        pd.DataFrame({"x": [-1.0, 1.0], "y": [-1.0, 1.0]}),
        False,
    )
    return figure


def _hostile_candidates() -> pd.DataFrame:
    frame = candidates(3, 2, [LONG])
    return frame.assign(relation=LONG, via=[[LONG]] * len(frame))


def _graph() -> network.Graph:
    return network.build(_hostile_candidates(), ("0", LONG), {LONG: "#123456"})


@pytest.mark.parametrize("where", LONGEST)
def test_10_000_characters_are_cut(where: str) -> None:
    assert LONG[:10] in LONGEST[where]() and len(LONGEST[where]()) < 1300


def test_the_html_graph_holds_no_long_name() -> None:
    assert "W" * 300 not in html_graph.page(_graph())


def test_a_lists_name_is_no_template() -> None:
    figure = bump_chart.of_lists([("%{x} <b>", [(1, "a")]), ("%{customdata[0]}", [(1, "a")])])
    points = [trace for trace in figure.data if trace["mode"] == "markers"]
    assert {trace["hovertemplate"] for trace in points} == {"%{text}<extra></extra>"}
    hovers = {text for trace in points for text in trace["text"]}
    assert hovers == {"a: rank 1, %{x} &lt;b&gt;", "a: rank 1, %{customdata[0]}"}


def test_an_exported_page_breaks_long_words() -> None:
    assert "overflow-wrap:anywhere" in html_report.STYLE and escaped("a\x00<\u202e") == "a␀&lt;⟨U+202E⟩"


def test_a_folder_whose_name_is_a_pattern_touches_no_other(tmp_path: Path) -> None:
    """`*` would otherwise throw away what others are writing at this moment, and `[x]` would not find its
    own.
    """
    others, mine = tmp_path / ".other.12345678.new", tmp_path / ".[x].12345678.old"
    others.mkdir(), mine.mkdir()
    with folders.alone(tmp_path / "*", "a test"):
        assert others.exists()
    assert folders.orphans(tmp_path / "[x]") == [mine]


def test_a_models_folder_turns_no_tables_direction(hostile: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (hostile.parent / "gpj\u202eledom").mkdir(exist_ok=True)
    monkeypatch.setenv("DSKREG_ARTIFACTS", str(hostile.parent))
    app = (
        AppTest.from_file(str(DEMO.parents[1] / "app.py"), default_timeout=60)
        .run()
        .switch_page("pages/runs.py")
        .run()
    )
    shelf = app.dataframe[-1].value
    assert (
        shelf["name"].tolist() == ["gpj⟨U+202E⟩ledom", "model"]
        and shelf["dataset"].iloc[1] == "x␛]0;owned␇⟨U+202E⟩y"
        and not app.exception
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://dbpedia.org/resource/Toy_Story", "Toy_Story"),
        ("<http://www.wikidata.org/entity/Q42>", "Q42"),
        ("https://a.org/ns#type", "type"),
        ("https://a.org/Am%C3%A9lie/", "Am\u00e9lie"),
        ("http://a.org", "http://a.org"),
        ("http://a.org/", "http://a.org/"),
        ("http://a.org/%20", "http://a.org/%20"),
        ("see http://a.org/b", "see http://a.org/b"),
        ("Fate/Zero", "Fate/Zero"),
        (".hack//Sign", ".hack//Sign"),
        ("Re:Zero", "Re:Zero"),
        ("<unknown>", "<unknown>"),
        ("", ""),
    ],
)
def test_a_whole_uri_is_shown_by_its_last_part(text: str, shown: str) -> None:
    assert last_part(text) == shown
