"""The benchmark results that come with the app, as measured by benchmarks/accuracy.py."""

import json
import math
from pathlib import Path

import pandas as pd
import streamlit as st

from dskreg.ui.common.cache import ROOT
from dskreg.ui.common.widgets import listed
from dskreg.ui.model.scoreboard import MODEL

COMMAND = "python benchmarks/accuracy.py"
RENAMED = {"EASE, seen too": "EASE (+ seen items)"}
SIGNIFICANT, LEAST_P = 0.05, 1e-300
COLUMNS = {
    "model": st.column_config.TextColumn("Recommender", pinned=True),
    "ndcg@20": st.column_config.NumberColumn(
        "NDCG@20", format="%.4f", help="Mean NDCG@20 over users and seeds."
    ),
    "ndcg 95% over people": st.column_config.NumberColumn(
        "± users", format="%.4f", help="Half the 95% confidence interval of NDCG@20 over users."
    ),
    "ndcg spread of seeds": st.column_config.NumberColumn(
        "± seeds", format="%.4f", help="Standard deviation of NDCG@20 over the seeds."
    ),
    "recall@20": st.column_config.NumberColumn("Recall@20", format="%.4f"),
    "coverage@20": st.column_config.NumberColumn(
        "Coverage@20", format="%.3f", help="Share of the catalogue that is recommended to at least one user."
    ),
    "seeds": st.column_config.NumberColumn("Seeds", format="%d"),
    f"{MODEL} minus it": st.column_config.NumberColumn(
        "Difference",
        format="%+.4f",
        help=f"NDCG@20 of {MODEL} minus that of the recommender, paired by user.",
    ),
    "p (Holm)": st.column_config.TextColumn(
        "p",
        help="p-value of a paired t-test over users, Holm-corrected; below 0.05 is significant.",
    ),
}


def read(root: Path = ROOT) -> dict:
    """The benchmark's document; {} where it is missing or cannot be read."""
    try:
        found = json.loads((root / "benchmarks" / "accuracy.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def tables(document: dict) -> dict[str, pd.DataFrame]:
    """By dataset, one row per recommender, best first."""
    found = {}
    for section, rows in document.items():
        name, _, view = section.partition(": ")
        if view == "test":
            table = pd.DataFrame(rows)
            table = table.assign(model=table["model"].replace(RENAMED))
            found[name] = table[[column for column in COLUMNS if column in table]]
    return found


def verdict(table: pd.DataFrame) -> str:
    """A sentence on the significant differences in NDCG@20; the model's own variants are left out."""
    others = table[[name != MODEL and not name.startswith(f"{MODEL}, ") for name in table["model"]]]
    p = others["p (Holm)"] if "p (Holm)" in others else pd.Series(math.nan, others.index)
    if others.empty or p.isna().all():
        return "There is no other recommender to compare with."
    sure = p < SIGNIFICANT
    behind = others.loc[sure & (others[f"{MODEL} minus it"] > 0), "model"].tolist()
    ahead = others.loc[sure & (others[f"{MODEL} minus it"] < 0), "model"].tolist()
    level = others.loc[~sure & p.notna(), "model"].tolist()
    untested = others.loc[p.isna(), "model"].tolist()
    parts = [
        f"ahead of {listed(behind)}" if behind else "",
        f"level with {listed(level)} (no significant difference)" if level else "",
        f"behind {listed(ahead)}" if ahead else "",
    ]
    rest = f" The difference to {listed(untested)} was not tested." if untested else ""
    return f"{MODEL} is {listed(list(filter(None, parts)))}.{rest}"


def p_in_words(p: float) -> str | None:
    """A p-value with one significant digit, never 0; None where there is none."""
    if math.isnan(p):
        return None
    return f"< {LEAST_P:g}" if p < LEAST_P else f"{p:.1g}"


def shown(table: pd.DataFrame) -> pd.DataFrame:
    """The table as it is displayed."""
    return table.assign(**{"p (Holm)": table["p (Holm)"].map(p_in_words)}) if "p (Holm)" in table else table


def made_by(document: dict, dataset: str) -> str:
    """The command, date, hardware, versions and tuning of a dataset's table."""
    made = document.get("made", {}).get(f"{dataset}: test", {})
    machine = made.get("machine", {})
    versions = machine.get("versions", {})
    by = [
        made.get("date"),
        machine.get("hardware"),
        *(f"{name} {versions[name]}" for name in ("python", "torch", "numpy") if name in versions),
    ]
    origin = ", ".join(str(part) for part in by if part)
    sentences = [f"`{COMMAND}`, {origin}."]
    if not machine.get("form"):  # of the model, which earlier runs do not name
        sentences.insert(0, f"**{MODEL} here is an earlier model, not the present one.**")
    if "trials" in machine:
        budget = f"{machine['trials']} trials or {machine['seconds']:g} s"
        names = [RENAMED.get(name, name) for name in machine.get("searched") or ()]
        searched = f", {listed(names)} by a search on logarithmic axes" if names else ""
        sentences.append(f"Every baseline was tuned on validation with {budget}{searched}.")
    return " ".join([*sentences, "The protocol is in benchmarks/README.md."])


def show(document: dict) -> None:
    """Every table of the benchmark's document in its own tab; nothing where it is empty."""
    found = tables(document)
    if not found:
        return
    with st.expander(
        "Benchmarks on public datasets",
        icon=":material/leaderboard:",
    ):
        st.caption("Models trained on public datasets: means over several seeds.")
        for tab, (name, table) in zip(st.tabs(list(found)), found.items(), strict=True):
            with tab:
                st.markdown(verdict(table))
                st.dataframe(
                    shown(table),
                    hide_index=True,
                    height="content",
                    placeholder="–",
                    column_config=COLUMNS,
                    alt=f"{name}: NDCG, recall and coverage by recommender, best first",
                )
                st.caption(made_by(document, name))
