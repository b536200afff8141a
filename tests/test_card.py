"""The model card: figures of the artifact's files, the same in both forms, and safe text."""

import json
import re
from dataclasses import replace

import pandas as pd
import pytest

from dskreg.commands import slices
from dskreg.explore.card import NOT_BY_TIME, sections
from dskreg.explore.card_pages import Section, Table, html_page, markdown
from dskreg.explorer import Explorer
from tests.command_line import DEMO, run
from tests.parsed_html import Parsed
from tests.small import random_world, whole
from tests.visits import visit

HOSTILE = "<script>alert(1)</script> | a_b `c` [d](https://example.org) \n# e"
MARKUP = set(
    "html head meta title style body main h1 h2 p ul li div table caption thead tbody tr th td".split()
)


def markdown_tables(text: str) -> list[list[list[str]]]:
    """The cells of every table, without escapes."""
    tables: list[list[list[str]]] = []
    inside = False
    for line in text.splitlines():
        if not line.startswith("|"):
            inside = False
            continue
        if not inside:
            tables.append([])
        inside = True
        if not re.fullmatch(r"\|[-:|]+\|", line):
            cells = re.split(r"(?<!\\)\|", line)[1:-1]
            tables[-1].append([re.sub(r"\\(.)", r"\1", cell.strip()) for cell in cells])
    return tables


@pytest.fixture(scope="module")
def explorer() -> Explorer:
    return Explorer.open(DEMO).without_adult


@pytest.fixture(scope="module")
def text(explorer: Explorer) -> str:
    return explorer.card("md")


def with_names(tables: list[list[list[str]]], *names: str) -> list[list[str]]:
    """The rows of the table whose first names these are."""
    return next(table[1:] for table in tables if table[0][: len(names)] == list(names))


def test_the_figures_are_those_of_the_files(text: str) -> None:
    tables, kept = markdown_tables(text), json.loads((DEMO / "metrics.json").read_text())
    interactions = pd.read_parquet(DEMO / "interactions.parquet")
    size = with_names(tables, "Users", "Items")[0]
    expected = (kept["users"], len(pd.read_parquet(DEMO / "items.parquet")), len(interactions))
    assert size[:4] == [f"{n:,}" for n in (*expected, int(interactions["liked"].sum()))]
    runs = {"DSKReG": kept["metrics"], **kept["baselines"]}
    accuracy = with_names(tables, "Recommender")
    assert [row[0] for row in accuracy] == list(runs)
    for row in accuracy:
        values = [runs[row[0]][f"{name}@20"] for name in ("recall", "ndcg", "hit", "mrr", "coverage")]
        assert row[1:6] == [f"{value:.3f}" for value in values]
    for row, reset in zip(with_names(tables, "Reset"), kept["resets"][1:], strict=True):
        assert row[0] == reset["part"]
        change, within = row[1].replace("\u2212", "-").replace("%", "").split(" \u00b1 ")
        assert float(change) == pytest.approx(100 * reset["all"]["change"], abs=0.051)
        assert float(within) == pytest.approx(100 * reset["all"]["within"], abs=0.051)
    config = json.loads((DEMO / "manifest.json").read_text())["config"]
    settings = dict(with_names(tables, "Setting"))
    assert settings["model.picks"] == str(config["model"]["picks"])
    assert settings["data.test"] == str(config["data"]["test"])
    assert settings["data.split"] == "random" and settings["data.like_threshold"] == "auto"
    assert len(settings) == sum(len(v) if isinstance(v, dict) else 1 for v in config.values())
    versions = json.loads((DEMO / "run.json").read_text())["versions"]
    assert dict(with_names(tables, "Package")) == versions


def test_the_slices_are_those_of_the_command(explorer: Explorer, text: str) -> None:
    found = explorer.rivals.slices()
    users = with_names(markdown_tables(text), "Likes", "Users")
    for row, group in zip(users, [*found["activity"], found["all"]], strict=True):
        assert row[:2] == [group["slice"], f"{group['users']:,}"]
        assert row[2] == f"{group['ndcg']:.3f} \u00b1 {group['within']:.3f}"
    titles = with_names(markdown_tables(text), "Likes", "Items")
    assert [row[1] for row in titles] == [f"{group['items']:,}" for group in found["likes"]]
    assert f"a held-out one {found['bias']['mean_likes_held_out']:,.0f}." in text


def test_both_forms_hold_the_same_tables(explorer: Explorer, text: str) -> None:
    page = Parsed(explorer.card("html"))
    assert page.tables == markdown_tables(text)
    assert set(page.tags) <= MARKUP
    assert not {name for name, _ in page.attributes} & {"href", "src", "style", "onclick"}


