"""The sampler at every epoch: the logits again, the files, and the history of one item."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from dskreg.console import silent
from dskreg.explorer import Explorer
from dskreg.model.dskreg import DSKReG
from dskreg.model.sampling import inclusion_probability
from dskreg.model.snapshots import sampler_state, with_sampler
from dskreg.pipeline import run
from dskreg.serving.new_items import add
from dskreg.serving.new_titles import read
from dskreg.storage import artifact as artifacts
from dskreg.storage import snapshots as stored
from dskreg.storage.snapshots import Snapshots
from dskreg.training.trainer import train
from tests.command_line import tiny_data
from tests.small import DEMO
from tests.tiny_runs import settings, small


@pytest.mark.parametrize("name", ["default", "paper"])
def test_the_logits_of_every_epoch_follow_from_its_snapshot(name: str) -> None:
    data, graph = small()
    logits: list[Tensor] = []
    states: list[dict[str, np.ndarray]] = []
    everything = torch.arange(len(data.items))

    def report(epoch: object, model: DSKReG) -> None:
        with torch.no_grad():
            logits.append(model.item_logits(everything).clone())
        states.append(sampler_state(model))

    trained = train(data, graph, settings(name, epochs=3, patience=9), report=report)
    assert len(logits) == 4 and not torch.equal(logits[0], logits[3])
    for expected, state in zip(logits, states, strict=True):
        found = with_sampler(trained.model, state).item_logits(everything)
        assert torch.equal(torch.isfinite(found), torch.isfinite(expected))
        there = torch.isfinite(expected)
        torch.testing.assert_close(found[there], expected[there])


def made(out: Path, name: str, resume: bool = False, refit: bool = True) -> artifacts.Artifact:
    config = settings(name, epochs=3, patience=9)
    config = replace(
        config,
        train=replace(config.train, refit=refit),
        projection=replace(config.projection, iterations=10, users=5),
    )
    source = out.parent / "data"
    if not source.exists():
        tiny_data(source)
    found = run(str(source), out, config, resume, False, lambda line: None, silent, lambda epoch: None)
    assert found is not None
    return artifacts.load(out)


@pytest.mark.parametrize("name, refit", [("default", True), ("paper", False)])
def test_the_artifact_keeps_the_epochs_of_the_model_that_it_serves(
    name: str, refit: bool, tmp_path: Path
) -> None:
    artifact = made(tmp_path / "made", name, refit=refit)
    assert artifact.snapshots is not None
    best = artifact.metrics["best_epoch"]
    last = best if refit else artifact.history[-1]["epoch"]
    assert artifact.snapshots["epoch"].tolist() == list(range(last + 1))
    if not refit:
        entropy = [row["entropy"] for row in artifact.history]
        assert artifact.snapshots["entropy"].tolist() == pytest.approx(entropy, abs=1e-6)
    explorer = Explorer.open(tmp_path / "made")
    item = explorer.items.loc[explorer.items["candidates"].idxmax(), "item_id"]
    found = explorer.sampler_history(item)
    assert found is not None and found.served == best
    rows = explorer.explain(explorer.profile(explorer.user_ids[0]), item).item_neighbours
    served = rows.set_index(["item_id", "relation"])["inclusion_probability"]
    keys = list(zip(found.candidates["item_id"], found.candidates["relation"], strict=True))
    assert found.probability[found.place(best)] == pytest.approx(served[keys].to_numpy(), abs=1e-5)
    assert not list(tmp_path.glob(".*")), "the files of the run are gone"


def test_a_run_that_is_resumed_has_the_snapshots_of_an_uninterrupted_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = made(tmp_path / "whole", "default", refit=False)
    keep = Snapshots.keep

    def stopped(self: Snapshots, epoch: int, entropy: float, state: Mapping[str, np.ndarray]) -> None:
        if epoch == 2:
            raise KeyboardInterrupt
        keep(self, epoch, entropy, state)

    monkeypatch.setattr(Snapshots, "keep", stopped)
    with pytest.raises(KeyboardInterrupt):
        made(tmp_path / "part", "default", refit=False)
    monkeypatch.undo()
    resumed = made(tmp_path / "part", "default", resume=True, refit=False)
    assert whole.snapshots is not None and resumed.snapshots is not None
    for name, values in whole.snapshots.items():
        np.testing.assert_array_equal(resumed.snapshots[name], values)


def test_a_long_run_keeps_every_nth_epoch_counted_from_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = Snapshots(tmp_path / "run")
    assert kept.read(3, 0) is None
    for epoch in range(8):
        kept.keep(epoch, 0.5, {"item_logit": np.full(9, epoch, dtype=np.float32)})
    monkeypatch.setattr(stored, "MOST", 40)  # of 8 x 10 numbers
    found = kept.read(6, 4)
    assert found is not None and found["epoch"].tolist() == [0, 2, 4, 6]
    assert found["item_logit"][:, 0].tolist() == [0, 2, 4, 6] and found["entropy"].shape == (4,)
    of_best = kept.read(6, 3)
    assert of_best is not None and of_best["epoch"].tolist() == [0, 2, 3, 4, 6], "the best is always kept"
    (tmp_path / "run" / "4.safetensors").write_bytes(b"cut")
    (tmp_path / "run" / "2.safetensors").unlink()
    found = kept.read(6, 4)
    assert found is not None and found["epoch"].tolist() == [0, 6], "what cannot be read is left out"


def test_the_model_without_the_refit_gets_the_snapshots_of_its_own_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The refit failed, and the run goes on without it, as the message of a divergence says."""
    whole = made(tmp_path / "whole", "default", refit=False)
    monkeypatch.setattr("dskreg.pipeline.measure", broken)
    with pytest.raises(ZeroDivisionError):
        made(tmp_path / "made", "default")
    monkeypatch.undo()
    kept = made(tmp_path / "made", "default", resume=True, refit=False).snapshots
    assert kept is not None and whole.snapshots is not None and kept.keys() == whole.snapshots.keys()
    for name, array in whole.snapshots.items():
        np.testing.assert_array_equal(kept[name], array)


