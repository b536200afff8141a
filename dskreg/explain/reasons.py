"""The strongest reason for a recommendation, in one sentence, from the trace's own numbers."""

from __future__ import annotations

import numpy as np

from dskreg.explain.explanation import via_words
from dskreg.graph.candidates import CandidateGraph
from dskreg.model.aggregation import Trace
from dskreg.serving.directory import Directory

UNKNOWN = "nothing is known of this user's taste"
"""Part of the reason for a user without likes."""
TOLD = 0.05  # neighbours are named from this share of the score on
SECOND = 0.6  # a second title or neighbour is named from this share of the largest contribution


def reasons(
    directory: Directory,
    graph: CandidateGraph,
    trace: Trace,
    items: np.ndarray,
    history: np.ndarray,
    added: np.ndarray,
) -> list[str]:
    """One sentence per item of `items` `[N]` for one user (B = 1).

    "Because you liked A and B" names the liked titles with the largest contributions `added` `[H, N]` to the
    score, or says that none contributes.
    "sampled through ..." names the relations of the item-side neighbours with the largest contributions,
    where neighbours add at least TOLD of the score.
    """
    return [
        _sentence(directory, graph, trace, n, int(item), history, added[:, n]) for n, item in enumerate(items)
    ]


def by_popularity(likes: int) -> str:
    """The reason for a user without likes."""
    return f"Liked by {f'{likes:,}' if likes else 'no'} user{'s' * (likes != 1)}; {UNKNOWN}."


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
        f"None of the {len(history)} titles you liked contributes"
        if len(history) > 1
        else "The title you liked does not contribute"
    )
    because = (
        f"Because you liked {' and '.join(f'“{directory.titles[i]}”' for i in liked)}"
        if liked
        else f"{none} to the score"
    )
    hop = trace.item
    contribution = np.where(hop.draw.picked[n].numpy(), hop.contribution[n, :, 0].numpy(), 0.0)
    told = contribution.sum() >= TOLD * abs(float(hop.pre_activation[n, 0]))
    chosen = _strongest(contribution) if told else []
    neighbour, relation = hop.neighbour[n].numpy()[chosen], hop.relation[n].numpy()[chosen]
    via = via_words(directory, graph, item, neighbour, relation)
    shared: dict[tuple[str, ...], list[int]] = {}  # {(relation, entities): neighbours}
    for j, r, words in zip(neighbour.tolist(), relation, via, strict=True):
        name = graph.relations[r]
        shared.setdefault((name, *words[:2]), []).append(j)
    known = set(history.tolist())
    through = [
        in_words(
            *key,
            titles=_reference(liked, js) or named([(f"“{directory.titles[j]}”", j in known) for j in js]),
        )
        for key, js in shared.items()
    ]
    return f"{because}; sampled through {' and '.join(through)}." if through else f"{because}."


def _reference(named_before: list[int], titles: list[int]) -> str:
    """A pronoun where the titles are those that the sentence has just named, else nothing."""
    if set(named_before) != set(titles):
        return ""
    return "it" if len(set(titles)) == 1 else "these two"


def named(titles: list[tuple[str, bool]]) -> str:
    """One or two (name, liked): "“A”, which you liked, and “B”"."""
    first, *rest = sorted(titles, key=lambda title: not title[1])
    if not rest:
        return first[0] + ", which you liked" * first[1]
    if first[1] and not rest[0][1]:
        return f"{first[0]}, which you liked, and {rest[0][0]}"
    return f"{first[0]} and {rest[0][0]}" + ", which you liked" * first[1]


def _strongest(values: np.ndarray) -> list[int]:
    """The positions of the largest positive value and, from the share SECOND of it, of the second largest."""
    order = np.argsort(-values, kind="stable")[:2]
    return [int(k) for k in order if values[k] > 0 and values[k] >= SECOND * values[order[0]]]


def in_words(relation: str, *via: str, titles: str) -> str:
    """A relation and its entities in words: "genre Mecha and Space (as “X” and “Y”, which you liked)"."""
    if relation == "franchise":
        return f"the same franchise as {titles}"
    return f"{relation} {' and '.join(via)} (as {titles})" if via else f"{relation} to {titles}"
