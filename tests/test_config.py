"""Settings: values that go in come out, and a wrong one is refused in words that name it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dskreg.config import (
    PRESETS,
    Config,
    DataConfig,
    GraphConfig,
    ModelConfig,
    TrainConfig,
    preset,
    setting_paths,
)
from dskreg.errors import InputError


@pytest.mark.parametrize(
    "config",
    [*PRESETS.values(), replace(Config(), graph=GraphConfig(without=("genre", "type")))],
    ids=[*PRESETS, "changed"],
)
def test_presets_survive_json(config: Config) -> None:
    assert Config.from_json(json.loads(json.dumps(config.to_json()))) == config


@pytest.mark.parametrize(
    "path, text, value",
    [
        ("model.width", "64", 64),
        ("train.learning_rate", "1e-2", 0.01),
        ("train.refit", "false", False),
        ("graph.without", "genre, type", ("genre", "type")),
        ("graph.without", "", ()),
        ("model.relaxation", "soft", "soft"),
        ("seed", "7", 7),
        ("data.like_threshold", "none", None),
        ("data.like_threshold", "3.5", 3.5),
        ("data.split", "time:2018-01-31", "time:2018-01-31"),
    ],
)
def test_override_reads_numbers_words_and_lists(path: str, text: str, value: Any) -> None:
    changed: Any = Config().override(path, text)
    section, _, name = path.rpartition(".")
    assert getattr(getattr(changed, section) if section else changed, name) == value
    assert (changed == Config()) == (value in ((), None))


@pytest.mark.parametrize(
    "path, text, message",
    [
        ("model.widht", "64", "unknown setting 'model.widht'; did you mean 'model.width'?"),
        ("width", "64", "unknown setting 'width'"),
        ("model", "64", "unknown setting 'model'"),
        ("to_json", "64", "unknown setting 'to_json'"),
        ("model.width.x", "64", "unknown setting 'model.width.x'"),
        ("model.width", "many", "setting model.width: expected a whole number (got 'many')"),
        ("model.width", "1.5", "setting model.width: expected a whole number (got '1.5')"),
        ("model.width", "0", "setting model.width: expected at least 1 (got 0)"),
        ("model.temperature", "0", "setting model.temperature: expected at least 0.0001 (got 0.0)"),
        ("model.temperature", "nan", "setting model.temperature: expected a finite number (got nan)"),
        ("data.like_threshold", "-inf", "setting data.like_threshold: expected a finite number (got -inf)"),
        ("__class__.seed", "1", "unknown setting '__class__.seed'"),
        ("train.refit", "maybe", "setting train.refit: expected true or false (got 'maybe')"),
        (
            "model.relaxation",
            "hard",
            "setting model.relaxation: expected 'straight-through' or 'soft' (got 'hard')",
        ),
        (
            "data.split",
            "time:2018-02-30",
            "setting data.split: expected random, time, time:DATE as in time:2018-01-31 or leave-one-out "
            "(got 'time:2018-02-30')",
        ),
        ("data.like_threshold", "all", "setting data.like_threshold: expected a number (got 'all')"),
        ("model.form", "graph", "setting model.form: expected 'evidence' or 'paper' (got 'graph')"),
    ],
)
def test_override_refuses_unknown_paths_and_ill_typed_values(path: str, text: str, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)) as error:
        Config().override(path, text)
    assert "\n" not in str(error.value)


# Setting: (the least and the largest that pass, what is refused)
BOUNDS: dict[str, tuple[list[Any], list[Any]]] = {
    "seed": ([0, 2**32 - 1], [-1, 2**32]),
    "data.like_threshold": ([-1e9, 1e9], [-1e10, 1e300]),
    "data.core": ([1, 10**9], [0, -5, 10**12]),
    "data.validation": ([1e-6, 0.79], [0.0, -0.1, 1.0, 1e-320]),
    "data.test": ([1e-6, 0.89], [0.0, -0.1, 1.0, 1e-320]),
    "data.split_seed": ([0, 2**32 - 1], [-1, 2**32]),
    "graph.candidates": ([1, 16_384], [0, 10**12]),
    "graph.max_relations": ([0, 1000], [-1, 10**6]),
    "graph.min_items": ([0, 10**9], [-1, 10**12]),
    "graph.max_share": ([1e-9, 1.0], [0.0, 1.1]),
    "model.width": ([1, 16_384], [0, 65_536, 10**12]),
    "model.picks": ([1, 1024], [0, 10**30]),
    "model.user_picks": ([1, 1024], [0, 10**30]),
    "model.temperature": ([1e-4, 1e4], [0.0, -0.1, 1e-300, 1e300]),
    "train.epochs": ([0, 10**4], [-1, 10**18]),
    "train.patience": ([1, 10**9], [0, 10**18]),
    "train.validation_users": ([1, 10**9], [0, 10**18]),
    "train.batch": ([1, 10**6], [0, 10**18]),
    "train.learning_rate": ([1e-12, 1e3], [0.0, -1e-3, 1e-320, 1e8, 1e20, 1e300]),
    "train.tower_rate": ([1e-6, 1.0], [0.0, 1.1, -1.0]),
    "train.sampler_learning_rate": ([1e-12, 1e3], [0.0, -1e-3, 1e-320, 1e300]),
    "train.l2": ([0.0, 1e3], [-1e-9, 1e300]),
    "train.hide": ([1e-6, 0.999], [0.0, 1.0, -0.1]),
    "projection.users": ([0, 10**6], [-1, 10**12]),
    "projection.perplexity": ([0.1, 1000.0], [0.0, -1.0, 1e300]),
    "projection.iterations": ([1, 10**5], [0, -1, 10**12]),
    "projection.quality_sample": ([1, 10**6], [0, -1, 10**12]),
    "projection.clusters": ([1, 10**4], [0, 10**12]),
}


def given(path: str, value: Any) -> list[Callable[[], Config]]:
    """The four ways to give the setting a value: as JSON, as text, to the constructor and to `replace`."""
    section, _, name = path.rpartition(".")
    owner: Any = getattr(Config(), section) if section else Config()

    def put(changed: Any) -> Config:
        return replace(Config(), **{section: changed}) if section else changed

    return [
        lambda: Config.from_json({section: {name: value}} if section else {name: value}),
        lambda: Config().override(path, str(value)),
        lambda: put(type(owner)(**{name: value})),
        lambda: put(replace(owner, **{name: value})),
    ]


# Settings that are no numbers: a value other than the default
OTHERS: dict[str, Any] = {
    "preset": "paper",
    "graph.without": ("genre", "type"),
    "data.split": "time:2018-01-31",
    "model.form": "paper",
    "model.relaxation": "soft",
    "train.device": "cpu",
    "train.refit": False,
}


def other_than_the_default(path: str) -> Any:
    candidates = [OTHERS[path]] if path in OTHERS else BOUNDS[path][0]
    return next(value for value in candidates if value != value_of(Config(), path))


@pytest.mark.parametrize("path", setting_paths())
def test_a_changed_setting_changes_alone_and_survives_json(path: str) -> None:
    value = other_than_the_default(path)
    changed = Config().override(path, ",".join(value) if isinstance(value, tuple) else str(value))
    differing = {
        p: value_of(changed, p) for p in setting_paths() if value_of(changed, p) != value_of(Config(), p)
    }
    assert differing == {path: value}
    assert Config.from_json(json.loads(json.dumps(changed.to_json()))) == changed


def test_every_number_has_a_tested_range() -> None:
    numbers = {path for path in setting_paths() if type(value_of(Config(), path)) in (int, float)}
    assert numbers | {"data.like_threshold"} == set(BOUNDS)  # None: by the ratings' scale


def value_of(config: Config, path: str) -> Any:
    value: Any = config
    for part in path.split("."):
        value = getattr(value, part)
    return value


@pytest.mark.parametrize("path", BOUNDS)
def test_a_range_is_the_same_whichever_way_a_value_comes(path: str) -> None:
    allowed, refused = BOUNDS[path]
    for value in allowed:
        assert {value_of(way(), path) for way in given(path, value)} == {value}
    for value in [*refused, math.nan, math.inf, -math.inf]:
        for way in given(path, value):
            with pytest.raises(InputError, match=re.escape(path.rpartition(".")[2])) as error:
                way()
            assert "expected" in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    "name",
    ["meta", "hpu", "xla", "gpu", "cpu:0", "cuda:", "cuda:-1", "cuda:100", "mps:0", "CPU", "", "cpu\n"],
)
def test_devices_that_are_not_supported_are_refused(name: str) -> None:
    with pytest.raises(
        InputError, match=r"^setting train.device: expected auto, cpu, cuda, cuda:N or mps \(got '"
    ):
        TrainConfig(device=name)


def test_settings_that_do_not_go_together_are_refused() -> None:
    with pytest.raises(InputError, match=r"setting data: validation \+ test: expected less than 1"):
        DataConfig(validation=0.5, test=0.5)


def test_a_refusal_stays_short_and_printable() -> None:
    for value in (10**5000, "x" * 10_000, "\ud800", "\x1b[31m", [[[]]] * 1000, object()):
        for kind, name in ((ModelConfig, "width"), (TrainConfig, "device"), (ModelConfig, "relaxation")):
            with pytest.raises(InputError) as error:
                kind(**{name: value})
            assert len(str(error.value)) < 320 and str(error.value).isprintable()


def test_the_settings_of_the_bundled_artifact_can_be_read() -> None:
    document = json.loads(
        (Path(__file__).parents[1] / "artifacts" / "demo" / "manifest.json").read_text(encoding="utf-8")
    )["config"]
    read = Config.from_json(document).to_json()
    assert read == document | {"data": {**Config().to_json()["data"], **document["data"]}}
    assert (read["data"]["like_threshold"], read["data"]["split"]) == (None, "random")
    del document["data"]["split"], document["data"]["like_threshold"]  # an older artifact
    assert Config.from_json(document | {"data": {**document["data"], "like_threshold": 7.0}}).data == replace(
        Config.from_json(read).data, like_threshold=7.0
    )


@pytest.mark.parametrize(
    "document, message",
    [
        ([], "setting config: expected a JSON object (got [])"),
        ({"sed": 1}, "unknown setting 'sed'; did you mean 'seed'?"),
        ({"seed": True}, "setting seed: expected a whole number (got True)"),
        ({"seed": "1"}, "setting seed: expected a whole number (got '1')"),
        ({"model": 3}, "setting model: expected a JSON object (got 3)"),
        ({"model": {"width": 8.0}}, "setting model.width: expected a whole number (got 8.0)"),
        ({"model": {"form": 1}}, "setting model.form: expected 'evidence' or 'paper' (got 1)"),
        ({"graph": {"without": "genre"}}, "setting graph.without: expected a list (got 'genre')"),
        ({"graph": {"without": [1]}}, "setting graph.without.0: expected text (got 1)"),
        ({"model": {"widht": 8}}, "unknown setting 'model.widht'; did you mean 'model.width'?"),
        ({"train": {"epochs": -1}}, "setting train.epochs: expected at least 0 (got -1)"),
        ({"data": {"like_threshold": 10**400}}, "setting data.like_threshold: expected a number (got 1000"),
        (
            {"data": {"like_threshold": float("nan")}},
            "setting data.like_threshold: expected a finite number (got nan)",
        ),
    ],
)
def test_from_json_refuses_unknown_and_ill_typed_values(document: Any, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        Config.from_json(document)


def test_a_whole_number_is_a_float_too() -> None:
    assert Config.from_json({"data": {"like_threshold": 8}}).data.like_threshold == 8.0


def test_an_unknown_preset_is_refused() -> None:
    with pytest.raises(
        InputError, match=re.escape("unknown preset 'papper': expected one of default, paper, demo")
    ):
        preset("papper")


def test_the_paper_preset_is_the_publication() -> None:
    paper = preset("paper")
    assert (paper.model.picks, paper.model.temperature, paper.graph.candidates, paper.model.width) == (
        8,
        0.1,
        32,
        64,
    )
    assert (paper.model.form, paper.train.l2, paper.train.refit) == ("paper", 0.003, True)
