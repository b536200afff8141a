"""How Hypothesis tries: many examples with DSKREG_LONG=1, few and always the same in CI, and nothing is left
in the repository.
"""

from __future__ import annotations

import math
import tempfile
from typing import Any

import hypothesis
from hypothesis import strategies

from tests.reliability.size import LONG, times

NUMBERS = strategies.one_of(
    strategies.integers(),
    strategies.floats(),
    strategies.sampled_from([0, 1, 0.5, 10**400, -(10**400), 2**32, math.nan, math.inf]),
)
WORDS = strategies.sampled_from(
    [
        "softmax",
        "soft",
        "tanh",
        "free",
        "random",
        "genre, studio",
        "true",
        "False",
        "cuda",
        "1_0",
        "١٢",
        " 3 ",
        "1e5000",
        "9" * 5000,
    ]
)
VALUES = strategies.recursive(
    strategies.one_of(strategies.none(), strategies.booleans(), NUMBERS, WORDS, strategies.text(max_size=10)),
    lambda inner: (
        strategies.lists(inner, max_size=3)
        | strategies.dictionaries(strategies.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=5,
)

# What it keeps of the interpreter's tables
hypothesis.configuration.set_hypothesis_home_dir(tempfile.gettempdir() + "/dskreg-hypothesis")


def settings(long: int, short: int, **others: Any) -> hypothesis.settings:
    """`long` examples with DSKREG_LONG=1, else `short`."""
    quiet = [
        hypothesis.HealthCheck.too_slow,
        hypothesis.HealthCheck.data_too_large,
        hypothesis.HealthCheck.function_scoped_fixture,
    ]
    return hypothesis.settings(
        max_examples=times(long, short),
        deadline=None,
        database=None,
        derandomize=not LONG,
        suppress_health_check=quiet,
        print_blob=True,
        **others,
    )
