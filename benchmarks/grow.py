"""Grows a folder of the Kaggle schema to any size, for measurements: `python benchmarks/grow.py --to FOLDER`
(the real set's size).

A new user mixes two or three real ones of much the same history length and share of -1: for every item one
of them, by a hash of user and item, decides whether it was seen and how it was rated. An item's share of
the users is thereby kept exactly, and items that go together stay together. To that come items drawn by
popularity, among them some that no user in the source rated. Further items are clones: the source's rows
(genres, type and episodes jointly) under new ids and names, a whole world of them at a time, so that
franchises exist; every user has a home world. The output belongs to no real user and into no repository.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.sets import DATA, there

RATINGS, USERS, MEAN = 7_800_000, 73_516, 106.1  # of the real set; MEAN is their ratio
RATED = 11_200 / 12_294  # items that any user rated
POPULAR = 0.1  # share of a history drawn by popularity
HOME = 0.7  # share of a history from the home world
STRATA, NEAR = 20, 25  # classes of history length; how far apart in rank the mixed users are
CHUNK = 8192  # users at once
WORLDS = (
    "",
    "Aka",
    "Kuro",
    "Shiro",
    "Ao",
    "Midori",
    "Kin",
    "Gin",
    "Murasaki",
    "Momo",
    "Cha",
    "Hai",
    "Kon",
    "Sora",
    "Yuki",
    "Kumo",
)


@dataclass(frozen=True)
class Seen:
    """The source's histories by user, who are in an order in which neighbours are alike."""

    start: np.ndarray  # [P + 1] where each history begins
    item: np.ndarray  # [N] position of the item
    rating: np.ndarray  # [N] int8
    titles: int

    @property
    def length(self) -> np.ndarray:
        """`[P]` ratings of each user."""
        return np.diff(self.start)


def read(folder: Path) -> tuple[pd.DataFrame, Seen]:
    """The catalogue as text, and the histories."""
    catalogue = pd.read_csv(folder / "anime.csv", dtype=str, keep_default_na=False)
    rows = pd.read_csv(folder / "rating.csv")
    person = np.unique(rows["user_id"], return_inverse=True)[1]
    item = pd.Index(catalogue["anime_id"].astype(int)).get_indexer(rows["anime_id"])
    assert (item >= 0).all()
    length = np.bincount(person)
    unrated = np.bincount(person, rows["rating"] == -1) / length
    stratum = np.argsort(np.argsort(length, kind="stable"), kind="stable") * STRATA // len(length)
    place = np.empty(len(length), np.int64)
    place[np.lexsort((unrated, stratum))] = np.arange(len(length))
    order = np.argsort(place[person], kind="stable")
    start = np.concatenate([[0], np.cumsum(np.bincount(place[person]))])
    return catalogue, Seen(start, item[order], rows["rating"].to_numpy(np.int8)[order], len(catalogue))


