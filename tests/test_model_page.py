"""The Model page: every figure agrees with the artifact's files, counted and computed here another way."""

import hashlib
import json
import re
from functools import cache
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import streamlit as st
from safetensors.numpy import load_file
from streamlit.testing.v1 import AppTest

from dskreg.explorer import Explorer
from dskreg.text import signed_percent
from dskreg.ui.common.cache import draw_once
from dskreg.ui.model import curves, scoreboard, worth
from tests.visits import DEMO, said, table_with, visit

pytestmark = pytest.mark.skipif(not (DEMO / "manifest.json").is_file(), reason="artifacts/demo is not built")
TRAIN, VALIDATION, TEST, OUTSIDE = 0, 1, 2, 3
K = 20


@pytest.fixture(scope="module")
def app() -> AppTest:
    return visit("model", cutoff=K)


def document(name: str) -> dict:
    return json.loads((DEMO / f"{name}.json").read_text())


@cache
def interactions() -> pd.DataFrame:
    return pd.read_parquet(DEMO / "interactions.parquet")


def pairs(app: AppTest, first: str) -> dict[str, str]:
    table = table_with(app, first)
    return dict(zip(table.iloc[:, 0], table.iloc[:, 1], strict=True))


def test_the_sizes_of_the_data_are_those_of_the_files(app: AppTest) -> None:
    rows = interactions()
    expected = {
        "Users": len(pd.read_parquet(DEMO / "users.parquet")),
        "Items": len(pd.read_parquet(DEMO / "items.parquet")),
        "Interactions": len(rows),
        "Likes": int(rows["liked"].sum()),
        "Relations": len(document("manifest")["graph_relations"]),
    }
    assert expected["Likes"] < expected["Interactions"]
    shown = {metric.label: metric.value for metric in app.metric}
    assert {label: shown[label] for label in expected} == {
        label: f"{value:,}" for label, value in expected.items()
    }


def lists_by_popularity() -> dict[int, list[int]]:
    """Every user's list of the most liked items outside the history; ties go to the lower position."""
    rows = interactions()
    known = rows[rows["liked"] & rows["fold"].isin((TRAIN, VALIDATION, OUTSIDE))]
    count = np.bincount(known["item"], minlength=len(pd.read_parquet(DEMO / "items.parquet")))
    order = np.argsort(-count, kind="stable").tolist()
    history = known.groupby("user")["item"].agg(set).to_dict()
    return {
        user: [item for item in order if item not in history.get(user, ())][:K]
        for user in range(len(pd.read_parquet(DEMO / "users.parquet")))
    }


def lists_of_the_model() -> dict[int, list[int]]:
    explorer = Explorer.open(DEMO)
    position = {item: place for place, item in enumerate(explorer.items["item_id"])}
    place_of = {user: place for place, user in enumerate(explorer.user_ids)}
    rows = pd.concat(explorer.lists(K, exclude="train")).sort_values(["user_id", "rank"])
    return {
        place_of[user]: [position[item] for item in listed]
        for user, listed in rows.groupby("user_id")["item_id"]
    }


def measured(lists: dict[int, list[int]]) -> dict[str, float]:
    """The measures by their definitions, one user at a time."""
    rows = interactions()
    liked = rows[rows["liked"]]
    wanted = liked[liked["fold"] == TEST].groupby("user")["item"].agg(set).to_dict()
    titles = len(pd.read_parquet(DEMO / "items.parquet"))
    known = np.bincount(liked.loc[liked["fold"] == TRAIN, "item"], minlength=titles)
    people = len(pd.read_parquet(DEMO / "users.parquet"))
    found = []
    for user, relevant in wanted.items():
        hit = [rank for rank, item in enumerate(lists[user], 1) if item in relevant]
        ideal = sum(1 / np.log2(rank + 1) for rank in range(1, min(K, len(relevant)) + 1))
        found.append(
            {
                "recall": len(hit) / len(relevant),
                "ndcg": sum(1 / np.log2(rank + 1) for rank in hit) / ideal,
                "hit": float(bool(hit)),
                "mrr": 1 / hit[0] if hit else 0.0,
                "precision": len(hit) / K,
            }
        )
    shown = np.concatenate([lists[user] for user in wanted])
    return pd.DataFrame(found).mean().to_dict() | {
        "coverage": len(set(shown)) / titles,
        "novelty": float(np.mean(-np.log2(np.maximum(known[shown], 1) / people))),
        "popularity": float(known[shown].mean()),
    }


