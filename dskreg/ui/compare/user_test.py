"""One user's test on the held-out items, as a row of a small table."""

import pandas as pd
import streamlit as st

from dskreg.explorer import MODEL, Explorer, Profile
from dskreg.ui.common import cache
from dskreg.ui.common.widgets import plain
from dskreg.ui.model.scoreboard import MEASURES

CUTOFFS = (10, 20)
ONE_USER = {  # measure: help
    "recall": "The share of this user's held-out items among the first K.",
    "ndcg": "Like recall, with more weight on hits near the top; 1 is a perfect order.",
    "hit": "1 if at least one held-out item is among the first K, otherwise 0.",
    "mrr": "One divided by the rank of the first held-out item; 0 if none is among the first K.",
}


def show_user_test(rows: list[tuple[str, Explorer, Profile]], key: str) -> None:
    """The test figures of each (name, model, user), or the reason why there are none."""
    cutoff = CUTOFFS[0]
    tested: list[dict[str, object]] = []
    for name, explorer, profile in rows:
        if reason := cache.ask(explorer, "rivals.untestable", profile):
            st.caption(plain(f"{name}: {reason}"))
            continue
        figures = cache.ask(explorer, "rivals.metrics", profile, (MODEL,)).loc[MODEL]
        held_out = len(cache.ask(explorer, "rivals.held_out", profile, (MODEL,)))
        tested.append(
            {"name": name, "held_out": held_out}
            | {measure: figures[f"{measure}@{cutoff}"] for measure in ONE_USER}
        )
    if not tested:
        return
    config = {
        "name": st.column_config.TextColumn("", width=130),
        "held_out": st.column_config.NumberColumn(
            "Held-out items", width=110, help="The number of this user's likes that were kept for the test."
        ),
    }
    config |= {
        measure: st.column_config.NumberColumn(f"{MEASURES[measure][0]}@{cutoff}", format="%.3f", help=text)
        for measure, text in ONE_USER.items()
    }
    names = ", ".join(str(row["name"]) for row in tested)
    st.dataframe(
        pd.DataFrame(tested),
        hide_index=True,
        key=f"{key} found",
        column_config=config,
        alt=f"Test figures at {cutoff} for {names}",
    )
    st.caption(
        "The test asks whether the model ranks a user's held-out items near the top. "
        "The figures of one user rest on few items and vary by chance."
    )
