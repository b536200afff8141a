"""The benchmark that comes with the app: the model beside tuned rivals over several seeds, as
benchmarks/accuracy.py left it.
"""

import json
import math

import pandas as pd
import streamlit as st

from dskreg.ui.common.cache import ROOT
from dskreg.ui.common.widgets import listed
from dskreg.ui.model import ablation
from dskreg.ui.model.scoreboard import MODEL

COMMAND = "python benchmarks/accuracy.py"
OPTIONS = {"cold": " --part cold", "share": " --part share --seeds 1"}
SIGNIFICANT, LEAST_P = 0.05, 1e-300
VIEWS = {"test": "every title competes", "among the cold": "titles that nobody has liked, among themselves"}
COLUMNS = {
    "model": st.column_config.TextColumn("Recommender", pinned=True),
    "ndcg@20": st.column_config.NumberColumn("NDCG@20", format="%.4f", help="Mean over the seeds."),
    "ndcg 95 % over people": st.column_config.NumberColumn(
        "± people", format="%.4f", help="Half the 95 % confidence interval of the mean over people."
    ),
    "ndcg spread of seeds": st.column_config.NumberColumn(
        "± seeds", format="%.4f", help="Standard deviation over the seeds."
    ),
    "recall@20": st.column_config.NumberColumn("Recall@20", format="%.4f"),
    "coverage@20": st.column_config.NumberColumn(
        "Coverage@20", format="%.3f", help="Share of the catalogue that somebody is recommended."
    ),
    "seeds": st.column_config.NumberColumn("Seeds", format="%d"),
    f"{MODEL} minus it": st.column_config.NumberColumn(
        f"{MODEL} minus it", format="%+.4f", help="In NDCG@20, person by person."
    ),
    "p (Holm)": st.column_config.TextColumn(
        "p",
        help="Paired t-test over people, corrected for as many comparisons (Holm): below 0.05, hardly chance.",
    ),
}


def read() -> dict:
    """The benchmark's document; {} where there is none or it cannot be read."""
    try:
        found = json.loads((ROOT / "benchmarks" / "accuracy.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def tables(document: dict) -> dict[str, pd.DataFrame]:
    """By section, one row per recommender, best first: those views that a reader of the app needs."""
    found = {}
    for section, rows in document.items():
        name, _, view = section.partition(": ")
        if view in VIEWS and not name.endswith(".share"):
            table = pd.DataFrame(rows)
            found[section] = table[[column for column in COLUMNS if column in table]]
    return found


def heading(section: str) -> str:
    """The section for readers: the data set, and who competes."""
    name, _, view = section.partition(": ")
    return f"{name.removesuffix('.cold')}: {VIEWS[view]}"


def verdict(table: pd.DataFrame) -> str:
    """Who is ahead of whom in NDCG@20, and what is a tie, in a sentence that follows from the numbers.

    The model's own presets are no rivals.
    """
    rivals = table[[name != MODEL and not name.startswith(f"{MODEL}, ") for name in table["model"]]]
    p = rivals["p (Holm)"] if "p (Holm)" in rivals else pd.Series(math.nan, rivals.index)
    if rivals.empty or p.isna().all():
        return "Nothing stands beside it here."
    sure = p < SIGNIFICANT
    behind = rivals.loc[sure & (rivals[f"{MODEL} minus it"] > 0), "model"].tolist()
    ahead = rivals.loc[sure & (rivals[f"{MODEL} minus it"] < 0), "model"].tolist()
    level = rivals.loc[~sure & p.notna(), "model"].tolist()
    untested = rivals.loc[p.isna(), "model"].tolist()
    said = [
        f"ahead of {listed(behind)}" if behind else "",
        f"level with {listed(level)} (the difference may be chance)" if level else "",
        f"behind {listed(ahead)}" if ahead else "",
    ]
    rest = f" {listed(untested)} had another run, so the difference is not tested." if untested else ""
    return f"{MODEL} is {listed([words for words in said if words])}.{rest}"


def p_in_words(p: float) -> str | None:
    """A p value with one digit, never 0; None where there is none."""
    if math.isnan(p):
        return None
    return f"< {LEAST_P:g}" if p < LEAST_P else f"{p:.1g}"


def shown(table: pd.DataFrame) -> pd.DataFrame:
    """The table as it is displayed."""
    return table.assign(**{"p (Holm)": table["p (Holm)"].map(p_in_words)}) if "p (Holm)" in table else table


def made_by(document: dict, section: str) -> str:
    """Command, date, hardware and versions of a section."""
    made = document.get("made", {}).get(section, {})
    machine = made.get("machine", {})
    versions = machine.get("versions", {})
    by = [
        made.get("date"),
        machine.get("hardware"),
        *(f"{name} {versions[name]}" for name in ("python", "torch", "numpy") if name in versions),
    ]
    kind = section.partition(": ")[0].rpartition(".")[2]
    tuned = "trials" in machine and kind not in OPTIONS
    tuning = (
        f"; every rival was tuned on validation with {machine['trials']} trials or {machine['seconds']:g} s"
        if tuned
        else ""
    )
    if tuned and machine.get("searched"):
        tuning += f", {listed(machine['searched'])} by a search on logarithmic axes"
    return f"`{COMMAND}{OPTIONS.get(kind, '')}`, {', '.join(str(part) for part in by if part)}{tuning}. The whole protocol and more tables: benchmarks/README.md."


def show() -> None:
    """Every table in a tab of its own; nothing where the benchmark's file is not beside the app."""
    document = read()
    found = tables(document)
    if not found:
        return
    with st.expander(
        "The method on public data, beside other recommenders, tuned as carefully",
        icon=":material/leaderboard:",
    ):
        st.caption(
            "Not this model: the same program trained on other data. Recommenders are means over several seeds, parts of the method one seed's."
        )
        by_part = ablation.tables(document)
        tabs = iter(
            st.tabs(
                [
                    *(heading(section) for section in found),
                    *(f"{data}: which part does what" for data in by_part),
                ]
            )
        )
        for section, table in found.items():
            with next(tabs):
                st.markdown(verdict(table))
                st.dataframe(
                    shown(table),
                    hide_index=True,
                    height="content",
                    placeholder="–",
                    column_config=COLUMNS,
                    alt=f"{heading(section)}: NDCG, recall and coverage by recommender, best first",
                )
                st.caption(made_by(document, section))
        for data, table in by_part.items():
            with next(tabs):
                ablation.show(table, data)
                st.caption(made_by(document, f"{data}.share: warm"))
