"""The strongest reason for a recommendation, in one sentence, from the trace's own numbers."""

from __future__ import annotations

import numpy as np

from dskreg.data.dataset import CO_LIKED
from dskreg.explain.explanation import via_words
from dskreg.graph.candidates import CandidateGraph
from dskreg.model.aggregation import Trace
from dskreg.serving.directory import Directory

UNKNOWN = "nothing is known of this user's taste"
"""Said of somebody without a like."""
SECOND = 0.6  # a second title or tie is named when it adds at least this share of the first


def reasons(
    directory: Directory,
    graph: CandidateGraph,
    trace: Trace,
    items: np.ndarray,
    history: np.ndarray,
    base: np.ndarray,
    gain: np.ndarray,
) -> list[str]:
    """One sentence per title of `items` `[N]` for one person (B = 1).

    "Because you liked A and B" names the liked titles that add most to the score (`base` `[H, N]` through
    e_u, `gain` `[S, N]` through the user's picks), or it says that none adds to it; "drawn through ..." names
    the ties of the neighbours that add most on the item side.
    """
    added = base.copy()
    picked = trace.user.draw.picked[0].numpy()
    slots = trace.user.draw.slot[0].numpy()[picked]
    np.add.at(added, slots, gain[picked])
    return [
        _sentence(directory, graph, trace, n, int(item), history, added[:, n]) for n, item in enumerate(items)
    ]


def by_popularity(likes: int) -> str:
    """The reason for somebody without a like."""
    who = "nobody" if not likes else "1 person" if likes == 1 else f"{likes:,} people"
    return f"Liked by {who}; {UNKNOWN}."


def _sentence(
    directory: Directory,
    graph: CandidateGraph,
    trace: Trace,
    n: int,
    item: int,
    history: np.ndarray,
    added: np.ndarray,
) -> str:
    liked = [int(history[h]) for h in _strongest(added)]
    none = (
        f"None of the {len(history)} titles you liked adds"
        if len(history) > 1
        else "The title you liked does not add"
    )
    because = (
        f"Because you liked {' and '.join(f'“{directory.titles[i]}”' for i in liked)}"
        if liked
        else f"{none} to the score"
    )
    hop = trace.item
    contribution = np.where(hop.draw.picked[n].numpy(), hop.contribution[n, :, 0].numpy(), 0.0)
    chosen = _strongest(contribution)
    neighbour, relation = hop.neighbour[n].numpy()[chosen], hop.relation[n].numpy()[chosen]
    via = via_words(directory, graph, item, neighbour, relation)
    ties: dict[tuple[str, ...], list[int]] = {}
    for j, r, words in zip(neighbour.tolist(), relation, via, strict=True):
        name = graph.relations[r]
        ties.setdefault((name, *(() if name == CO_LIKED else words[:2])), []).append(j)
    known = set(history.tolist())
    through = [
        tie(
            *key,
            titles=_reference(liked, js)
            or named([(f"“{directory.titles[j]}”", key[0] != CO_LIKED and j in known) for j in js]),
        )
        for key, js in ties.items()
    ]
    return f"{because}; drawn through {' and '.join(through)}." if through else f"{because}."


def _reference(said: list[int], titles: list[int]) -> str:
    """A short word for titles that the sentence has just named; empty where they are others."""
    if set(said) != set(titles):
        return ""
    return "it" if len(set(said)) == 1 else "these two"


def named(titles: list[tuple[str, bool]]) -> str:
    """One or two names, with a mark on those that the person likes: "“A”, which you liked, and “B”"."""
    first, *rest = sorted(titles, key=lambda one: not one[1])
    if not rest:
        return first[0] + ", which you liked" * first[1]
    if first[1] and not rest[0][1]:
        return f"{first[0]}, which you liked, and {rest[0][0]}"
    return f"{first[0]} and {rest[0][0]}" + ", which you liked" * first[1]


def _strongest(values: np.ndarray) -> list[int]:
    """The position of the largest positive value, and of the second where it comes near."""
    order = np.argsort(-values, kind="stable")[:2]
    return [int(k) for k in order if values[k] > 0 and values[k] >= SECOND * values[order[0]]]


def tie(relation: str, *via: str, titles: str) -> str:
    """Neighbours with the same tie, in words: "genre Mecha and Space (as “X” and “Y”, which you liked)"."""
    if relation == CO_LIKED:
        return f"{titles} (liked by the same viewers)"
    if relation == "franchise":
        return f"the same franchise as {titles}"
    return f"{relation} {' and '.join(via)} (as {titles})" if via else f"{relation} to {titles}"