def broken(*_: object) -> None:
    raise ZeroDivisionError


def test_new_items_have_a_logit_of_0_at_every_epoch_of_the_papers_form(tmp_path: Path) -> None:
    first = made(tmp_path / "made", "paper", refit=False)
    table = first.dataset.items.head(1).assign(
        item_id=["new"] if first.dataset.items["item_id"].dtype == object else [10**6]
    )
    (tmp_path / "new.csv").write_text(table[["item_id", "title"]].to_csv(index=False))
    added = add(first, read(tmp_path / "new.csv", first.dataset), "new.csv").artifact
    artifacts.save(added, tmp_path / "more")
    kept = artifacts.load(tmp_path / "more").snapshots
    assert kept is not None and not kept["item_logit"][:, -1].any()
    np.testing.assert_array_equal(kept["item_logit"][:, :-1], (first.snapshots or {})["item_logit"])


def test_an_artifact_without_snapshots_opens_and_says_so(tmp_path: Path) -> None:
    artifacts.save(replace(artifacts.load(DEMO), snapshots=None), tmp_path / "older")
    assert artifacts.SNAPSHOTS not in {path.name for path in (tmp_path / "older").iterdir()}
    explorer = Explorer.open(tmp_path / "older")
    assert explorer.sampler_history(explorer.items["item_id"][0]) is None


def test_the_bundled_demo_keeps_all_its_epochs_in_less_than_a_megabyte() -> None:
    explorer = Explorer.open(DEMO)
    assert (DEMO / artifacts.SNAPSHOTS).stat().st_size < 1_000_000
    core, item = explorer.core, explorer.items["item_id"][5]
    found = explorer.sampler_history(item)
    assert found is not None and found.epochs["epoch"].tolist() == list(range(found.served + 1))
    # By hand: v . f + v_r f_r at one epoch, sharpened
    assert core.artifact.snapshots is not None
    v = core.artifact.snapshots["pair_relevance"][7].astype(float)
    there = np.flatnonzero(core.graph.neighbour[5] >= 0)
    neighbour, relation = core.graph.neighbour[5][there], core.graph.relation[5][there]
    strong = np.sqrt(core.graph.strengths[5][there].astype(float))
    likes = np.log1p(core.artifact.weights["likes"][neighbour].astype(float)) / 5
    a = strong @ v[:-1] + likes * v[-1] + v[relation] * strong[np.arange(len(there)), relation]
    expected = inclusion_probability(8 * a, explorer.defaults["picks"])
    keys = [
        (core.items["item_id"][j], core.graph.relations[r]) for j, r in zip(neighbour, relation, strict=True)
    ]
    order = [
        keys.index(key) for key in zip(found.candidates["item_id"], found.candidates["relation"], strict=True)
    ]
    assert found.probability[7] == pytest.approx(expected[order], abs=1e-3)
    weights = found.weights.pivot(index="epoch", columns="relation", values="weight")
    assert weights.loc[7, core.graph.relations[2]] == pytest.approx(v[2])
    statistics = explorer.graph_statistics().set_index("relation")["weight"]
    assert weights.loc[found.served].to_dict() == pytest.approx(statistics.to_dict())
