"""The measuring scripts that no other test runs: small, on the CPU, and what they say where there is nothing
to measure.
"""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import gpu, growth, large, scale, speed
from dskreg.config import PRESETS
from dskreg.graph.candidates import build
from dskreg.model import sampling
from tests.small import DEMO
from tests.worlds import EVERYTHING, checkerboard

ROOT = Path(__file__).parents[1]


def test_the_slope_of_a_line_is_one_and_of_a_square_two() -> None:
    rows = [{"likes": n, "items": n**0.5, "epoch_s": 3e-6 * n} for n in (1e5, 2e5, 4e5, 8e5)]
    assert growth.slope(rows, "epoch_s") == pytest.approx(1)
    assert growth.slope(rows, "epoch_s", "items") == pytest.approx(2)


def test_figures_are_read_from_what_the_stages_say() -> None:
    assert growth.number(r"([\d,]+) training likes", "3,614,072 training likes") == 3_614_072
    with pytest.raises(AssertionError):
        growth.number(r"([\d,]+) likes", "nothing")


def test_one_user_is_measured_with_and_without_the_exact_probabilities(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[bool] = []
    exact = sampling.inclusion_probability
    monkeypatch.setattr(sampling, "inclusion_probability", lambda *of: (asked.append(True), exact(*of))[1])
    for name, value in (("ROUNDS", 1), ("PEOPLE", 2)):
        monkeypatch.setattr(speed, name, value)
    assert [row.met is None for row in speed.person(DEMO)] == [True, False, True, False]
    assert len(asked) == 3 * 2, "one uncounted and two users, item and user side, each anew"


def test_the_card_s_measurement_runs_on_the_cpu_too() -> None:
    data = checkerboard(24, 20)
    base = PRESETS["default"]
    config = replace(base, model=replace(base.model, width=8), train=replace(base.train, device="cpu"))
    found = gpu.measure(data, build(data, EVERYTHING), config)
    assert (found.device, found.peak_mb) == ("cpu", 0.0)
    assert min(found.epoch_s, found.pairs_per_s, found.users_per_s) > 0


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_without_a_card_the_script_says_so() -> None:
    told = subprocess.run(
        [sys.executable, "benchmarks/gpu.py"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert told.returncode == 1 and "no CUDA card" in told.stderr and "Traceback" not in told.stderr


def test_the_stages_of_a_large_set_hand_on_what_they_made(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = sorted(
        {(int(u), int(i)) for u, i in zip(rng.integers(1, 40, 900), rng.integers(1, 31, 900), strict=True)}
    )
    (tmp_path / "anime.csv").write_text(
        "anime_id,name,genre,type,episodes,rating,members\n"
        + "".join(f"{i},Title {i},Genre{i % 3},TV,12,7.5,100\n" for i in range(1, 31))
    )
    (tmp_path / "rating.csv").write_text(
        "user_id,anime_id,rating\n" + "".join(f"{u},{i},9\n" for u, i in rows)
    )
    figures = large.measure(tmp_path, ["read", "split", "graph", "train", "evaluate"])
    assert [figure.stage for figure in figures] == ["read", "split", "graph", "train", "evaluate"]
    assert (
        figures[0].size.startswith(f"{len(rows):,} rows")
        and "one epoch" in figures[3].size
        and "users against 30 items" in figures[4].size
    )


@pytest.mark.parametrize("varied", [False, True])
def test_a_made_up_catalogue_is_like_a_real_one(varied: bool) -> None:
    """As many sets of genres as the anime sample has, or nearly one an item."""
    data = scale.catalogue(12_294, varied)
    head, tail = (x[data.relation == data.relations.index("genre")] for x in (data.head, data.tail))
    assert 0.3 < np.bincount(tail).max() / 12_294 < 0.45 and 4 < len(head) / 12_294 < 6
    sets = len({part.tobytes() for part in np.split(tail, np.flatnonzero(np.diff(head)) + 1)})
    assert 6_000 < sets < 12_294 if varied else 2_000 < sets < 3_600  # 3,265 in the anime sample


def test_every_relation_of_a_made_up_catalogue_connects_items() -> None:
    graph = build(scale.catalogue(600), PRESETS["default"].graph)
    assert set(graph.relations) == set(scale.RELATIONS) and (graph.neighbour >= 0).all()


def test_what_a_graph_and_a_start_cost_is_told_with_their_sizes() -> None:
    found = scale.of_graph(500) | scale.of_start(5_000) | scale.of_embeddings(5_000)
    assert (found["items"], found["users"]) == (50, 50) and 500 < found["likes"] < 5_000
    assert min(found["graph_peak_mb"], found["choose_peak_mb"], found["embeddings_peak_mb"]) > 0


def test_figures_stay_beside_those_of_other_sizes(tmp_path: Path) -> None:
    path, rows = tmp_path / "scale.json", [{"items": n, "graph_s": n / 10} for n in (30, 10)]
    for row in ({"items": 10, "graph_s": 5.0}, *rows):
        scale.keep(path, "graph", row)
    scale.keep(path, "start", rows[0])
    assert path.read_bytes().endswith(b"}\n")
    assert json.loads(path.read_text("utf-8")) == {"graph": rows[::-1], "start": rows[:1]}


def test_the_figures_of_scale_are_those_that_its_commands_wrote() -> None:
    text, found, grown = (
        (ROOT / name).read_text("utf-8")
        for name in ("docs/scale.md", "benchmarks/scale.json", "benchmarks/growth.json")
    )
    of, grown = json.loads(found), json.loads(grown)
    rows: dict[str, list[str]] = {}
    for what, sizes in (("graph", ("items", "triples", "candidates")), ("embeddings", ("training likes",))):
        spent = {
            "CPU seconds": f"{what}_cpu_s",
            "wall seconds": f"{what}_s",
            "peak memory, MB": f"{what}_peak_mb",
        }
        for label in (*sizes, *spent):
            name = spent.get(label, label.removeprefix("training "))
            rows[f"{what} {label}"] = [label, *(f"{round(row[name]):,}" for row in of[what])]
    for label, name in (("read", "read_s"), ("split", "split_s"), ("candidate graph", "graph_s")):
        rows[label] = [label, *(f"{row[name]:.2f}" for row in grown["rows"])]
    for row in rows.values():
        assert f"| {' | '.join(row)} |" in text
    slopes = [grown["slopes"][name] for name in ("read_s", "split_s", "graph_s")]
    varied, start = of["varied"][0], of["start"][0]
    for sentence in (
        "are {:.2f} for reading, {:.2f} for the split and {:.2f} for the graph".format(*slopes),
        f"log(items) is {growth.slope(of['graph'], 'graph_cpu_s', 'items'):.2f}",
        f"log(likes) is {growth.slope(of['embeddings'], 'embeddings_cpu_s'):.2f}",
        f"{varied['graph_cpu_s']} CPU seconds and {varied['graph_peak_mb']:,} MB",
        f"took {start['choose_cpu_s']} CPU seconds, and the embeddings {start['embeddings_cpu_s']}",
    ):
        assert sentence in text
