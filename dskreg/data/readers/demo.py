"""The bundled demo: the project's own catalogue of well-known anime, and simulated users whose tastes are
planted.

A user likes the items with the highest utility: loved and disliked genres, loved studios and franchises,
the item's fame, and Gumbel noise. Type, source, length and first letter play no part: relations planted as
irrelevant, for the sampler to find out. No user and no rating is real.
"""

from __future__ import annotations

from importlib.resources import files

import numpy as np
import pandas as pd

from dskreg.data.dataset import UNASSIGNED, Dataset
from dskreg.data.readers.triples import length_class, triples_of_labels

USERS, LIKED, DISLIKED = 2000, 40, 12  # users; liked and seen-but-not-liked items of each, on average
SEED = 2021
RELEVANT, IRRELEVANT = ("genre", "studio", "franchise"), ("type", "source", "length", "initial")
LOVED_GENRE, LOVED_STUDIO, LOVED_FRANCHISE, FAME, NOISE = 1.7, 1.3, 3.5, 1.2, 0.6
"""Weights in the users' utility."""


def read() -> Dataset:
    """The demo's catalogue and users, the same at every call."""
    catalogue = pd.read_csv(
        str(files("dskreg.data") / "demo_catalogue.csv"), keep_default_na=False, dtype={"episodes": str}
    )
    catalogue["episodes"] = pd.to_numeric(catalogue["episodes"].replace("", None)).astype("Int64")
    labels = {
        "genre": [text.split(", ") for text in catalogue["genres"]],
        "studio": [[text] for text in catalogue["studio"]],
        "franchise": [[text] for text in catalogue["franchise"]],
        "type": [[text] for text in catalogue["type"]],
        "source": [[text] for text in catalogue["source"]],
        "length": [[length_class(count)] for count in catalogue["episodes"].fillna(0)],
        "initial": [[title[0].upper()] for title in catalogue["title"]],
    }
    triples = triples_of_labels(labels)
    user, item, liked = _users(catalogue, labels)
    return Dataset(
        name="demo",
        format="demo",
        items=catalogue.drop(columns="fame"),
        user_ids=np.arange(1, USERS + 1),
        user=user,
        item=item,
        liked=liked,
        fold=np.full(len(user), UNASSIGNED, dtype=np.int8),
        **triples.fields(),
        notes=(
            f"{USERS:,} users are simulated (seed {SEED}): their tastes follow genre, studio, "
            f"franchise and fame; {', '.join(IRRELEVANT)} play no part",
        ),
    )


def _users(
    catalogue: pd.DataFrame, labels: dict[str, list[list[str]]]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(user, item, liked) of all interactions, sorted by user and item."""
    rng = np.random.default_rng(SEED)
    genre, studio, franchise = (_indicator(labels[name]) for name in RELEVANT)
    genre /= np.sqrt(np.maximum(genre.sum(1, keepdims=True), 1))
    fame = FAME * (catalogue["fame"].to_numpy() - 1 + rng.normal(0, 0.5, len(catalogue)))
    users, items, likes = [], [], []
    for person in range(USERS):
        taste = np.zeros(genre.shape[1])
        chosen = rng.choice(len(taste), size=6, replace=False, p=genre.sum(0) / genre.sum())
        taste[chosen[:4]], taste[chosen[4:]] = LOVED_GENRE, -LOVED_GENRE
        fit = genre @ taste
        utility = fit + fame + LOVED_STUDIO * studio[:, _loved(studio, fit, 2, rng)].sum(1)
        utility += LOVED_FRANCHISE * franchise[:, _loved(franchise, fit, 3, rng)].sum(1) + NOISE * rng.gumbel(
            size=len(fit)
        )
        order = np.argsort(-utility)
        count = int(np.clip(rng.poisson(LIKED), 15, 90))
        others = rng.choice(
            order[count:],
            size=rng.poisson(DISLIKED),
            replace=False,
            p=np.exp(fame[order[count:]]) / np.exp(fame[order[count:]]).sum(),
        )
        seen = np.r_[order[:count], others]
        users.append(np.full(len(seen), person))
        items.append(seen)
        likes.append(np.arange(len(seen)) < count)
    user, item, liked = (
        np.concatenate(users).astype(np.int32),
        np.concatenate(items).astype(np.int32),
        np.concatenate(likes),
    )
    order = np.lexsort((item, user))
    return user[order], item[order], liked[order]


def _indicator(carried: list[list[str]]) -> np.ndarray:
    """0/1 `[I, E]` of the labels that at least two items carry."""
    counts = pd.Series([label for row in carried for label in row if label]).value_counts()
    names = sorted(counts[counts >= 2].index)
    return np.array([[float(name in row) for name in names] for row in carried])


def _loved(carriers: np.ndarray, fit: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """`count` of the entities, more likely those whose items fit the user's genres."""
    mean = carriers.T @ fit / carriers.sum(0)
    weight = np.exp(mean - mean.max())
    return rng.choice(len(mean), size=count, replace=False, p=weight / weight.sum())
