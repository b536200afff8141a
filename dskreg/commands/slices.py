"""`dskreg slices`: the test by groups of users and items."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import pandas as pd
import typer

from dskreg import arguments as given
from dskreg.console import progress, say, show
from dskreg.results import opened
from dskreg.text import number

if TYPE_CHECKING:
    from dskreg.explorer import Explorer

Users = Annotated[
    int | None, typer.Option(min=1, help="The number of test users asked, at most; by default all.")
]
MEANINGS = {
    "coverage": "items that are in at least one list",
    "gini": "Gini coefficient of the number of lists that hold each item",
    "mean_likes_recommended": "mean likes of a recommended item",
    "mean_likes_held_out": "mean likes of a held-out item",
    "head_recommended": "share of all recommendations that are of the most liked fifth of the items",
    "head_held_out": "share of all held-out likes that are of it",
}
GENRES = 20  # in the text


def slices(
    artifact: given.ArtifactPath,
    users: Users = None,
    baselines: Annotated[
        bool, typer.Option("--baselines", help="Also popularity, item-kNN and EASE.")
    ] = False,
    json: given.Json = False,
) -> None:
    """The test by users' activity, items' likes and genre; coverage and popularity bias."""
    explorer = opened(artifact, False)
    found = measured(explorer, users, baselines)
    show(found, json, "\n\n".join(text(name, rows) for name, rows in found["recommenders"].items()))


def measured(explorer: Explorer, users: int | None, baselines: bool = False) -> dict[str, Any]:
    """{"k", "users", "of", "recommenders": {name: slices}}."""
    from dskreg.explorer import MODEL

    shared, found = {}, {}
    for name in (MODEL, *explorer.rivals.names) if baselines else (MODEL,):
        say(f"{name}: lists of the test users")
        rows = explorer.rivals.slices(name, users, True, progress)
        shared = {key: rows.pop(key) for key in ("k", "users", "of")}
        found[name] = rows
    return {**shared, "recommenders": found}


def text(name: str, found: dict[str, Any]) -> str:
    """One recommender's slices as tables."""
    people = pd.DataFrame([*found["activity"], found["all"]]).set_index("slice")
    parts = [
        name,
        f"users by likes in the history (within: half the 95 % interval of NDCG)\n{table(people)}",
        f"items by likes\n{table(pd.DataFrame(found['likes']).set_index('slice'))}",
        *filter(None, [found["without_items"]]),
    ]
    if found["genres"]:
        genres = pd.DataFrame(found["genres"][:GENRES]).set_index("slice")
        parts.append(f"items by {found['described_by']}, the {len(genres)} largest\n{table(genres)}")
    bias = [f"  {number(found['bias'][key]):>8}  {words}" for key, words in MEANINGS.items()]
    return "\n\n".join([*parts, "\n".join(["coverage and popularity bias", *bias])])


def table(frame: pd.DataFrame) -> str:
    """The table with three places, a dash for nothing."""
    return str(frame.rename_axis(None).astype(object).map(number).to_string())
