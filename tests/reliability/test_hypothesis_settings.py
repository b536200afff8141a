"""Hypothesis looks for settings and requests that are neither valid, and then come back from JSON, nor
refused in words.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import given, strategies

from dskreg.config import PRESETS, Config, setting_paths
from dskreg.errors import InputError
from dskreg.runs.request import Request
from tests.reliability.examples import NUMBERS, VALUES, WORDS, settings

PATHS = strategies.one_of(
    strategies.sampled_from(setting_paths()),
    strategies.sampled_from(
        [
            "",
            ".",
            "data",
            "__class__.seed",
            "to_json.seed",
            "data.__class__",
            "data.data.core",
            "seed.real",
            "__dict__.x",
        ]
    ),
    strategies.text(max_size=20),
)


def clean(error: InputError) -> bool:
    said = str(error)
    return said.isprintable() and len(said) < 600


def comes_back(config: Config) -> bool:
    return Config.from_json(json.loads(json.dumps(config.to_json(), allow_nan=False))) == config


@settings(10_000, 500)
@given(
    changes=strategies.lists(
        strategies.tuples(PATHS, strategies.one_of(strategies.text(max_size=30), NUMBERS.map(repr), WORDS)),
        max_size=4,
    )
)
def test_an_overridden_config_comes_back_from_json_or_is_refused(changes: list[tuple[str, str]]) -> None:
    for config in PRESETS.values():
        try:
            for path, text in changes:
                config = config.override(path, text)
        except InputError as error:
            assert clean(error), error
        else:
            assert comes_back(config)


@strategies.composite
def documents(draw: strategies.DrawFn) -> Any:
    """A config as JSON with some of its fields replaced, taken out or added."""
    document = draw(strategies.sampled_from(list(PRESETS.values()))).to_json()
    for _ in range(draw(strategies.integers(1, 3))):
        owner = draw(
            strategies.sampled_from(
                [document, *(part for part in document.values() if isinstance(part, dict))]
            )
        )
        name = (
            draw(strategies.sampled_from(sorted(owner)) | strategies.text(max_size=8))
            if owner
            else draw(strategies.text(max_size=8))
        )
        if draw(strategies.integers(0, 4)):
            owner[name] = draw(VALUES)
        else:
            owner.pop(name, None)
    return document


@settings(10_000, 500)
@given(document=documents() | VALUES)
def test_a_config_from_json_comes_back_or_is_refused(document: Any) -> None:
    try:
        config = Config.from_json(json.loads(json.dumps(document)))
    except InputError as error:
        assert clean(error), error
    else:
        assert comes_back(config)


@settings(3000, 200)
@given(
    fields=strategies.dictionaries(
        strategies.sampled_from(["out", "preset", "epochs", "seed", "device"]), VALUES
    )
)
def test_a_request_is_valid_or_refused(fields: dict[str, Any]) -> None:
    try:
        request = Request.of(**{"data": "demo", "out": "made"} | fields)
    except InputError as error:
        assert "\n" not in str(error)
    else:
        assert all(
            isinstance(word, str) and word
            for word in request.command(Path("data"), Path("artifacts"), Path("log"), False)
        )
