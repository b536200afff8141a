"""The score as a sum: the own embedding by liked item, the sampled neighbours, and the bias."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
    if own.empty:  # an item without an embedding of its own
        own = pd.DataFrame([{"source": attribution.ITSELF, "contribution": explanation.self_contribution}])
    own = own.assign(
        group=OWN,
        term=own["source"].replace(attribution.GLOBAL, f"{attribution.GLOBAL} (the same for every user)"),
        relation="",
    )
    around = explanation.item_neighbours[explanation.item_neighbours["picked"]]
    around = around.assign(group=AROUND, term=around["title"])
    rows = [
        frame.sort_values("contribution", key=abs, ascending=False, kind="stable") for frame in (own, around)
    ]
    columns = ["group", "term", "relation", "contribution"]
    table = pd.concat([frame[columns] for frame in rows], ignore_index=True)
    if explanation.bias:
        table.loc[len(table)] = [BIAS, attribution.BIAS, "", explanation.bias]
    total = explanation.pre_activation_score
    return table.assign(share=table["contribution"] / total if total > SMALLEST else np.nan)


def bars(table: pd.DataFrame) -> pd.DataFrame:
    """label, note, contribution, share, group, head: the chart's rows. A head row per group of
    `terms`, and below it the largest terms and the sum of the others.
    """
    rows = []
    for group, terms in table.groupby("group", sort=False):
        rows.append((group, "", *_sums(terms), group, True))
        if terms["term"].isin([attribution.ITSELF, attribution.BIAS]).all():  # the head says it
            continue
        most, what = (LIKES, "liked items") if group == OWN else (NEIGHBOURS, "neighbours")
        most += len(terms) == most + 1  # a row for the last is as long as one for "1 more"
        rows += [(*term, group, False) for term in terms[TERM].to_numpy()[:most].tolist()]
        if len(rest := terms.iloc[most:]):
            rows.append((f"{len(rest)} more {what}", "", *_sums(rest), group, False))
    return pd.DataFrame(rows, columns=["label", "note", "contribution", "share", "group", "head"])


def _sums(terms: pd.DataFrame) -> tuple[float, float]:
    return float(terms["contribution"].sum()), float(terms["share"].sum(skipna=False))
