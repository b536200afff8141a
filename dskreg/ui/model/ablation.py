"""Which part of the method does what: one part changed at a time, as benchmarks/accuracy.py --part share left
it.
"""

import pandas as pd
import streamlit as st

from dskreg.ui.common.widgets import listed, plain

VIEWS = {
    "warm": ("Where every title competes", "all titles"),
    "among the cold": ("Among titles that nobody has liked", "unliked titles"),
}
WHOLE, NAMED = "default", 4
CHANCE = "Half the 95 % confidence interval of the change, over people: what another seed would change is not in it. A smaller change may be chance."
COLUMNS = {"model": st.column_config.TextColumn("Changed", pinned=True)} | {
    f"{figure} {view}": column
    for view, (where, short) in VIEWS.items()
    for figure, column in {
        "ndcg@20": st.column_config.NumberColumn(f"NDCG@20, {short}", format="%.4f", help=f"{where}."),
        "gain": st.column_config.NumberColumn(
            "change", format="%+.1f %%", help=f"{where}: beside the whole method, person by person."
        ),
        "within": st.column_config.NumberColumn("±", format="%.1f %%", help=CHANCE),
    }.items()
}


def tables(document: dict) -> dict[str, pd.DataFrame]:
    """By data set, one row per change, the costliest where every title competes first; those that were
    measured person by person alone.
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


def told(table: pd.DataFrame, view: str) -> str:
    """What surely costs most and what surely gains, in a sentence that follows from the numbers; "" where the
    view is missing.
    """
    if f"gain {view}" not in table:
        return ""
    changed = table[table["model"] != WHOLE].set_index("model").dropna(subset=f"gain {view}")
    gain, within = changed[f"gain {view}"], changed[f"within {view}"]
    worse, better = gain[gain < -within].sort_values(), gain[gain > within].sort_values(ascending=False)

    def named(part: pd.Series) -> str:
        shown = [f"*{plain(name)}* ({value:+.1%})" for name, value in part[:NAMED].items()]
        return ", ".join([*shown, f"and {len(part) - NAMED} more"]) if len(part) > NAMED else listed(shown)

    rest = len(changed) - len(worse) - len(better)
    said = [
        f"worse than the whole: {named(worse)}" if len(worse) else "nothing is surely worse than the whole",
        f"better: {named(better)}" if len(better) else "",
        f"not to be told from chance: {rest} of {len(changed)} changes" if rest else "",
    ]
    return f"{VIEWS[view][0]}, {'; '.join(words for words in said if words)}."


def show(table: pd.DataFrame, data: str) -> None:
    """The sentences and the table."""
    for sentence in filter(None, (told(table, view) for view in VIEWS)):
        st.markdown(sentence)
    st.dataframe(
        table.assign(
            **{column: 100 * table[column] for column in table if column.startswith(("gain", "within"))}
        ),
        hide_index=True,
        height="content",
        placeholder="–",
        column_config=COLUMNS,
        alt=f"{data}: NDCG with one part of the method changed at a time, and the change beside the whole method",
    )
