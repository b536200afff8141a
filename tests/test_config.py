"""Settings: what goes in comes out, and what is wrong is refused in words that name it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from dskreg.config import PRESETS, Config, DataConfig, GraphConfig, ModelConfig, ProjectionConfig, TrainConfig, preset, setting_paths
from dskreg.errors import InputError


@pytest.mark.parametrize("config", [*PRESETS.values(), replace(Config(), graph=GraphConfig(without=("genre", "co-liked")))], ids=[*PRESETS, "changed"])
def test_json_and_back(config: Config) -> None:
    assert Config.from_json(json.loads(json.dumps(config.to_json()))) == config


def test_every_path_can_be_set_to_its_own_value() -> None:
    for name in PRESETS:
        config = preset(name)
        for path in setting_paths():
            value: Any = config
            for part in path.split("."):
                value = getattr(value, part)
            text = ",".join(value) if isinstance(value, tuple) else str(value)
            assert config.override(path, text) == config, path


@pytest.mark.parametrize(
    "path, text, value",
    [
        ("model.width", "64", 64),
        ("train.learning_rate", "1e-2", 0.01),
        ("model.gates", "false", False),
        ("graph.without", "genre, co-liked", ("genre", "co-liked")),
        ("graph.without", "", ()),
        ("model.relaxation", "soft", "soft"),
        ("seed", "7", 7),
    ],
)
def test_override(path: str, text: str, value: Any) -> None:
    changed: Any = Config().override(path, text)
    section, _, name = path.rpartition(".")
    assert getattr(getattr(changed, section) if section else changed, name) == value
    assert changed.to_json() != Config().to_json() or value == ()


@pytest.mark.parametrize(
    "path, text, message",
    [
        ("model.widht", "64", "unknown setting 'model.widht'; did you mean 'model.width'?"),
        ("width", "64", "unknown setting 'width'"),
        ("model", "64", "unknown setting 'model'"),
        ("to_json", "64", "unknown setting 'to_json'"),
        ("model.width.x", "64", "unknown setting 'model.width.x'"),
        ("model.width", "many", "setting model.width: expected int (got 'many')"),
        ("model.width", "1.5", "setting model.width: expected int (got '1.5')"),
        ("model.width", "0", "setting model.width: expected at least 1 (got 0)"),
        ("model.temperature", "0", "setting model.temperature: expected more than 0"),
        ("model.temperature", "nan", "setting model.temperature: expected more than 0"),
        ("model.prior_start", "nan", "setting model.prior_start: expected a finite number (got nan)"),
        ("data.like_threshold", "-inf", "setting data.like_threshold: expected a finite number (got -inf)"),
        ("__class__.seed", "1", "unknown setting '__class__.seed'"),
        ("model.gates", "maybe", "setting model.gates: expected true or false (got 'maybe')"),
        ("model.relaxation", "hard", "setting model.relaxation: expected one of straight-through, soft (got 'hard')"),
        ("train.objective", "bce", "setting train.objective: expected one of softmax, bpr (got 'bce')"),
    ],
)
def test_override_refuses(path: str, text: str, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)) as error:
        Config().override(path, text)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "kind, setting",
    [
        (DataConfig, {"core": 0}),
        (DataConfig, {"validation": 0.0}),
        (DataConfig, {"test": 0.0}),
        (DataConfig, {"validation": 0.5, "test": 0.5}),
        (GraphConfig, {"candidates": 0}),
        (GraphConfig, {"max_relations": -1}),
        (GraphConfig, {"max_share": 0.0}),
        (GraphConfig, {"max_share": 1.1}),
        (ModelConfig, {"width": 0}),
        (ModelConfig, {"picks": 0}),
        (ModelConfig, {"user_picks": 0}),
        (ModelConfig, {"temperature": -0.1}),
        (ModelConfig, {"gate_start": 0.0}),  # its logarithm is the parameter
        (TrainConfig, {"epochs": -1}),
        (TrainConfig, {"patience": 0}),
        (TrainConfig, {"batch": 0}),
        (TrainConfig, {"validation_users": 0}),
        (TrainConfig, {"learning_rate": 0.0}),
        (TrainConfig, {"hide_least": 0.0}),
        (TrainConfig, {"weight_decay": 1.0}),
        (TrainConfig, {"weight_decay": -0.001}),
        (TrainConfig, {"hide_least": 0.6, "hide_most": 0.5}),
        (TrainConfig, {"hide_most": 1.0}),
        (ProjectionConfig, {"perplexity": 0.0}),
        (Config, {"seed": -1}),  # numpy's generators refuse it, torch's read it as another number
        (DataConfig, {"split_seed": -1}),
    ],
    ids=str,
)
def test_impossible_values_are_refused_by_name(kind: type, setting: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="|".join(setting)):
        kind(**setting)


@pytest.mark.parametrize(
    "document, message",
    [
        ([], "setting config: expected a JSON object (got [])"),
        ({"sed": 1}, "setting config: expected known settings (got ['sed'])"),
        ({"seed": True}, "setting seed: expected int (got True)"),
        ({"seed": "1"}, "setting seed: expected int (got '1')"),
        ({"model": 3}, "setting model.: expected a JSON object (got 3)"),
        ({"model": {"width": 8.0}}, "setting model.width: expected int (got 8.0)"),
        ({"model": {"user": "both"}}, "setting model.user: expected one of items, free (got 'both')"),
        ({"graph": {"without": "genre"}}, "setting graph.without: expected a list of names (got 'genre')"),
        ({"graph": {"without": [1]}}, "setting graph.without: expected a list of names (got [1])"),
        ({"train": {"epochs": -1}}, "setting train.epochs: expected at least 0 (got -1)"),
        ({"data": {"like_threshold": 10**400}}, "setting data.like_threshold: expected a finite number (got 1000"),
        ({"data": {"like_threshold": float("nan")}}, "setting data.like_threshold: expected a finite number (got nan)"),
    ],
)
def test_from_json_refuses(document: Any, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        Config.from_json(document)


def test_a_whole_number_is_a_float_too() -> None:
    assert Config.from_json({"data": {"like_threshold": 8}}).data.like_threshold == 8.0


def test_an_unknown_preset_is_refused() -> None:
    with pytest.raises(InputError, match=re.escape("unknown preset 'papper': expected one of default, paper")):
        preset("papper")


def test_the_paper_preset_is_the_publication() -> None:
    paper = preset("paper")
    assert (paper.model.picks, paper.model.temperature, paper.graph.candidates, paper.model.width) == (8, 0.1, 500, 16)
    assert (paper.train.objective, paper.train.l2, paper.model.user, paper.model.activation) == ("bpr", 1e-3, "free", "tanh")
    assert not paper.model.gates and not paper.model.prior