def clones(catalogue: pd.DataFrame, items: int) -> pd.DataFrame:
    """`items` rows: the catalogue, then again in further worlds."""
    first = catalogue["anime_id"].astype(int)
    stride = int(first.max()) + 1
    parts = []
    for world in range(-(-items // len(catalogue))):
        word = WORLDS[world % len(WORLDS)] + (str(world) if world >= len(WORLDS) else "")
        parts.append(catalogue.assign(anime_id=first + world * stride, name=word + catalogue["name"]))
    return pd.concat(parts, ignore_index=True).head(items)


def popularity(seen: Seen, drawn: float, rng: np.random.Generator) -> np.ndarray:
    """`[I]` probability of each item among those drawn by popularity, of which there will be `drawn`: some
    more than the source has seen.
    """
    count = np.bincount(seen.item, minlength=seen.titles).astype(float)
    unseen = np.flatnonzero(count == 0)
    wanted = min(len(unseen), max(0, round(RATED * seen.titles) - (seen.titles - len(unseen))))
    few = rng.choice(unseen, wanted, replace=False)
    count[few] = count.sum() / max(drawn, 1) * (1.5 + rng.exponential(5.0, wanted))
    return count / count.sum()


def people(
    seen: Seen, ratings: int, users: int, items: int, rng: np.random.Generator
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """(user, title, rating) of `CHUNK` users after another; items are positions in the grown catalogue,
    pairs are distinct.
    """
    factor = ratings / users / seen.length.mean()
    cumulated = np.cumsum(popularity(seen, POPULAR * ratings, rng))
    # Copies of each item
    worlds = np.maximum(1, items // seen.titles + (np.arange(seen.titles) < items % seen.titles))
    salt, done, extra = rng.integers(1 << 62) * 2 + 1, 0, 1.0
    for begin in range(0, users, CHUNK):
        who = np.arange(begin, min(begin + CHUNK, users))
        base = rng.integers(len(seen.length), size=len(who))
        parents = np.clip(
            base[:, None] + rng.integers(-NEAR, NEAR + 1, (len(who), 3)) * [0, 1, 1], 0, len(seen.length) - 1
        )
        mixed = rng.integers(2, 4, len(who))
        user, at = _decided(seen, who - begin, parents, mixed, salt + begin)
        stays = rng.random(len(user)) >= POPULAR + max(0.0, 1 - factor)
        user, item, rating = user[stays], seen.item[at[stays]], seen.rating[at[stays]]
        mean = np.where(np.arange(3) < mixed[:, None], seen.length[parents], 0).sum(1) / mixed
        more = rng.poisson(mean * max(POPULAR, POPULAR + factor - 1) * extra)
        more[(np.bincount(user, minlength=len(who)) == 0) & (more == 0)] = 1
        drawn = np.repeat(np.arange(len(who)), more)
        # Rated the way of the first parent
        like = seen.start[base[drawn]] + (rng.random(len(drawn)) * seen.length[base[drawn]]).astype(int)
        user, rating = np.concatenate([user, drawn]), np.concatenate([rating, seen.rating[like]])
        item = np.concatenate(
            [item, np.minimum(np.searchsorted(cumulated, rng.random(len(drawn)), "right"), seen.titles - 1)]
        )
        first = np.unique(user * seen.titles + item, return_index=True)[1]
        user, item, rating = user[first], item[first], rating[first]
        home = rng.integers(1 << 30, size=len(who))[user]
        world = (
            np.where(rng.random(len(user)) < HOME, home, rng.integers(1 << 30, size=len(user))) % worlds[item]
        )
        done += len(user)
        extra *= np.clip(1 + 4 * (ratings * (who[-1] + 1) / users - done) / len(user), 0.5, 2)
        yield user + begin, item + world * seen.titles, rating


def _decided(
    seen: Seen, user: np.ndarray, parents: np.ndarray, mixed: np.ndarray, salt: int
) -> tuple[np.ndarray, np.ndarray]:
    """(user, row of the source) of the items whose deciding parent has seen them."""
    users, rows = [], []
    for slot in range(3):
        parent = parents[:, slot]
        length = np.where(slot < mixed, seen.length[parent], 0)
        owner = np.repeat(user, length)
        row = np.arange(len(owner)) + np.repeat(seen.start[parent] - np.cumsum(length) + length, length)
        key = (owner * seen.titles + seen.item[row]).astype(np.uint64) + np.uint64(salt % (1 << 62))
        key ^= key >> np.uint64(31)
        key *= np.uint64(0x9E3779B97F4A7C15)
        decides = (key >> np.uint64(40)) % mixed[owner].astype(np.uint64) == slot
        users.append(owner[decides])
        rows.append(row[decides])
    return np.concatenate(users), np.concatenate(rows)


def gini(count: np.ndarray) -> float:
    """0: all alike; near 1: one has everything."""
    ranked = np.sort(count)
    return float(
        2 * (np.arange(1, len(ranked) + 1) * ranked).sum() / (len(ranked) * ranked.sum())
        - (len(ranked) + 1) / len(ranked)
    )


def compared(source: dict[str, np.ndarray], grown: dict[str, np.ndarray]) -> str:
    """A line per distribution and set: quantiles (of popularity in units of its mean) and Gini; for ratings
    the share of each value.
    """
    lines = [
        f"{'':34s}{'10%':>8s}{'25%':>8s}{'50%':>8s}{'75%':>8s}{'90%':>8s}{'99%':>8s}{'most':>8s}{'Gini':>8s}"
    ]
    for what in ("ratings per person", "popularity / mean"):
        for name, counts in (("source", source[what]), ("grown", grown[what])):
            shown = counts / counts.mean() if "mean" in what else counts
            cells = [*np.quantile(shown, [0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1]), gini(counts)]
            lines.append(f"{what + ', ' + name:34s}" + "".join(f"{cell:8.2f}" for cell in cells))
    lines.append(f"{'share of each rating, %':34s}" + "".join(f"{value:6d}" for value in (-1, *range(1, 11))))
    for name, counts in (("source", source["rating"]), ("grown", grown["rating"])):
        lines.append(
            f"{name:34s}"
            + "".join(f"{100 * counts[value + 1] / counts.sum():6.2f}" for value in (-1, *range(1, 11)))
        )
    return "\n".join(lines)


def grow(folder: Path, to: Path, ratings: int, users: int, items: int, seed: int) -> str:
    """Write anime.csv and rating.csv into `to`; how near the distributions are to the source's."""
    rng = np.random.default_rng(seed)
    catalogue, seen = read(folder)
    grown = clones(catalogue, max(items, len(catalogue)))
    to.mkdir(parents=True, exist_ok=True)
    grown.to_csv(to / "anime.csv", index=False)
    ids = grown["anime_id"].to_numpy()
    length, count, values = np.zeros(users, np.int64), np.zeros(len(grown), np.int64), np.zeros(12, np.int64)
    schema = pa.schema([("user_id", pa.int32()), ("anime_id", pa.int32()), ("rating", pa.int8())])
    with pa.csv.CSVWriter(
        to / "rating.csv", schema, write_options=pa.csv.WriteOptions(quoting_header="none")
    ) as file:
        for user, item, rating in people(seen, ratings, users, len(grown), rng):
            columns = [(user + 1).astype(np.int32), ids[item].astype(np.int32), rating]
            file.write_table(pa.table(columns, schema=schema))
            length += np.bincount(user, minlength=users)
            count += np.bincount(item, minlength=len(grown))
            values += np.bincount(rating + 1, minlength=12)
    before = {
        "ratings per person": seen.length,
        "popularity / mean": np.bincount(seen.item, minlength=seen.titles),
    }
    before["rating"] = np.bincount(seen.rating + 1, minlength=12)
    after = {"ratings per person": length, "popularity / mean": count, "rating": values}
    size = (
        f"{length.sum():,} ratings by {users:,} people of {(count > 0).sum():,} of {len(grown):,} "
        f"titles in {to}"
    )
    return size + "\n" + compared(before, after)


def main() -> None:
    """Read the arguments, grow, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "source", type=Path, nargs="?", default=DATA / "anime", help="folder with anime.csv and rating.csv"
    )
    parser.add_argument("--to", type=Path, required=True, help="folder to write, outside any repository")
    parser.add_argument("--ratings", type=int, default=RATINGS, help="about so many")
    parser.add_argument("--users", type=int, help="default: as many per rating as in the real set")
    parser.add_argument("--items", type=int, default=0, help="default: as many as the source")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    there(given.source.parent, [given.source.name])
    users = given.users or max(1, round(given.ratings / MEAN))
    print(grow(given.source, given.to, given.ratings, users, given.items, given.seed))


if __name__ == "__main__":
    main()
