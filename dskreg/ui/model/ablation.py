"""The ablations of the method, as measured by `benchmarks/accuracy.py --part share`."""

import pandas as pd
import streamlit as st

from dskreg.explorer import signed_percent
from dskreg.ui.common.widgets import listed, plain

VIEWS = {
    "warm": ("All items as candidates", "all items"),
    "among the cold": ("Cold items as candidates", "cold items"),
}
WHOLE, NAMED = "default", 4
CHANCE = "Half the 95% confidence interval of the change over users; a smaller change is not significant."
COLUMNS = {"model": st.column_config.TextColumn("Variant", pinned=True)} | {
    f"{figure} {view}": column
    for view, (where, short) in VIEWS.items()
    for figure, column in {
        "ndcg@20": st.column_config.NumberColumn(f"NDCG@20, {short}", format="%.4f", help=f"{where}."),
        "gain": st.column_config.NumberColumn(
            "Change",
            format="%+.1f %%",
            help=f"{where}: change of NDCG@20 from the full method, paired by user.",
        ),
        "within": st.column_config.NumberColumn("±", format="%.1f %%", help=CHANCE),
    }.items()
}


def tables(document: dict) -> dict[str, pd.DataFrame]:
    """By dataset, one row per variant, the largest loss on all items first.

    Only variants that were compared user by user are included.
    """
    found: dict[str, pd.DataFrame] = {}
    for section, rows in document.items():
        data, _, view = section.partition(": ")
        if data.endswith(".share") and view in VIEWS and any("gain" in row for row in rows):
            table = (
                pd.DataFrame(rows).set_index("model")[["ndcg@20", "gain", "within"]].add_suffix(f" {view}")
            )
            name = data.removesuffix(".share")
            found[name] = found[name].join(table, how="outer") if name in found else table
    first = next(iter(VIEWS))
    return {
        name: table.sort_values(f"gain {first}", na_position="first").reset_index()
        for name, table in found.items()
        if f"gain {first}" in table
    }


def summary(table: pd.DataFrame, view: str) -> str:
    """The significant losses and gains in a sentence; "" where the view is missing."""
    if f"gain {view}" not in table:
        return ""
    changed = table[table["model"] != WHOLE].set_index("model").dropna(subset=f"gain {view}")
    gain, within = changed[f"gain {view}"], changed[f"within {view}"]
    worse, better = gain[gain < -within].sort_values(), gain[gain > within].sort_values(ascending=False)

    def named(part: pd.Series) -> str:
        shown = [f"*{plain(name)}* ({signed_percent(value)})" for name, value in part[:NAMED].items()]
        return ", ".join([*shown, f"and {len(part) - NAMED} more"]) if len(part) > NAMED else listed(shown)

    rest = len(changed) - len(worse) - len(better)
    parts = [
        f"significantly worse: {named(worse)}" if len(worse) else "no variant is significantly worse",
        f"significantly better: {named(better)}" if len(better) else "",
        f"not significant: {rest} of {len(changed)} variants" if rest else "",
    ]
    return f"{VIEWS[view][0]}: {'; '.join(filter(None, parts))}."


def show(table: pd.DataFrame, data: str) -> None:
    """The summary of each view, and the table."""
    for sentence in filter(None, (summary(table, view) for view in VIEWS)):
        st.markdown(sentence)
    st.dataframe(
        table.assign(
            **{column: 100 * table[column] for column in table if column.startswith(("gain", "within"))}
        ),
        hide_index=True,
        height="content",
        placeholder="–",
        column_config=COLUMNS,
        alt=f"{data}: NDCG of each variant of the method, and its change from the full method",
    )
