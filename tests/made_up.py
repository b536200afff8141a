"""Made-up sides of an explanation, for drawings."""

from __future__ import annotations

import numpy as np
import pandas as pd


def candidates(
    count: int = 20, picks: int = 8, titles: tuple[str, ...] | list[str] = ("Title",)
) -> pd.DataFrame:
    """A made-up side of an explanation, largest key first."""
    random = np.random.default_rng(0)
    logit = np.sort(random.normal(size=count))[::-1]
    share = np.exp(logit) / np.exp(logit).sum() if count else logit
    picked = np.arange(count) < picks
    return pd.DataFrame(
        {
            "item_id": np.arange(100, 100 + count),
            "title": [
                f"{titles[i % len(titles)]} {i}" if i >= len(titles) else titles[i] for i in range(count)
            ],
            "relation": [("tag", "genre", "studio")[i % 3] for i in range(count)],
            "via": [["Space", "Mecha"] if i % 3 == 1 else [] for i in range(count)],
            "logit": logit,
            "share": share,
            "picked": picked,
            "inclusion_probability": np.minimum(share * picks, 1),
            "contribution": np.where(picked, random.normal(size=count), 0.0),
        }
    )
