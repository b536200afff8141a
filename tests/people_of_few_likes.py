"""An artifact trained in a moment on data that the tests write: half of the users like nothing, three items
are adult.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from dskreg.cli import app

ITEMS, PEOPLE = 60, 24
ADULT = (58, 59, 60)
UNKNOWN = (500, 501, 502)  # only -1, only 3, and both
ONE_LIKE = 400
SETTINGS = {
    "model.width": 8,
    "model.picks": 4,
    "model.user_picks": 3,
    "data.core": 2,
    "graph.min_items": 2,
    "graph.max_share": 1.0,
    "train.epochs": 2,
    "train.device": "cpu",
    "projection.iterations": 50,
}


def write(folder: Path) -> Path:
    """anime.csv and rating.csv: users like items of their own parity, popular ones more often."""
    folder.mkdir(parents=True)
    genres = [
        ("Drama" if n % 2 else "Action") + (", Mecha" if n % 3 == 0 else "") for n in range(1, ITEMS + 1)
    ]
    genres = [f"{genre}, Hentai" if n in ADULT else genre for n, genre in enumerate(genres, 1)]
    names = [f"Title {n}" for n in range(1, ITEMS + 1)]
    titles = {"anime_id": range(1, ITEMS + 1), "name": names, "genre": genres, "type": "TV", "episodes": 12}
    pd.DataFrame(titles | {"rating": 7.5, "members": 100}).to_csv(folder / "anime.csv", index=False)
    rng, rows = np.random.default_rng(0), []
    for user in range(1, PEOPLE + 1):
        own = np.arange(1 + user % 2, ITEMS + 1, 2)
        weight = 1 / np.arange(2, len(own) + 2)
        rows += [(user, int(item), 9) for item in rng.choice(own, 9, replace=False, p=weight / weight.sum())]
        rows += [(user, ADULT[user % 3], 8), (user, 20 + user, -1)]
    rows += [
        (ONE_LIKE, 3, 10),
        (UNKNOWN[0], 1, -1),
        (UNKNOWN[0], 2, -1),
        (UNKNOWN[0], 3, -1),
        (UNKNOWN[1], 4, 3),
        (UNKNOWN[1], 5, 3),
    ]
    rows += [(UNKNOWN[2], 6, 3), (UNKNOWN[2], 7, -1)]
    frame = pd.DataFrame(rows, columns=["user_id", "anime_id", "rating"]).drop_duplicates(
        ["user_id", "anime_id"]
    )
    frame.to_csv(folder / "rating.csv", index=False)
    return folder


def train(folder: Path, preset_name: str = "default") -> Path:
    """The artifact `folder`, and its data beside it."""
    data = write(folder.parent / f"{folder.name} data")
    settings = [part for name, value in SETTINGS.items() for part in ("--set", f"{name}={value}")]
    app(["train", str(data), "--out", str(folder), "--preset", preset_name, *settings], standalone_mode=False)
    return folder
