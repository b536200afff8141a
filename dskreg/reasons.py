"""The strongest reason for a recommendation, in one sentence, from the trace's own numbers."""

from __future__ import annotations

import numpy as np

from dskreg.data.dataset import CO_LIKED
from dskreg.explanation import via_words
from dskreg.graph import CandidateGraph
from dskreg.model import Trace
from dskreg.people import Directory

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

    "Because you liked A and B" names the liked titles that add most to the score (`base` `[H, N]` through e_u, `gain` `[S, N]` through the
    user's picks); "drawn through ..." names the ties of the neighbours that add most on the item side.
    """
    added = base.copy()
    picked = trace.user.draw.picked[0].numpy()
    slots = trace.user.draw.slot[0].numpy()[picked]
    if len(history):
        np.add.at(added, slots, gain[picked])
    return [_sentence(directory, graph, trace, n, int(item), history, added[:, n]) for n, item in enumerate(items)]


def _sentence(directory: Directory, graph: CandidateGraph, trace: Trace, n: int, item: int, history: np.ndarray, added: np.ndarray) -> str:
    liked = [f"“{directory.titles[history[h]]}”" for h in _strongest(added)]
    because = f"Because you liked {' and '.join(liked)}" if liked else "Fits your taste as a whole"
    hop = trace.item
    contribution = np.where(hop.draw.picked[n].numpy(), hop.contribution[n, :, 0].numpy(), 0.0)
    chosen = _strongest(contribution)
    neighbour, relation = hop.neighbour[n].numpy()[chosen], hop.relation[n].numpy()[chosen]
    via = via_words(directory, graph, item, neighbour, relation)
    known = set(history.tolist())
    ties: dict[tuple[str, ...], list[str]] = {}
    for j, r, words in zip(neighbour.tolist(), relation, via, strict=True):
        name = graph.relations[r]
        shared, mark = ((), "") if name == CO_LIKED else (tuple(words[:2]), ", which you liked" if j in known else "")
        ties.setdefault((name, *shared), []).append(f"“{directory.titles[j]}”{mark}")
    return f"{because}; drawn through {' and '.join(tie(*key, titles=titles) for key, titles in ties.items())}." if ties else f"{because}."


def _strongest(values: np.ndarray) -> list[int]:
    """The position of the largest positive value, and of the second where it comes near."""
    order = np.argsort(-values, kind="stable")[:2]
    return [int(k) for k in order if values[k] > 0 and values[k] >= SECOND * values[order[0]]]


def tie(relation: str, *via: str, titles: list[str]) -> str:
    """Neighbours with the same tie, in words: "genre Mecha and Space (as “X” and “Y”, which you liked)"."""
    named = " and ".join(titles)
    if relation == CO_LIKED:
        return f"{named} (liked by the same viewers)"
    if relation == "franchise":
        return f"the same franchise as {named}"
    return f"{relation} {' and '.join(via)} (as {named})" if via else f"{relation} to {named}"