@pytest.mark.parametrize(
    ("name", "lists"), [("popularity", lists_by_popularity), ("DSKReG", lists_of_the_model)]
)
def test_the_test_metrics_follow_from_the_lists(app: AppTest, name: str, lists) -> None:  # type: ignore[no-untyped-def]
    row = table_with(app, "recommender", "ndcg").set_index("recommender").loc[name]
    for measure, value in measured(lists()).items():
        shown = row[measure].removesuffix(" ★")
        assert float(shown) == pytest.approx(value, abs=0.51 * 10 ** -len(shown.partition(".")[2])), measure


def test_every_recommender_has_a_row_and_the_best_has_the_star(app: AppTest) -> None:
    table, metrics = table_with(app, "recommender", "ndcg").set_index("recommender"), document("metrics")
    runs = {"DSKReG": metrics["metrics"]} | metrics["baselines"]
    assert set(table.index) == set(runs)
    for measure in set(table) - {"popularity"}:
        best = max(run[f"{measure}@{K}"] for run in runs.values())
        assert {name for name, cell in table[measure].items() if "★" in cell} == {
            n for n, run in runs.items() if run[f"{measure}@{K}"] == best
        }


def test_the_captions_name_the_tested_users_and_the_settings_of_the_baselines(app: AppTest) -> None:
    rows = interactions()
    people = rows.loc[rows["liked"] & (rows["fold"] == TEST), "user"].nunique()
    assert f"means over {people:,} users" in said(app)
    for name, settings in document("metrics")["baseline_settings"].items():
        words = said(app).partition(f"{name} (")[2].partition(")")[0]
        assert {
            key: float(value) for key, value in (part.split(" ") for part in words.split(", "))
        } == settings


def test_the_table_of_relations_is_what_the_weights_give(app: AppTest) -> None:
    graph, weights = load_file(DEMO / "graph.safetensors"), load_file(DEMO / "weights.safetensors")
    names, k = document("manifest")["graph_relations"], document("manifest")["config"]["model"]["picks"]
    neighbour, relation = graph["neighbour"].astype(int), graph["relation"].astype(int)
    there = neighbour >= 0
    likes = weights["likes"][np.maximum(neighbour, 0)]
    v = weights["pair_relevance"]
    strengths = np.sqrt(graph["strengths"])
    logit = strengths @ v[: len(names)] + v[-1] * np.log1p(likes) / 5
    own = np.take_along_axis(strengths, relation[..., None], 2)[..., 0]
    logit = 8 * (logit + v[relation] * own)  # dskreg/model/evidence.py: SHARPNESS
    there &= likes > 0  # who has no likes cannot be drawn
    share = np.where(there, np.exp(np.where(there, logit, 0)), 0)
    share /= np.maximum(share.sum(1, keepdims=True), 1e-30)
    picked = np.zeros_like(there)
    np.put_along_axis(
        picked, np.argsort(np.where(there, -logit, np.inf), axis=1, kind="stable")[:, :k], True, axis=1
    )
    picked &= there
    shown = table_with(app, "relation", "candidates").set_index("relation")
    assert set(shown.index) == set(names) and shown["mass"].is_monotonic_decreasing
    for place, name in enumerate(names):
        mine, row = there & (relation == place), shown.loc[name]
        assert row["candidates"] == mine.sum() and row["titles"] == mine.any(1).sum()
        assert row["mean"] == pytest.approx(mine.sum() / len(mine)) and row["weight"] == pytest.approx(
            v[place]
        )
        assert row["mass"] == pytest.approx(100 * (share * mine).sum(1).mean(), rel=1e-3)
        assert row["picks"] == pytest.approx((picked & mine).sum() / len(mine), abs=0.01)
    assert shown["candidates"].sum() == there.sum()
    most = shown["mass"] / 100 - shown["candidates"] / there.sum()
    best = most.idxmax()
    share, mass = shown.loc[best, "candidates"] / there.sum(), shown.loc[best, "mass"]
    assert f"“{best}” has {share:.0%} of the candidates and {mass:.0f}%" in said(app)


def test_only_what_the_reset_test_moves_is_called_learnt(app: AppTest) -> None:
    row = next(row for row in document("metrics")["resets"] if row["part"] == "relevance untrained")
    moves = any(abs(row[group]["change"]) > row[group]["within"] for group in worth.GROUPS if group in row)
    text = said(app)
    assert ("With the weights from before training" in text) == moves
    assert ("no difference was measured" in text) != moves
    helps = [str(element.proto.columns) for element in app.dataframe]
    rest = text.replace("With the weights from before training", "")
    assert not any(re.search(r"learnt|learned|leans|relevant", words) for words in [rest, *helps])


