"""The models of the artifacts folder in a table: open a model or compare two."""

from typing import Any

import pandas as pd
import streamlit as st

from dskreg.explorer import legible
from dskreg.storage.catalogue import summaries
from dskreg.ui.common import cache
from dskreg.ui.common.widgets import listed, plain
from dskreg.ui.runs import form

MOST = 2  # models that can be compared
LABELS = {
    "name": "Model",
    "dataset": "Dataset",
    "ndcg@20": "NDCG@20",
    "baseline ndcg@20": "Best baseline",
    "baseline": "Baseline name",
    "recall@20": "Recall@20",
    "coverage@20": "Coverage@20",
    "users": "Users",
    "items": "Items",
    "preset": "Preset",
    "seed": "Seed",
    "created": "Created",
    "size": "Size",
}
HELPS = {
    "ndcg@20": "Ranking quality of the held-out test items in the top 20; 1 is a perfect order.",
    "baseline ndcg@20": "NDCG@20 of the best baseline (popularity, item-kNN or EASE) on the same test items.",
    "baseline": "The baseline with the highest NDCG@20.",
    "recall@20": "Share of a user's held-out items in the top 20, averaged over users.",
    "coverage@20": "Share of the catalogue that is in the top 20 of at least one user.",
    "preset": "Named group of settings that the model was trained with.",
    "seed": "Seed of the random number generators in training.",
    "size": "Size of all files of the model, in megabytes.",
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
    "users",
    "items",
    "preset",
    "seed",
    "created",
    "size",
)


def show() -> None:
    """The table of models, and the actions for the selected ones."""
    table = summaries(*cache.artifact_folders())
    names = table["name"].tolist()
    chosen = st.multiselect(
        "Selected models",
        names,
        key="models",
        bind="query-params",
        max_selections=MOST,
        placeholder="one model to open, two to compare",
        on_change=_draw_again,
        help="The models to open or compare; you can also select rows of the table.",
    )
    rows = [names.index(name) for name in chosen]
    st.session_state["models_listed"] = names
    st.dataframe(
        table[list(LABELS)].assign(
            **{
                name: [legible(text) if isinstance(text, str) else text for text in table[name]]
                for name in ("name", "dataset")
            }
        ),
        hide_index=True,
        # A new key draws the table again, with the rows that are selected in the field above
        key=f"models_table {st.session_state.get('models_round', 0)}",
        on_select=_take_rows,
        selection_mode="multi-row",
        selection_default={"selection": {"rows": rows}},
        placeholder="",
        height="content" if len(table) < 12 else 420,
        alt=f"All {len(table)} models with their test metrics, data, settings, date and size",
        column_config={column: _column(column) for column in LABELS},
    )
    st.caption(
        "A model's files are verified when it is opened. Metrics are comparable only on the same dataset."
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
    if name in ("users", "items"):
        return st.column_config.NumberColumn(LABELS[name], format="localized")
    return st.column_config.Column(LABELS[name], help=HELPS.get(name))


def _draw_again() -> None:
    st.session_state["models_round"] = st.session_state.get("models_round", 0) + 1


def _take_rows() -> None:
    rows = st.session_state[f"models_table {st.session_state.get('models_round', 0)}"]["selection"]["rows"]
    names = st.session_state["models_listed"]
    selected = [names[row] for row in rows if row < len(names)]
    kept = [name for name in st.session_state["models"] if name in selected]
    st.session_state["models"] = (kept + [name for name in selected if name not in kept])[-MOST:]
    if len(selected) > MOST:
        _draw_again()


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
                label="Compare their lists",
                icon=":material/compare:",
                query_params={"artifact": usable.index[0], "what": "models", "other_model": usable.index[1]},
            )
    if len(usable) == MOST:
        side_by_side(usable)


def side_by_side(chosen: pd.DataFrame) -> None:
    """The metrics of two models in two columns, and whether they are comparable."""
    one, other = chosen.index
    differing = [
        word
        for word, column in (("datasets", "dataset"), ("users", "users"), ("items", "items"))
        if chosen[column].nunique() > 1
    ]
    if differing:
        st.warning(
            f"The models were tested on different {listed(differing)}: their metrics are not comparable.",
            icon=":material/balance:",
        )
    elif chosen["ndcg@20"].notna().all():
        ahead = chosen["ndcg@20"].idxmax()
        gap = abs(chosen["ndcg@20"].diff().iloc[-1])
        verdict = (
            f"“{plain(ahead)}” ranks the held-out items better, by {gap:.4f} NDCG@20"
            if gap
            else "Both rank the held-out items equally well (NDCG@20)"
        )
        st.markdown(verdict + ". A single test cannot distinguish a small difference from chance.")
    text = pd.DataFrame(
        {name: [_as_text(column, chosen.loc[name, column]) for column in COMPARED] for name in (one, other)}
    )
    text.insert(0, "", [LABELS[column] for column in COMPARED])
    st.dataframe(
        text,
        hide_index=True,
        height="content",
        key="models_pair",
        alt=f"The models {one} and {other} side by side",
    )


def _as_text(column: str, value: object) -> str:
    if pd.isna(value):
        return "not measured"
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d %H:%M} UTC"
    if column in ("users", "items"):
        return f"{value:,.0f}"
    return FORMATS[column] % value if column in FORMATS else str(value)
