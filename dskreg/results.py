"""What commands of dskreg/cli.py answer: a document and its text."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from dskreg import load
from dskreg.console import listing, reset_rows, say
from dskreg.errors import InputError
from dskreg.text import many

if TYPE_CHECKING:
    from dskreg.arguments import Exclude
    from dskreg.explorer import Explorer, Profile


def opened(artifact: Path, adult: bool) -> Explorer:
    """The artifact's Explorer, without adult items unless they are asked for."""
    explorer = load(artifact)
    return explorer if adult else explorer.without_adult


def profile_of(explorer: Explorer, user: str | None, history: str | None) -> Profile:
    """The profile that --user or --history names."""
    if user is not None:
        return explorer.profile(user)
    from dskreg.text import between_commas

    ids = between_commas(history or "")
    if not ids:
        raise InputError("--history: expected item ids separated by commas")
    return explorer.profile_of(ids)


def write_all(
    explorer: Explorer,
    out: Path,
    top: int,
    exclude: Exclude,
    most_likes: int | None,
    cold_boost: float | None,
) -> None:
    """Write the lists of all users to a file."""
    from dskreg.serving.table_files import write_table

    lists = explorer.lists(top, exclude.value, most_likes, cold_boost)
    write_table(lists, out, explorer.user_count)
    _say_unknown(int((explorer.tastes.liked == 0).sum()))


def write_histories(
    explorer: Explorer,
    histories: Path,
    seen: Path | None,
    out: Path,
    top: int,
    most_likes: int | None,
    cold_boost: float | None,
) -> None:
    """Write the lists of users who are not in the data to a file."""
    from dskreg.explain.lists import of_histories
    from dskreg.serving.histories import read
    from dskreg.serving.table_files import write_table

    people = read(explorer.directory, histories, seen)
    for note in people.notes:
        say(f"note: {note}")
    lists = of_histories(explorer.core.boosted(cold_boost), people, top, most_likes)
    write_table(lists, out, len(people.user_ids))
    _say_unknown(int((people.likes.getnnz(1) == 0).sum()))


def _say_unknown(users: int) -> None:
    from dskreg.explain.reasons import UNKNOWN

    if users:
        say(f"{many(users, 'user')} without a like: {UNKNOWN}; listed by popularity, all scores are 0")


def one_list(
    explorer: Explorer,
    profile: Profile,
    top: int,
    index_folder: Path | None,
    most_likes: int | None,
    cold_boost: float | None,
) -> tuple[dict[str, Any], str]:
    """The recommendations of one user as a document and as text."""
    from dskreg.explain.reasons import UNKNOWN

    if index_folder is None:
        frame = explorer.recommend(profile, top, most_likes=most_likes, cold_boost=cold_boost)
    else:
        from dskreg.retrieval.index import load as load_index

        frame = load_index(index_folder, explorer).recommend(explorer, profile, top)
    items = frame[["rank", "item_id", "title", "score", "reason"]].to_dict("records")
    basis = "model" if profile.history else "popularity"
    heading = (
        profile.label if profile.history else f"{profile.label}: {UNKNOWN}; by popularity, all scores are 0"
    )
    return {"user": profile.user_id, "basis": basis, "items": items}, listing(heading, items)


def reset_table(explorer: Explorer, users: int, json: bool) -> tuple[dict[str, Any], bool, str]:
    """What `show` prints: what each part of the model is worth."""
    from dskreg.evaluation.resets import resets

    artifact = explorer.core.artifact
    say(f"resetting one part at a time, NDCG@20 of up to {users:,} users")
    rows = resets(explorer.model, artifact.dataset.folds, artifact.config.seed, users)
    return {"resets": rows}, json, reset_rows(rows)


def add_titles(
    artifact: Path, items: Path, out: Path, columns: str | None, json: bool
) -> tuple[dict[str, Any], bool, str]:
    """Write the enlarged artifact; what `show` prints of it."""
    from dskreg.pipeline import writable
    from dskreg.serving.directory import to_python
    from dskreg.serving.new_items import add
    from dskreg.serving.new_titles import read
    from dskreg.storage import artifact as artifacts
    from dskreg.storage import folders
    from dskreg.storage.places import find

    whole = artifacts.load(find(artifact))
    new = read(items, whole.dataset, columns)
    writable(out)
    found = add(whole, new, items.name)
    with folders.alone(out, "another run"):
        artifacts.save(found.artifact, out)
    for note in found.notes:
        say(f"note: {note}")
    rows = [
        {"item_id": to_python(item_id), "title": title, "candidates": int(count)}
        for item_id, title, count in zip(
            new.items["item_id"], new.items["title"], found.candidates, strict=True
        )
    ]
    return {"added": rows, "notes": list(found.notes)}, json, f"{out}: {many(len(rows), 'item')} added"