def test_every_part_stands_with_its_change_and_interval(app: AppTest) -> None:
    resets = document("metrics")["resets"][1:]
    shown = table_with(app, "part", "all", "cold").set_index("part")
    assert shown.index.tolist() == [row["part"] for row in resets]
    for row in resets:
        for group in worth.GROUPS:
            cell, measured = shown.loc[row["part"], group], row[group]
            change = float(cell.partition("%")[0].replace("\N{MINUS SIGN}", "-"))
            assert change == pytest.approx(100 * measured["change"], abs=0.0501)
            assert f"± {100 * measured['within']:.1f}%" in cell
            assert ("★" in cell) == (abs(measured["change"]) > measured["within"])


def test_the_evidence_is_told_as_it_was_chosen(app: AppTest) -> None:
    evidence, text = document("metrics")["evidence"], said(app)
    kappa, scale = evidence["kappa"], evidence["scale"]
    assert f"κ = {kappa:g}" in text and f"scale {scale:g}" in text
    assert f"{scale * kappa / (10 + kappa):.2g} at 10 likes" in text
    chart = next(json.loads(c.proto.spec) for c in app.get("plotly_chart") if "cold boost" in c.proto.spec)
    lines = {line["name"]: line for line in chart["data"]}
    assert set(lines) == {"all items", "items with likes", "new items"}
    by_boost = {row["boost"]: row for row in evidence["curve"]}
    change = by_boost[evidence["boost"]]["warm"] / by_boost[0.0]["warm"] - 1
    assert f"items with likes changes by **{signed_percent(change)}**" in text


def test_the_training_history_is_that_of_the_artifact(app: AppTest) -> None:
    history, metrics = document("history"), document("metrics")
    shown = table_with(app, "epoch", "loss")
    assert shown["epoch"].tolist() == list(range(len(history)))
    for column in shown:
        assert shown[column].tolist() == pytest.approx(
            [row[column] if row[column] is not None else np.nan for row in history], nan_ok=True
        )
    best = int(np.argmax([row["hidden"] for row in history]))
    assert best == metrics["best_epoch"]
    assert f"Epoch {best} was best on validation among the hidden items" in said(app)
    assert f"degree exponent {metrics['start']['exponent']:g}" in said(app)
    charts = len(curves.CURVES) + 4
    assert len(app.get("plotly_chart")) == charts, "slices, curves, boost, shares and relations"


def test_settings_versions_and_hashes_are_those_of_the_files(app: AppTest) -> None:
    manifest, run = document("manifest"), document("run")
    files = pairs(app, "File")
    for name in manifest["files"]:
        assert files[name] == hashlib.sha256((DEMO / name).read_bytes()).hexdigest()
    made = pairs(app, "Property")
    assert (
        made["created"] == run["created"]
        and made["seconds"] == f"{run['seconds']['total']:.0f}"
        and made["torch"] == run["versions"]["torch"]
    )
    settings = pairs(app, "Setting")
    assert settings["model.width"] == str(load_file(DEMO / "weights.safetensors")["item_embedding"].shape[1])
    assert settings["graph.candidates"] == str(load_file(DEMO / "graph.safetensors")["neighbour"].shape[1])


def test_what_depends_on_the_artifact_alone_is_drawn_once(
    app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next visitor sees the same, and nothing of it is made again, unless another cutoff is asked for."""
    made: list[object] = []
    monkeypatch.setattr(scoreboard, "comparison", lambda *asked: made.append(asked))
    again = visit("model", cutoff=K, user=40)
    assert not made
    for kind in ("header", "markdown", "metric", "caption"):
        assert [x.value for x in again.get(kind)] == [x.value for x in app.get(kind)]
    assert [c.proto.spec for c in again.get("plotly_chart")] == [
        c.proto.spec for c in app.get("plotly_chart")
    ]
    tables = zip(again.dataframe, app.dataframe, strict=True)
    assert all(one.value.equals(other.value) for one, other in tables) and len(app.dataframe) > 8


def test_another_theme_is_drawn_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """The text of charts has the theme's colour."""
    drawn: list[str] = []

    def draw() -> None:
        drawn.append(st.context.theme.type)

    for theme in ("light", "dark", "light"):
        monkeypatch.setattr(st, "context", SimpleNamespace(theme=SimpleNamespace(type=theme)))
        draw_once(draw)
    assert drawn == ["light", "dark"]
