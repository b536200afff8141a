"""One person's test on the model's hidden titles, as a row of a small table."""

import pandas as pd
import streamlit as st

from dskreg.explorer import Explorer, Profile
from dskreg.ui.common import cache
from dskreg.ui.common.widgets import plain
from dskreg.ui.model.scoreboard import MEASURES, MODEL

DEPTHS = (10, 20)
ONE_PERSON = {
    "recall": "Share of this person's hidden titles that are among the first K.",
    "ndcg": "Like recall, but a hit near the top counts more; 1 is a perfect order.",
    "hit": "1 if at least one hidden title is among the first K, else 0.",
    "mrr": "One divided by the rank of the first hidden title that is found.",
}


def show_found(rows: list[tuple[str, Explorer, Profile]], key: str) -> None:
    """How well each model (second) finds again what it hid of the person (third); why not, where there is
    nothing to test.
    """
    depth = DEPTHS[0]
    found: list[dict[str, object]] = []
    for name, explorer, profile in rows:
        if why := cache.ask(explorer, "rivals.untestable", profile):
            st.caption(plain(f"{name}: {why}"))
            continue
        figures = cache.ask(explorer, "rivals.metrics", profile, (MODEL,)).loc[MODEL]
        hidden = len(cache.ask(explorer, "rivals.held_out", profile, (MODEL,)))
        found.append(
            {"name": name, "hidden": hidden}
            | {measure: figures[f"{measure}@{depth}"] for measure in ONE_PERSON}
        )
    if not found:
        return
    config = {
        "name": st.column_config.TextColumn("", width=130),
        "hidden": st.column_config.NumberColumn("Hidden titles", width=100),
    }
    config |= {
        measure: st.column_config.NumberColumn(f"{MEASURES[measure][0]}@{depth}", format="%.3f", help=text)
        for measure, text in ONE_PERSON.items()
    }
    alt = f"Test figures among the first {depth} for {', '.join(str(row['name']) for row in found)}"
    st.dataframe(pd.DataFrame(found), hide_index=True, key=f"{key} found", column_config=config, alt=alt)
    st.caption(
        "Some titles that a person likes are hidden from training; a good model finds them again. A few titles of one person owe much to chance."
    )
