"""`dskreg whatif`: the score of one item, its rank and the list before and after something is removed."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import pandas as pd
import typer

from dskreg import arguments as given
from dskreg.console import say, show
from dskreg.errors import InputError
from dskreg.results import opened, profile_of
from dskreg.text import between_commas

if TYPE_CHECKING:
    from dskreg.explorer import Change, Counterfactual, Explorer, Profile, WhatIf

MOST = 5  # items of the history that --smallest removes at most
DIRECTIONS = {"came": "added", "left": "removed", "stayed": "unchanged"}

WithoutItem = Annotated[
    str | None,
    typer.Option("--without-item", metavar="ID,ID,...", help="Remove these items from the user's history."),
]
WithoutEntity = Annotated[
    list[str] | None,
    typer.Option(
        "--without-entity",
        metavar="REL:NAME",
        help="Remove an entity from the graph, such as genre:Mecha; may be repeated.",
    ),
]
WithoutRelation = Annotated[
    list[str] | None,
    typer.Option(
        "--without-relation", metavar="REL", help="Remove a relation from the graph; may be repeated."
    ),
]
WithoutNeighbour = Annotated[
    str | None,
    typer.Option(
        "--without-neighbour",
        metavar="ID,ID,...",
        help="Remove these candidates of the item, under every relation.",
    ),
]
Smallest = Annotated[
    bool,
    typer.Option(
        "--smallest",
        help=f"Remove the fewest items of the history, at most {MOST}, that displace the first "
        "recommendation. --item is by default the first recommendation.",
    ),
]


def whatif(
    artifact: given.ArtifactPath,
    user: given.User = None,
    history: given.History = None,
    item: Annotated[str | None, typer.Option(help="The item's id.")] = None,
    without_item: WithoutItem = None,
    without_entity: WithoutEntity = None,
    without_relation: WithoutRelation = None,
    without_neighbour: WithoutNeighbour = None,
    smallest: Smallest = False,
    top: Annotated[int, typer.Option(help="The length of the lists.")] = 10,
    cold_boost: given.ColdBoost = None,
    adult: given.Adult = False,
    json: given.Json = False,
) -> None:
    """Score, rank and list before and after something is removed; the model computes them again."""
    if (user is None) == (history is None):
        raise InputError("whatif: expected exactly one of --user and --history")
    removals = (without_item, without_entity, without_relation, without_neighbour)
    if smallest and any(removals):
        raise InputError("--smallest: finds what to remove itself (got --without-...)")
    if item is None and not smallest:
        raise InputError("whatif: expected --item")
    explorer = opened(artifact, adult)
    if cold_boost is not None:
        explorer = explorer.boosted(cold_boost)
    profile = profile_of(explorer, user, history)
    removal = explorer.smallest_removal(profile, MOST) if smallest else None
    if removal is not None and removal.first is None:
        raise InputError(f"--smallest: nothing can be recommended to {profile.label}")
    item = str(removal.first) if item is None and removal is not None else str(item)
    if explorer.item(item)["adult"] and not explorer.adult:
        raise InputError(f"--item: item {item} is of an adult genre; add --adult to explain it")
    change = (
        changed(explorer, item, without_item, without_entity, without_relation, without_neighbour)
        if removal is None
        else removing(removal)
    )
    found = explorer.what_if(profile, item, change, top)
    if not change and removal is None:
        say("nothing is removed: before and after are the same")
    show(document(found, change, top, removal), json, text(found, profile, top, removal))


def changed(
    explorer: Explorer,
    item: str,
    items: str | None,
    entities: list[str] | None,
    relations: list[str] | None,
    neighbours: str | None,
) -> Change:
    """The change that the options name."""
    from dskreg.explorer import Change

    return Change(
        without_titles=tuple(ids("--without-item", items)),
        without_entities=tuple(entity(explorer, words) for words in entities or ()),
        without_relations=tuple(relations or ()),
        without_neighbours=tuple(
            pair
            for other in ids("--without-neighbour", neighbours)
            for pair in candidate(explorer, item, other)
        ),
    )


def removing(removal: Counterfactual) -> Change:
    """The change that takes the set out of the history."""
    from dskreg.explorer import Change

    return Change(without_titles=removal.removed)


def ids(option: str, given_ids: str | None) -> list[str]:
    """The ids of a list separated by commas, each once."""
    if given_ids is None:
        return []
    found = list(dict.fromkeys(between_commas(given_ids)))
    if not found:
        raise InputError(f"{option}: expected item ids separated by commas")
    return found


def entity(explorer: Explorer, words: str) -> tuple[str, str]:
    """(relation, entity) of REL:NAME; a relation's own name may hold colons, and the longest fits."""
    fitting = [name for name in explorer.relations if words.startswith(f"{name}:")]
    if not fitting:
        known = ", ".join(explorer.relations) or "none"
        raise InputError(
            f"--without-entity: expected RELATION:NAME (got {words!r}); the relations are {known}"
        )
    relation = max(fitting, key=len)
    return relation, words[len(relation) + 1 :].strip()


