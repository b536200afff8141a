"""The reason for a recommendation in two short sentences, from the trace's own numbers."""

from __future__ import annotations

import numpy as np

from dskreg.graph.candidates import CandidateGraph
from dskreg.graph.entities import shared_entities
from dskreg.model.aggregation import Trace
from dskreg.serving.directory import Directory

UNKNOWN = "nothing is known of this user's taste"
"""Part of the reason for a user without likes."""
TOLD = 0.05  # neighbours are named from this share of the score on
SECOND = 0.6  # a second title or neighbour is named from this share of the largest contribution
COMMONEST = 2  # so many of the most frequent genres are never named
WIDESPREAD = 0.2  # nor is an entity that more than this share of the items carry


def reasons(
    directory: Directory,
    graph: CandidateGraph,
    trace: Trace,
    items: np.ndarray,
    history: np.ndarray,
    added: np.ndarray,
    who: str = "you",
) -> list[str]:
    """The reason for each item of `items` `[N]` for one user (B = 1), whom the text calls `who`.

    "Similar to A and B" names the liked titles with the largest contributions `added` `[H, N]` to the score,
    or says that none contributes. "Shares studio S with C" names the most specific entity through which the
    item-side neighbours with the largest contributions were sampled, where neighbours add at least TOLD of
    the score.
    """
    degree: dict[str, np.ndarray] = {}  # {relation: number of items that carry each entity}
    found = []
    for n, item in enumerate(items):
        liked = [int(history[h]) for h in strongest(added[:, n])]
        told = _through(directory, graph, trace, n, int(item), degree)
        found.append(f"{_similar(directory, liked, len(history), who)}{' ' * bool(told)}{told}")
    return found


def by_popularity(likes: int) -> str:
    """The reason for a user without likes."""
    return f"Liked by {f'{likes:,}' if likes else 'no'} user{'s' * (likes != 1)}; {UNKNOWN}."


def strongest(values: np.ndarray) -> list[int]:
    """The positions of the largest positive value and, from the share SECOND of it, of the second largest."""
    order = np.argsort(-values, kind="stable")[:2]
    return [int(k) for k in order if values[k] > 0 and values[k] >= SECOND * values[order[0]]]


def _similar(directory: Directory, liked: list[int], likes: int, who: str) -> str:
    if liked:
        return f"Similar to {' and '.join(f'“{directory.titles[i]}”' for i in liked)}, which {who} liked."
    if likes == 1:
        return f"The item that {who} liked does not contribute to the score."
    return f"None of the {likes} items that {who} liked contributes to the score."


def _through(
    directory: Directory,
    graph: CandidateGraph,
    trace: Trace,
    n: int,
    item: int,
    degree: dict[str, np.ndarray],
) -> str:
    """What the item shares with the neighbours that contribute most; "" where neighbours add too little."""
    hop = trace.item
    contribution = np.where(hop.draw.picked[n].numpy(), hop.contribution[n, :, 0].numpy(), 0.0)
    if contribution.sum() < TOLD * abs(float(hop.pre_activation[n, 0])):
        return ""
    chosen = strongest(contribution)
    edges = [(int(hop.neighbour[n, k]), graph.relations[int(hop.relation[n, k])]) for k in chosen]
    shared: dict[tuple[str, int], list[int]] = {}  # {(relation, entity): neighbours}
    for j, name in edges:
        for entity in shared_entities(directory.carriers(name), item, np.array([j]))[0]:
            shared.setdefault((name, entity), []).append(j)
    carried = {key: _carried(directory, *key, degree) for key in shared if _telling(directory, *key, degree)}
    if not carried:
        return linked(edges[0][1], f"“{directory.titles[edges[0][0]]}”") if edges else ""
    name, entity = min(carried, key=lambda key: (carried[key], -len(shared[key]), key))
    titles = " and ".join(f"“{directory.titles[j]}”" for j in dict.fromkeys(shared[name, entity]))
    return linked(name, titles, str(directory.entities[entity]))


def _carried(directory: Directory, relation: str, entity: int, degree: dict[str, np.ndarray]) -> int:
    """The number of items that carry the entity under the relation."""
    if relation not in degree:
        matrix = directory.carriers(relation)
        degree[relation] = np.bincount(matrix.indices, minlength=matrix.shape[1])
    return int(degree[relation][entity])


def _telling(directory: Directory, relation: str, entity: int, degree: dict[str, np.ndarray]) -> bool:
    """Does the entity say something about an item? The commonest genres and widespread entities do not."""
    if directory.nameless[entity] or str(directory.entities[entity]) in directory.genre_names[:COMMONEST]:
        return False
    return _carried(directory, relation, entity, degree) <= WIDESPREAD * len(directory.titles)


def linked(relation: str, titles: str, entity: str = "") -> str:
    """What an item shares with these titles, as a sentence."""
    if relation == "franchise" and entity:
        return f"Same franchise as {titles}."
    if not entity:
        return f"Linked to {titles} by {relation}."
    named = entity if entity.casefold().startswith(relation.casefold()) else f"{relation} {entity}"
    return f"Shares {named} with {titles}."
