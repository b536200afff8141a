"""A split of the owner's in plain tables, kept as it is, and kept out of the final model where asked."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dskreg.config import DataConfig
from dskreg.data import own_split
from dskreg.data.dataset import SEEN, TEST, TRAIN, UNASSIGNED, VALIDATION, Dataset
from dskreg.data.split import split
from dskreg.graph.candidates import build
from dskreg.storage import artifact as artifacts
from dskreg.training.trainer import train
from tests.data.test_plain import complaint, read, world
from tests.data.test_plain_settings import dskreg
from tests.tiny_runs import weights

HEAD = "user,item,rating,timestamp\n"
PARTS = {
    "train_csv": f"{HEAD}a,x,5,1\na,y,5,2\na,y,4,3\nb,x,5,4\nb,z,2,5\n",
    "valid_csv": f"{HEAD}a,z,5,6\nb,y,4,7\n",
    "test_csv": f"{HEAD}a,w,5,8\nb,w,4,9\nb,x,1,9\n",
}
KEPT = {
    **{("a", "x"): TRAIN, ("a", "y"): TRAIN, ("b", "x"): TRAIN, ("b", "z"): SEEN},
    **{("a", "z"): VALIDATION, ("b", "y"): VALIDATION, ("a", "w"): TEST, ("b", "w"): TEST},
}


def folds(data: Dataset) -> dict[tuple[str, str], int]:
    data, ids = split(data, DataConfig(core=50)), data.items["item_id"].tolist()
    return {
        (data.user_ids[u], ids[i]): int(fold)
        for u, i, fold in zip(data.user, data.item, data.fold, strict=True)
    }


def test_the_parts_are_kept_as_folds(tmp_path: Path) -> None:
    data = read(world(tmp_path, **PARTS, ratings_csv=PARTS["train_csv"], items_csv="item,title\nx,X\ny,Y\n"))
    assert folds(data) == KEPT and data.name == tmp_path.name
    assert {
        "plain tables: interactions in train.csv, valid.csv, test.csv, items in items.csv",
        "the split into these files is kept",
        "tables that are not read: ratings.csv",
        "1 row of train.csv, valid.csv, test.csv with a user and item that come again: dropped, the latest "
        "is kept",
        "1 pair in several of train.csv, valid.csv, test.csv: kept in the first",
    } <= set(data.notes)


@pytest.mark.parametrize(
    "names",
    [("train", "val", "test"), ("ml.train", "ml.dev", "ml.test"), ("TRAIN_1", "validation_1", "Test_1")],
)
def test_parts_of_any_name_and_ending(tmp_path: Path, names: tuple[str, str, str]) -> None:
    for name, ending, content in zip(names, ("csv", "tsv", "parquet"), PARTS.values(), strict=True):
        if ending == "parquet":
            rows = [line.split(",") for line in content.splitlines()]
            frame = pd.DataFrame(rows[1:], columns=rows[0])
            frame.astype({"rating": float, "timestamp": int}).to_parquet(tmp_path / f"{name}.{ending}")
        else:
            (tmp_path / f"{name}.{ending}").write_text(content.replace(",", "," if ending == "csv" else "\t"))
    assert folds(read(tmp_path)) == KEPT


def test_without_validation_it_is_dealt_out_of_training(tmp_path: Path) -> None:
    rows = "".join(f"a,i{n},5,{n}\n" for n in range(8))
    data = read(world(tmp_path, train_csv=HEAD + rows, test_csv=f"{HEAD}a,j,5,9\n"))
    found = folds(data)
    assert found.pop(("a", "j")) == TEST and sorted(found.values()) == [TRAIN] * 7 + [VALIDATION]


def test_a_file_to_predict_is_no_part(tmp_path: Path) -> None:
    """As competitions have it: test.csv without ratings."""
    data = read(world(tmp_path, train_csv=PARTS["train_csv"], test_csv="user,item\na,w\n"))
    assert (data.fold == UNASSIGNED).all() and data.items["item_id"].tolist() == ["x", "y", "z"]
    assert "test.csv is not read: no part of the split, it lacks rating of train.csv" in data.notes


def test_the_settings_name_the_parts_or_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = world(tmp_path, **PARTS)
    assert dskreg("inspect", folder, "--write") == 0
    assert "valid.csv: interactions for validation" in capsys.readouterr().out
    draft = tomllib.loads((folder / "dataset.toml").read_text())
    assert [draft[key] for key in ("interactions", "validation", "test")] == [
        "train.csv",
        "valid.csv",
        "test.csv",
    ]
    assert folds(read(folder)) == KEPT
    for name in ("train", "valid", "test"):
        (folder / f"{name}.csv").rename(folder / f"{name[0]}.csv")
    (folder / "dataset.toml").write_text('interactions = "t.csv"\ntest = "v.csv"\nvalidation = ""\n')
    assert folds(read(folder))[("a", "z")] == TEST
    (folder / "dataset.toml").write_text('interactions = "t.csv"\n')
    assert TEST not in read(folder).fold
    (folder / "dataset.toml").write_text('test = "t.csv"\n')
    assert complaint(folder) == "dataset.toml: test: name the table of training too, as interactions"
    (folder / "dataset.toml").write_text('interactions = "t.csv"\ntest = "x.csv"\n')
    (folder / "x.csv").write_text("user,item\na,x\n")
    assert complaint(folder) == "dataset.toml: test: x.csv is no part of the split, it lacks rating of t.csv"


def test_what_is_a_split_set() -> None:
    def found(*names: str) -> dict[str, int]:
        return own_split.folds(own_split.parts(names))

    assert found("test.csv", "train.csv") == {"train.csv": UNASSIGNED, "test.csv": TEST}
    assert found("a.train.x", "a_train.x", "a.test.x") == {"a.train.x": UNASSIGNED, "a.test.x": TEST}
    for names in (
        ("train.csv",),
        ("test.csv", "valid.csv"),
        ("training_set.csv", "latest.csv"),
        ("a.train.x", "b.test.x"),
    ):
        assert found(*names) == {}, names
    assert found("a.train.x", "a.test.x", "b.train.x", "b.test.x") == {}


def test_refit_false_keeps_validation_out_of_the_final_model(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows: dict[str, list[str]] = {"train": [], "valid": [], "test": []}
    for user in range(12):
        for n, item in enumerate(rng.permutation(10)[:7]):
            rows["test" if n == 0 else "valid" if n == 1 else "train"].append(f"u{user},i{item}")
    items = "".join(f"i{n},Item {n},{('soup', 'cake')[n % 2]}\n" for n in range(10))
    tables = {f"{name}_csv": "user,item\n" + "\n".join(lines) for name, lines in rows.items()}
    folder = world(tmp_path / "data", **tables, items_csv=f"item,title,kind\n{items}")
    quick = ["--epochs", "1", "--no-baselines", "--set", "graph.min_items=1"]
    quick += ["--set", "model.width=8", "--set", "projection.iterations=50"]
    made = {}
    for refit in ("false", "true"):
        assert (
            dskreg("train", folder, "--out", tmp_path / refit, *quick, "--set", f"train.refit={refit}") == 0
        )
        made[refit] = artifacts.load(tmp_path / refit)
    config, data = made["false"].config, made["false"].dataset
    assert int(data.folds.train.sum()) == len(rows["train"]) and int(data.folds.validation.sum()) == 12
    graph = build(data, config.graph, config.seed)  # of the training likes alone
    alone = weights(train(data, graph, config).model)

    def as_alone(artifact: artifacts.Artifact) -> bool:
        return all(np.array_equal(artifact.weights[name], value) for name, value in alone.items())

    assert as_alone(made["false"]) and not as_alone(made["true"])
