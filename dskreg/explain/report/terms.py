"""The score as a sum: the own embedding by liked item, the sampled neighbours, and the bias."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from dskreg.explain import attribution

if TYPE_CHECKING:
    from dskreg.explain.explanation import Explanation

SMALLEST = 5e-4  # what three decimals show
LIKES, NEIGHBOURS = 6, 8  # terms with a bar of their own
TERM = ["term", "relation", "contribution", "share"]
OWN, AROUND, BIAS = "Own embedding", "Sampled neighbours", "Bias"


def decomposition(explanation: Explanation) -> pd.DataFrame:
    """`Explanation.terms`."""
    own = explanation.own
    # An item may have no embedding of its own
    sources = zip(own["source"], own["contribution"], strict=True) if len(own) else ()
    parts = list(sources) or [(attribution.ITSELF, explanation.self_contribution)]
    named = {attribution.GLOBAL: f"{attribution.GLOBAL} (the same for every user)"}
    rows = _largest_first([(OWN, named.get(source, source), "", added) for source, added in parts])
    around = explanation.item_neighbours[explanation.item_neighbours["picked"]]
    columns = (around[name].tolist() for name in ("title", "relation", "contribution"))
    rows += _largest_first([(AROUND, *term) for term in zip(*columns, strict=True)])
    if explanation.bias:
        rows.append((BIAS, attribution.BIAS, "", explanation.bias))
    table = pd.DataFrame(rows, columns=["group", "term", "relation", "contribution"])
    total = explanation.pre_activation_score
    return table.assign(share=table["contribution"] / total if total > SMALLEST else np.nan)


def _largest_first(rows: list[tuple[str, str, str, float]]) -> list[tuple[str, str, str, float]]:
    return sorted(rows, key=lambda row: -abs(row[3]))


def bars(table: pd.DataFrame) -> pd.DataFrame:
    """label, note, contribution, share, group, head: the chart's rows. A head row per group of
    `terms`, and below it the largest terms and the sum of the others.
    """
    groups: dict[str, list[tuple[Any, ...]]] = {}
    for group, *term in table[["group", *TERM]].to_numpy().tolist():
        groups.setdefault(group, []).append(tuple(term))
    rows: list[tuple[Any, ...]] = []
    for group, terms in groups.items():
        rows.append((group, "", *_sums(terms), group, True))
        if {term[0] for term in terms} <= {attribution.ITSELF, attribution.BIAS}:  # the head says it
            continue
        most, what = (LIKES, "liked items") if group == OWN else (NEIGHBOURS, "neighbours")
        most += len(terms) == most + 1  # a row for the last is as long as one for "1 more"
        rows += [(*term, group, False) for term in terms[:most]]
        if rest := terms[most:]:
            rows.append((f"{len(rest)} more {what}", "", *_sums(rest), group, False))
    return pd.DataFrame(rows, columns=["label", "note", "contribution", "share", "group", "head"])


def _sums(terms: list[tuple[Any, ...]]) -> tuple[float, float]:
    """The contribution and the share, not a number where a share is none, of terms as in TERM."""
    return sum(term[2] for term in terms), sum(term[3] for term in terms)
