"""All models of the artifacts folder in a table: open one, compare two."""

from typing import Any

import pandas as pd
import streamlit as st

from dskreg.explorer import legible
from dskreg.storage.catalogue import summaries
from dskreg.ui.common import cache
from dskreg.ui.common.widgets import listed, plain
from dskreg.ui.runs import form

MOST = 2  # models side by side
LABELS = {
    "name": "Model",
    "dataset": "Data",
    "ndcg@20": "NDCG@20",
    "baseline ndcg@20": "Best baseline",
    "baseline": "which is",
    "recall@20": "Recall@20",
    "coverage@20": "Coverage@20",
    "viewers": "Viewers",
    "titles": "Titles",
    "preset": "Settings",
    "seed": "Seed",
    "created": "Made",
    "size": "Size",
}
HELPS = {
    "ndcg@20": "How well the hidden titles are ranked among the first 20; 1 is perfect. On the model's own test data.",
    "baseline ndcg@20": "NDCG@20 of the best simple recommender (popularity, item-kNN or EASE) on the same test.",
    "recall@20": "Share of a person's hidden titles that are among the first 20.",
    "coverage@20": "Share of the catalogue that is recommended to at least one person.",
    "preset": "The group of settings it was trained with.",
    "seed": "The number that all chance was derived from.",
}
FORMATS = {
    "ndcg@20": "%.4f",
    "baseline ndcg@20": "%.4f",
    "recall@20": "%.4f",
    "coverage@20": "%.3f",
    "size": "%.1f MB",
    "seed": "%d",
}
COMPARED = (
    "ndcg@20",
    "recall@20",
    "coverage@20",
    "baseline ndcg@20",
    "baseline",
    "dataset",
    "viewers",
    "titles",
    "preset",
    "seed",
    "created",
    "size",
)


def show() -> None:
    """The table, and what can be done with the models chosen in it."""
    table = summaries(*cache.artifact_folders())
    names = table["name"].tolist()
    chosen = st.multiselect(
        "Chosen models",
        names,
        key="models",
        bind="query-params",
        max_selections=MOST,
        placeholder="one to open, two to compare",
        on_change=_chosen_above,
        help="Choose here, or tick rows of the table.",
    )
    rows = [names.index(name) for name in chosen]
    st.session_state["shelf_listed"] = names
    st.dataframe(
        table[list(LABELS)].assign(
            **{
                name: [legible(text) if isinstance(text, str) else text for text in table[name]]
                for name in ("name", "dataset")
            }
        ),
        hide_index=True,
        # a new one takes its ticks from the field above
        key=f"shelf {st.session_state.get('shelf_round', 0)}",
        on_select=_ticked,
        selection_mode="multi-row",
        selection_default={"selection": {"rows": rows}},
        placeholder="",
        height="content" if len(table) < 12 else 420,
        alt=f"All {len(table)} models with their test metrics, data, settings, date and size",
        column_config={column: _column(column) for column in LABELS},
    )
    st.caption(
        "As the folders say. Whether their files are whole and unaltered is checked when a model is opened. Figures compare only on the same data."
    )
    for name, problem in table.loc[table["problem"] != "", ["name", "problem"]].itertuples(index=False):
        st.warning(f"**{plain(name)}** cannot be used. {plain(problem)}", icon=":material/broken_image:")
    if chosen:
        _actions(table.set_index("name").loc[chosen])


def _column(name: str) -> Any:
    if name == "name":
        return st.column_config.TextColumn(LABELS[name], pinned=True)
    if name == "created":
        return st.column_config.DatetimeColumn(LABELS[name], format="YYYY-MM-DD HH:mm")
    if name in FORMATS:
        return st.column_config.NumberColumn(LABELS[name], format=FORMATS[name], help=HELPS.get(name))
    if name in ("viewers", "titles"):
        return st.column_config.NumberColumn(LABELS[name], format="localized")
    return st.column_config.Column(LABELS[name], help=HELPS.get(name))


def _chosen_above() -> None:
    st.session_state["shelf_round"] = st.session_state.get("shelf_round", 0) + 1


def _ticked() -> None:
    rows = st.session_state[f"shelf {st.session_state.get('shelf_round', 0)}"]["selection"]["rows"]
    names = st.session_state["shelf_listed"]
    ticked = [names[row] for row in rows if row < len(names)]
    kept = [name for name in st.session_state["models"] if name in ticked]
    st.session_state["models"] = (kept + [name for name in ticked if name not in kept])[-MOST:]
    if len(ticked) > MOST:
        _chosen_above()


def _actions(chosen: pd.DataFrame) -> None:
    usable = chosen[chosen["problem"] == ""]
    with st.container(horizontal=True, gap="small"):
        for name in usable.index:
            st.button(
                f"Open {plain(name)}",
                key=f"open {name}",
                icon=":material/open_in_new:",
                on_click=form.open_model,
                args=(name,),
            )
        if len(usable) == MOST:
            st.page_link(
                "pages/compare.py",
                label="Their lists side by side",
                icon=":material/compare:",
                query_params={"artifact": usable.index[0], "what": "models", "other_model": usable.index[1]},
            )
    if len(usable) == MOST:
        side_by_side(usable)


def side_by_side(chosen: pd.DataFrame) -> None:
    """Two models' figures in two columns, and whether they may be compared at all."""
    one, other = chosen.index
    differing = [
        word
        for word, column in (("data", "dataset"), ("viewers", "viewers"), ("titles", "titles"))
        if chosen[column].nunique() > 1
    ]
    if differing:
        st.warning(
            f"These two were tested on different {listed(differing)}: a higher figure does not mean the better model.",
            icon=":material/balance:",
        )
    elif chosen["ndcg@20"].notna().all():
        ahead = chosen["ndcg@20"].idxmax()
        gap = abs(chosen["ndcg@20"].diff().iloc[-1])
        verdict = (
            f"“{plain(ahead)}” ranks the hidden titles better, by {gap:.4f} NDCG@20"
            if gap
            else "Both rank the hidden titles equally well (NDCG@20)"
        )
        st.markdown(verdict + ". One test cannot tell a small difference from chance.")
    text = pd.DataFrame(
        {name: [_written(column, chosen.loc[name, column]) for column in COMPARED] for name in (one, other)}
    )
    text.insert(0, "", [LABELS[column] for column in COMPARED])
    st.dataframe(
        text,
        hide_index=True,
        height="content",
        key="shelf_pair",
        alt=f"The models {one} and {other} side by side",
    )


def _written(column: str, value: object) -> str:
    if pd.isna(value):
        return "not measured"
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d %H:%M} UTC"
    if column in ("viewers", "titles"):
        return f"{value:,.0f}"
    return FORMATS[column] % value if column in FORMATS else str(value)
