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
    ties = [tie(graph.relations[r], words, str(directory.titles[j]), j in known) for j, r, words in zip(neighbour.tolist(), relation, via, strict=True)]
    return f"{because}; drawn through {' and '.join(dict.fromkeys(ties))}." if ties else f"{because}."


def _strongest(values: np.ndarray) -> list[int]:
    """The position of the largest positive value, and of the second where it comes near."""
    order = np.argsort(-values, kind="stable")[:2]
    return [int(k) for k in order if values[k] > 0 and values[k] >= SECOND * values[order[0]]]


def tie(relation: str, via: list[str], title: str, liked: bool) -> str:
    """A neighbour's tie in words: "Mecha and Space (as “X”, which you liked)"."""
    of = f"“{title}”, which you liked" if liked else f"“{title}”"
    if relation == CO_LIKED:
        return f"{of}, liked by the same viewers" if not liked else f"“{title}”, liked by you and the same viewers"
    if relation == "franchise":
        return f"the same franchise as {of}"
    return f"{relation} {' and '.join(via[:2])} (as {of})" if via else f"{relation} to {of}"
