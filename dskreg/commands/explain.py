"""`dskreg explain`: one recommendation on stdout, or those of a user or of all users in a file."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dskreg import arguments as given
from dskreg.console import explained, say_left_out, show
from dskreg.errors import InputError
from dskreg.results import opened, profile_of

if TYPE_CHECKING:
    from dskreg.explorer import Explorer, Profile

TOP = 10  # recommendations of each user with --all-users


class By(StrEnum):
    """How a score is split (dskreg/explain/tables.py)."""

    neighbours = "neighbours"
    liked = "liked"


AllUsers = Annotated[
    bool, typer.Option("--all-users", help="Write the explanations of all users' lists to --out.")
]
Out = Annotated[
    Path | None,
    typer.Option(
        help="A .parquet or .csv file: one row per term of each score, whose contributions add up to it "
        "(before the activation).",
    ),
]
Top = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help=f"With --out, the N best recommendations of each user; by default {TOP} with --all-users, else "
        "every item that can be recommended.",
    ),
]
Split = Annotated[
    By | None,
    typer.Option(
        "--by",
        help="With --out, how a score is split. neighbours (the default): own embedding, sampled neighbours "
        "and bias. liked: the user's liked items and the rest.",
    ),
]


def explain(
    artifact: given.ArtifactPath,
    item: Annotated[str | None, typer.Option(help="The item's id.")] = None,
    user: given.User = None,
    history: given.History = None,
    all_users: AllUsers = False,
    out: Out = None,
    top: Top = None,
    by: Split = None,
    seed: Annotated[
        int | None,
        typer.Option(help="Sample with Gumbel noise from this seed; without it the noise is zero."),
    ] = None,
    cold_boost: given.ColdBoost = None,
    adult: given.Adult = False,
    json: given.Json = False,
) -> None:
    """The sampling trace and the contributions for one user and one item, or for whole lists."""
    if [user is not None, history is not None, all_users].count(True) != 1:
        raise InputError("explain: expected exactly one of --user, --history and --all-users")
    if out is None:
        if all_users:
            raise InputError("--all-users: expected --out with a file ending in .parquet or .csv")
        if top is not None or by is not None:
            raise InputError(f"{'--by' if top is None else '--top'}: goes with --out")
        if item is None:
            raise InputError("explain: expected --item, or --out for whole lists")
        explorer = opened(artifact, adult)
        one(explorer, profile_of(explorer, user, history), item, seed, cold_boost, json)
        return
    if item is not None or seed is not None or json:
        wrong = "--item" if item is not None else "--json" if json else "--seed"
        raise InputError(f"{wrong}: for one item on stdout (got --out)")
    if top is not None and top < 1:
        raise InputError(f"--top: expected at least 1 (got {top})")
    explorer = opened(artifact, adult)
    if cold_boost is not None:
        explorer = explorer.boosted(cold_boost)
    whole(explorer, None if all_users else profile_of(explorer, user, history), out, top, by or By.neighbours)
    if not explorer.adult:
        say_left_out(explorer.adult_titles, "explains")


def one(
    explorer: Explorer,
    profile: Profile,
    item: str,
    seed: int | None,
    cold_boost: float | None,
    json: bool,
) -> None:
    """Print the explanation of one item."""
    from dskreg.explain.reasons import UNKNOWN

    if explorer.item(item)["adult"] and not explorer.adult:
        raise InputError(f"--item: item {item} is of an adult genre; add --adult to explain it")
    found = explorer.explain(profile, item, seed, cold_boost=cold_boost)
    unknown = f"{UNKNOWN}: every score is 0, and lists are by popularity"
    show(found.to_json(), json, explained(found, unknown if found.basis == "popularity" else ""))


def whole(explorer: Explorer, profile: Profile | None, out: Path, top: int | None, by: By) -> None:
    """Write the explanations of one profile's list, or of all users' where there is none."""
    from dskreg.explain.tables import of_all_users, of_user
    from dskreg.serving.table_files import FORMATS, write_table

    if out.suffix not in FORMATS:
        raise InputError(f"--out: expected a file ending in .parquet or .csv (got {out.name})")
    core = explorer.core
    if profile is None:
        write_table(of_all_users(core, by.value, top or TOP), out, explorer.user_count)
    else:
        count = min(top or len(explorer.items), int((~core.hidden(profile)).sum()))
        write_table(of_user(core, profile, by.value, top), out, count, "item_id", "items")