def candidate(explorer: Explorer, item: str, other: str) -> list[tuple[Any, str]]:
    """(id, relation) of each row in which the other item is a candidate of the item."""
    core = explorer.core
    row, position = core.directory.item(item), core.directory.item(other)
    numbers = core.graph.relation[row][core.graph.neighbour[row] == position]
    if not len(numbers):
        raise InputError(f"--without-neighbour: {other} is not a candidate of {item}")
    return [(core.directory.item_ids[position], explorer.relations[n]) for n in numbers]


def document(found: WhatIf, change: Change, top: int, removal: Counterfactual | None) -> dict[str, Any]:
    """What --json prints."""
    before, after = found.before, found.after
    made = {
        "user": before.user,
        "item": before.item_id,
        "title": before.title,
        "change": {
            "without_items": items_of(found, change),
            "without_entities": [{"relation": r, "entity": e} for r, e in change.without_entities],
            "without_relations": list(change.without_relations),
            "without_neighbours": [{"item_id": i, "relation": r} for i, r in change.without_neighbours],
        },
        "before": {
            "basis": before.basis,
            "score": before.score,
            "rank": found.rank_before,
            "ranked": found.ranked_before,
            "items": one_list(found.moves, "before", top),
        },
        "after": {
            "basis": after.basis,
            "score": after.score,
            "rank": found.rank_after,
            "ranked": found.ranked_after,
            "items": one_list(found.moves, "after", top),
        },
        "items_touched": found.touched,
        "neighbours": found.neighbours.replace({"change": DIRECTIONS}).to_dict("records"),
    }
    return made if removal is None else made | {"smallest": plain(asdict(removal))}


def items_of(found: WhatIf, change: Change) -> list[Any]:
    """The removed items' ids as the data write them."""
    known = {str(i): i for i in found.before.user_neighbours["item_id"]}
    return [known[str(i)] for i in change.without_titles]


def plain(values: dict[str, Any]) -> dict[str, Any]:
    """The values for JSON, which has no number that is none."""
    return {name: None if value != value else value for name, value in values.items()}


def one_list(moves: pd.DataFrame, side: str, top: int) -> list[dict[str, Any]]:
    """rank, item_id, title, score of one of the two lists."""
    rows = moves[moves[f"rank_{side}"].le(top).fillna(False)].sort_values(f"rank_{side}")
    columns = {f"rank_{side}": "rank", "item_id": "item_id", "title": "title", f"score_{side}": "score"}
    return rows[list(columns)].rename(columns=columns).to_dict("records")


def text(found: WhatIf, profile: Profile, top: int, removal: Counterfactual | None) -> str:
    """The answer for people: the item's score and rank, its neighbours, and the new list."""
    before, after, counts = found.before, found.after, found.neighbours["change"].map(DIRECTIONS)
    named = ", ".join(f"{(counts == name).sum()} {name}" for name in DIRECTIONS.values())
    lines = [
        f"{before.title}  [{before.item_id}], {profile.label}",
        f"  score       {before.score:8.4f} -> {after.score:.4f}",
        f"  rank        {place(found.rank_before, found.ranked_before)} -> "
        f"{place(found.rank_after, found.ranked_after)}",
        f"  neighbours  {named}",
        f"  the candidates of {found.touched:,} items change",
    ]
    if removal is not None:
        lines = [smallest_in_words(removal, before.user_neighbours), "", *lines]
    lines += ["", f"top {top} after the change (rank before):"]
    for row in found.moves.to_dict("records"):
        rank, was = (0 if value is pd.NA else int(value) for value in (row["rank_after"], row["rank_before"]))
        listed = f"{rank:>3}" if 1 <= rank <= top else "out"
        lines.append(
            f"{listed}  ({was or '-':>3})  {row['score_after']:8.4f}  {row['title']}  [{row['item_id']}]"
        )
    return "\n".join(lines)


def place(rank: int | None, ranked: int) -> str:
    """A rank in words; an item that the user has seen has none."""
    return "not ranked" if rank is None else f"{rank:,} of {ranked:,}"


def smallest_in_words(removal: Counterfactual, history: pd.DataFrame) -> str:
    """The smallest removal, or that there is none."""
    if not removal.found:
        found = (
            "no set that leaves at least one liked item displaces"
            if removal.proven
            else (f"no set of at most {removal.most} liked items was found that displaces")
        )
        return f"{found} {removal.first_title}  [{removal.first}]"
    titles = dict(zip(history["item_id"], history["title"], strict=True))
    named = " and ".join(f"{titles[i]}  [{i}]" for i in removal.removed)
    proof = "" if removal.proven else " (not proven to be the fewest)"
    return (
        f"without {named}{proof}: {removal.replacement_title}  [{removal.replacement}] is first instead of "
        f"{removal.first_title}  [{removal.first}]"
    )