def test_text_from_files_stays_text() -> None:
    table = Table(HOSTILE, (HOSTILE, "n"), [[HOSTILE, "1"]])
    made = [Section(HOSTILE, [HOSTILE, (HOSTILE,), table])]
    page = Parsed(html_page(HOSTILE, made))
    line = " ".join(HOSTILE.split())
    assert set(page.tags) <= MARKUP and page.tables == [[[line, "n"], [line, "1"]]]
    text = markdown(HOSTILE, made)
    assert markdown_tables(text) == page.tables
    assert not re.search(r"(?<!\\)[<>`\[\]_]", text)
    assert sum(line.startswith("#") for line in text.splitlines()) == 2


def test_numbers_are_aligned_right_and_words_are_not() -> None:
    table = Table("", ("a", "b", "c"), [["1,200", "+1.5 \u00b1 0.2", "x"], ["\u2013", "\u22122.0", "3"]])
    assert table.numeric == [True, True, False] and Table("", ("a",), []).numeric == [False]
    assert "|---:|---:|---|" in markdown("t", [Section("s", [table])])


def limits(explorer: Explorer, **changes: object) -> tuple[str, ...]:
    metrics = explorer.metrics() | changes
    made = sections(explorer.info(), metrics, explorer.rivals.slices(), explorer.simulated)
    return next(section.blocks[0] for section in made if section.heading == "Limits")


def test_the_limits_follow_from_the_figures(explorer: Explorer) -> None:
    assert not [line for line in limits(explorer) if "ranked better" in line]
    better = {"good": {"ndcg@20": 0.9}, "bad": {"ndcg@20": 0.1}}
    assert "In NDCG@20, good ranked better than this model." in limits(explorer, baselines=better)
    assert "No baseline was measured beside the model." in limits(explorer, baselines={})
    assert any("simulated" in line for line in limits(explorer))
    cold = (explorer.directory.likes == 0).sum()
    assert any(line.startswith(f"{cold} items have no likes") for line in limits(explorer))


def test_slices_that_no_item_is_in_are_named_in_a_sentence(explorer: Explorer) -> None:
    found = explorer.rivals.slices()
    sentence, kind = "No item has 0 likes.", {"described_by": "cuisine"}
    found = found | kind | {"likes": found["likes"][1:], "without_items": sentence}
    made = sections(explorer.info(), explorer.metrics(), found, explorer.simulated)
    blocks = [block for section in made for block in section.blocks]
    captions = [block.caption for block in blocks if isinstance(block, Table)]
    assert sentence in blocks and "have no likes" not in str(blocks)
    assert any(caption.startswith("Items by cuisine, the ") for caption in captions)
    assert f"\n\n{sentence}\n\nitems by cuisine, the " in slices.text("DSKReG", found)


def test_the_card_says_how_the_likes_were_split(explorer: Explorer) -> None:
    for split, said in {
        "random": "validation and 20% are the test, at random.",
        "time": "The latest 20% of each user's likes are the test, the 10% before are validation.",
        "time:2018-01-31": "Likes from 2018-01-31 on are the test",
        "leave-one-out": "Each user's latest like is the test",
    }.items():
        info = explorer.info()
        info = info | {"config": info["config"] | {"data": info["config"]["data"] | {"split": split}}}
        made = sections(info, explorer.metrics(), explorer.rivals.slices(), explorer.simulated)
        blocks = {section.heading: section.blocks for section in made}
        assert any(isinstance(block, str) and said in block for block in blocks["Data"]), split
        assert (NOT_BY_TIME in blocks["Limits"][0]) == (split == "random")


def test_a_world_without_a_test_has_a_card_too() -> None:
    explorer = whole(random_world(0))
    core = explorer.core
    core.artifact = replace(core.artifact, run={"created": "today", "versions": {}, "seconds": None})
    text = explorer.card()
    assert "nothing was measured" in text and "there are no slices" in text and "Not measured" in text


def test_the_command_prints_the_card(
    explorer: Explorer, text: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(capsys, monkeypatch, "card", str(DEMO))[:2] == (0, text)
    code, out, _ = run(capsys, monkeypatch, "card", str(DEMO), "--format", "html", "--users", "100")
    assert code == 0 and out == explorer.card("html", 100) and "100 of 2,000 test users" in out
    code, out, err = run(capsys, monkeypatch, "card", str(DEMO), "--format", "pdf")
    assert code == 2 and out == "" and err.count("\n") == 1


def test_the_model_page_offers_both_forms() -> None:
    app = visit("model")
    labels = [found.proto.label for found in app.get("download_button")]
    assert labels[-2:] == ["Model card (HTML)", "Model card (Markdown)"]
