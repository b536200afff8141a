"""The bundled demo: the project's own catalogue of well-known anime, and simulated users whose tastes are
planted.

    utility = w_genre * genre + w_studio * studio + w_franchise * franchise + fame + Gumbel noise

A user loves four genres, three studios and six franchises, dislikes two genres, and likes the titles of the
highest utility. The user follows one of the three relations (a third of the users each), whose weight is four
times what it is for the others. Fame is the same for all users. Type, source, length and first letter play no
part: relations planted as irrelevant, for the sampler to find out.

Titles of RELEASED and later are new releases: no user has seen them, and they have average fame. What the
users would like among them is known (`truth`) and not part of the data. No user and no rating is real.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files

import numpy as np
import pandas as pd

from dskreg.data.dataset import UNASSIGNED, Dataset
from dskreg.data.readers.triples import length_class, triples_of_labels

USERS, LIKED, DISLIKED = 2000, 40, 12  # users; liked and seen-but-not-liked items of each, on average
SEED, RELEASED = 2021, 2023
RELEVANT, IRRELEVANT = ("genre", "studio", "franchise"), ("type", "source", "length", "initial")
LOVED_GENRE, LOVED_STUDIO, LOVED_FRANCHISE, FAME, NOISE = 1.7, 1.7, 3.5, 1.2, 0.6
"""Weights in the users' utility."""
FOLLOWED, OTHER = 2.0, 0.5
"""Factors of these weights: for the relation that the user follows, and for the other two."""


@dataclass(frozen=True)
class Truth:
    """What is planted for U users and I items, the new releases included."""

    follows: np.ndarray  # [U] str, the relation that the user follows
    taste: np.ndarray  # [U, I] float32, the utility without fame and noise
    fame: np.ndarray  # [I]
    # [U, I] bool: what the user likes, and of the new releases what has at least the utility, noise included,
    # of the least of these
    liked: np.ndarray
    seen: np.ndarray  # [U, I] bool: the interactions, liked or not; none with new releases

    @property
    def utility(self) -> np.ndarray:
        """`[U, I]` without noise."""
        return self.taste + self.fame


def read() -> Dataset:
    """The demo's catalogue and users, the same at every call."""
    catalogue = _catalogue()
    triples, planted, new = triples_of_labels(_labels(catalogue)), truth(), new_releases()
    user, item = (positions.astype(np.int32) for positions in np.nonzero(planted.seen))
    return Dataset(
        name="demo",
        format="demo",
        items=catalogue.drop(columns="fame"),
        user_ids=np.arange(1, USERS + 1),
        user=user,
        item=item,
        liked=planted.liked[user, item],
        fold=np.full(len(user), UNASSIGNED, dtype=np.int8),
        **triples.fields(),
        notes=(
            f"{USERS:,} users are simulated (seed {SEED}): their tastes follow genre, studio, "
            f"franchise and fame; {', '.join(IRRELEVANT)} play no part",
            f"{len(new)} titles of {RELEASED} and later are new releases: no user has seen them",
        ),
    )


def new_releases() -> np.ndarray:
    """`[N]` positions of the titles that no user has seen."""
    return np.flatnonzero(_catalogue()["year"] >= RELEASED)


def truth() -> Truth:
    """The planted tastes behind `read`, the same at every call."""
    catalogue = _catalogue()
    labels, known = _labels(catalogue), catalogue["year"].to_numpy() < RELEASED
    titles = np.flatnonzero(known)
    rng = np.random.default_rng(SEED)
    follows = rng.permutation(np.arange(USERS) % len(RELEVANT))
    weight = np.where(np.eye(len(RELEVANT)), FOLLOWED, OTHER)  # [relation followed, relation]
    genre, studio, franchise = (_indicator(labels[name]) for name in RELEVANT)
    genre /= np.sqrt(np.maximum(genre.sum(1, keepdims=True), 1))
    fame = FAME * (catalogue["fame"].to_numpy() - 1 + rng.normal(0, 0.5, len(catalogue)))
    fame[~known] = fame[known].mean()
    taste = np.zeros((USERS, len(catalogue)), np.float32)
    liked, seen = np.zeros(taste.shape, bool), np.zeros(taste.shape, bool)
    for person in range(USERS):
        of_genre = np.zeros(genre.shape[1])
        chosen = rng.choice(len(of_genre), size=6, replace=False, p=genre.sum(0) / genre.sum())
        of_genre[chosen[:4]], of_genre[chosen[4:]] = LOVED_GENRE, -LOVED_GENRE
        fit = genre @ of_genre
        of_studio = LOVED_STUDIO * studio[:, _loved(studio, fit, 3, rng)].sum(1)
        of_franchise = LOVED_FRANCHISE * franchise[:, _loved(franchise, fit, 6, rng)].sum(1)
        taste[person] = weight[follows[person]] @ np.stack([fit, of_studio, of_franchise])
        utility = taste[person] + fame + NOISE * rng.gumbel(size=len(fit))
        order = titles[np.argsort(-utility[titles])]
        count = int(np.clip(rng.poisson(LIKED), 15, 90))
        odds = np.exp(fame[order[count:]])
        others = rng.choice(order[count:], size=rng.poisson(DISLIKED), replace=False, p=odds / odds.sum())
        liked[person] = ~known & (utility >= utility[order[count - 1]])
        liked[person, order[:count]] = True
        seen[person, np.r_[order[:count], others]] = True
    return Truth(np.array(RELEVANT)[follows], taste, fame, liked, seen)


def _catalogue() -> pd.DataFrame:
    path = str(files("dskreg.data") / "demo_catalogue.csv")
    catalogue = pd.read_csv(path, keep_default_na=False, dtype={"episodes": str})
    catalogue["episodes"] = pd.to_numeric(catalogue["episodes"].replace("", None)).astype("Int64")
    return catalogue


def _labels(catalogue: pd.DataFrame) -> dict[str, list[list[str]]]:
    """What each title carries, by relation."""
    return {
        "genre": [text.split(", ") for text in catalogue["genres"]],
        "studio": [[text] for text in catalogue["studio"]],
        "franchise": [[text] for text in catalogue["franchise"]],
        "type": [[text] for text in catalogue["type"]],
        "source": [[text] for text in catalogue["source"]],
        "length": [[length_class(count)] for count in catalogue["episodes"].fillna(0)],
        "initial": [[title[0].upper()] for title in catalogue["title"]],
    }


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
