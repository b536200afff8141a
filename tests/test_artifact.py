"""An artifact is whole or absent, and refused in words when anything in it was touched."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dskreg.config import PRESETS
from dskreg.errors import InputError
from dskreg.evaluation.ranking import noise_free, picks_of
from dskreg.explorer import Explorer
from dskreg.graph.candidates import CandidateGraph
from dskreg.model.evidence import model_of
from dskreg.storage import artifact as artifacts
from dskreg.storage.tensors import weights
from tests.small import DEMO


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DEMO, tmp_path / "copy"))


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    first = artifacts.load(DEMO)
    artifacts.save(first, tmp_path / "again")
    again = artifacts.load(tmp_path / "again")
    complete = {"config": first.config.to_json(), "content": again.manifest["content"]}
    assert again.manifest == first.manifest | complete  # an older one lacks newer settings
    assert again.config == first.config and again.metrics == first.metrics and again.history == first.history
    assert all(np.array_equal(first.weights[k], again.weights[k]) for k in first.weights)
    assert np.array_equal(first.graph.neighbour, again.graph.neighbour)
    assert first.dataset.items.equals(again.dataset.items)


def test_the_picks_it_keeps_are_those_that_its_model_draws() -> None:
    core = Explorer.open(DEMO).core
    drawn = picks_of(noise_free(core.model))
    assert all(np.array_equal(core.artifact.picks[name], drawn[name]) for name in ("neighbour", "relation"))
    assert (drawn["neighbour"] >= 0).all(1).mean() > 0.9


@pytest.mark.parametrize("name", [*artifacts.FILES, artifacts.MANIFEST])
@pytest.mark.parametrize("harm", ["flip", "truncate", "remove"])
def test_a_harmed_file_is_refused_by_name(copy: Path, name: str, harm: str) -> None:
    path = copy / name
    content = bytearray(path.read_bytes())
    if harm == "flip":
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    elif harm == "truncate":
        path.write_bytes(content[: len(content) // 2])
    else:
        path.unlink()
    with pytest.raises(InputError, match=name.replace(".", r"\.")):
        artifacts.load(copy)


def test_a_file_of_another_artifact_is_refused(copy: Path, tmp_path: Path) -> None:
    other = artifacts.load(DEMO)
    artifacts.save(replace(other, weights={k: v + 1 for k, v in other.weights.items()}), tmp_path / "other")
    shutil.copy(tmp_path / "other" / "weights.safetensors", copy)
    with pytest.raises(InputError, match=r"weights\.safetensors"):
        artifacts.load(copy)


def test_a_foreign_version_is_refused(copy: Path) -> None:
    manifest = json.loads((copy / artifacts.MANIFEST).read_text())
    (copy / artifacts.MANIFEST).write_text(json.dumps(manifest | {"format": 99}))
    with pytest.raises(InputError, match="version 99"):
        artifacts.load(copy)


def test_an_altered_configuration_is_refused(copy: Path) -> None:
    manifest = json.loads((copy / artifacts.MANIFEST).read_text())
    manifest["config"]["seed"] += 1
    (copy / artifacts.MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(InputError, match="altered"):
        artifacts.load(copy)


def test_a_failed_save_leaves_the_old_artifact(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = artifacts.load(copy)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(artifacts.pq, "write_table", full)
    with pytest.raises(InputError, match="No space left"):
        artifacts.save(before, copy)
    assert artifacts.load(copy).manifest == before.manifest
    assert os.listdir(copy.parent) == [copy.name]


def test_a_folder_that_is_no_artifact_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="no artifact"):
        artifacts.save(artifacts.load(DEMO), tmp_path)
    assert (tmp_path / "thesis.txt").exists()


def test_what_does_not_fit_is_not_saved(copy: Path) -> None:
    made = artifacts.load(copy)
    expected = f"expected {len(made.item_map)} rows, one for each of the items"
    with pytest.raises(InputError, match=rf"copy/item_map\.parquet: {expected} \(got 5\)"):
        artifacts.save(replace(made, item_map=made.item_map.head(5)), copy)
    assert artifacts.load(copy).manifest == made.manifest and os.listdir(copy.parent) == [copy.name]


def test_every_file_has_the_mode_of_a_new_file(tmp_path: Path) -> None:
    made = artifacts.load(DEMO)
    for mask in (0o022, 0o077, 0o002):
        before = os.umask(mask)
        try:
            artifacts.save(made, tmp_path / "saved")
        finally:
            os.umask(before)
        modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "saved").iterdir()}
        assert len(modes) == len(artifacts.FILES) + 1 and set(modes.values()) == {0o666 & ~mask}


@pytest.mark.parametrize("preset", ["default", "paper"])
def test_the_declared_weights_are_the_models(preset: str) -> None:
    config = replace(PRESETS[preset].model, width=4)
    sizes = {"items": 3, "users": 5, "graph relations": 2, "pair features": 3, "width": 4, "1": 1, "3": 3}
    graph = CandidateGraph(
        ("a", "b"), np.zeros((3, 1), np.int32), np.zeros((3, 1), np.int16), np.zeros((3, 1, 2), np.float32)
    )
    made = {name: tuple(value.shape) for name, value in model_of(config, graph, 5).state_dict().items()}
    assert {name: tuple(sizes[part] for part in form.shape) for name, form in weights(config).items()} == made
