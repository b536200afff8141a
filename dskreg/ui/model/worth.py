"""What each part of the model is worth: NDCG with one part reset at a time, as measured by training
(dskreg/evaluation/resets.py).
"""

from typing import Any

import pandas as pd
import streamlit as st

from dskreg.explorer import signed_percent
from dskreg.ui.common.widgets import listed, plain

GROUPS = {
    "all": ("All items", "Test likes of all items, ranked among the whole catalogue."),
    "rare": ("Rare items", "Test likes of the fifth of the liked items that the fewest users like."),
    "cold": ("Cold items", "Items whose likes are hidden, ranked among themselves by their neighbours."),
}
WHOLE = "nothing reset"
SIGN = "★"


def table(resets: list[dict[str, Any]]) -> pd.DataFrame:
    """part, and change and within of every group: a row per part that was reset, in the file's order."""
    rows = []
    for row in resets:
        if row["part"] == WHOLE:
            continue
        found: dict[str, Any] = {"part": row["part"]}
        for group in GROUPS:
            measured = row.get(group) or {}
            found |= {f"{name} {group}": measured.get(name) for name in ("change", "within")}
        rows.append(found)
    names = [f"{name} {group}" for group in GROUPS for name in ("change", "within")]
    frame = pd.DataFrame(rows, columns=["part", *names])
    return frame.astype(dict.fromkeys(names, float))


def different(table: pd.DataFrame, group: str) -> "pd.Series[bool]":
    """Which parts move the group's NDCG: the 95% interval of the change does not include 0."""
    return table[f"change {group}"].abs() > table[f"within {group}"]


def inert(table: pd.DataFrame) -> list[str]:
    """The parts that move no group's NDCG."""
    moves = pd.concat([different(table, group) for group in GROUPS], axis=1).any(axis=1)
    return table.loc[~moves, "part"].tolist()


def in_words(table: pd.DataFrame) -> list[str]:
    """Sentences: each group's largest loss, what is better reset, and what makes no difference; Markdown."""
    losses, gains = [], []
    for group, (name, _) in GROUPS.items():
        sure = table[different(table, group)].set_index("part")[f"change {group}"]
        if len(sure) and sure.min() < 0:
            losses.append(f"{name.lower()} **{signed_percent(sure.min())}** (*{plain(sure.idxmin())}*)")
        gains += [
            f"*{plain(part)}* ({name.lower()} {signed_percent(gain)})"
            for part, gain in sure[sure > 0].items()
        ]
    found = [f"The largest losses of NDCG@20: {listed(losses)}."] if losses else []
    found += [f"Better when reset: {listed(gains)}."] if gains else []
    if without := inert(table):
        names = listed([f"*{plain(part)}*" for part in without])
        found.append(f"No measured difference in any group: {names}.")
    elif len(table):
        found.append("Every part makes a measured difference in at least one group.")
    return found


def sure_change(resets: list[dict[str, Any]], part: str) -> str:
    """What resetting the part does, in the group where it does most: "NDCG@20 of cold titles changes by
    −4.7% ± 0.7%"; "" where it makes no measured difference, or was not measured.
    """
    frame = table([row for row in resets if row["part"] == part])
    sure = {
        group: frame[f"change {group}"].iloc[0]
        for group in GROUPS
        if len(frame) and bool(different(frame, group).iloc[0])
    }
    if not sure:
        return ""
    group = max(sure, key=lambda name: abs(sure[name]))
    change = signed_percent(sure[group], frame[f"within {group}"].iloc[0])
    return f"NDCG@20 of {GROUPS[group][0].lower()} changes by {change}"


def show(resets: list[dict[str, Any]] | None) -> None:
    """The sentences and the table."""
    st.header("What each part is worth", anchor=False)
    if not resets:
        st.info("This artifact has no such measurement. Run: dskreg resets ARTIFACT")
        return
    found = table(resets)
    for sentence in in_words(found):
        st.markdown(sentence)
    shown = pd.DataFrame({"part": found["part"]})
    columns: dict[str, Any] = {"part": st.column_config.TextColumn("Reset", pinned=True, width=230)}
    for group, (name, meaning) in GROUPS.items():
        if found[f"change {group}"].notna().any():
            shown[group] = cells(found, group)
            columns[group] = st.column_config.TextColumn(name, help=meaning, width=150)
    st.dataframe(
        shown.style.apply(lambda column: ["font-weight: bold" if SIGN in str(c) else "" for c in column]),
        hide_index=True,
        height="content",
        column_config=columns,
        key="resets",
        alt="Change of NDCG@20 with one part of the model reset, for all, rare and cold items",
    )
    asked = "; ".join(
        f"{name.lower()}: {row['users']:,}"
        for group, (name, _) in GROUPS.items()
        if (row := resets[0].get(group))
    )
    st.caption(
        "One part is reset at a time, and NDCG@20 is measured again for the same users. Change relative to "
        f"the whole model ± half the 95% interval; {SIGN}: the interval excludes 0. Users asked: {asked}."
    )


def cells(table: pd.DataFrame, group: str) -> list[str]:
    """Change, half its interval and a star where that excludes 0."""
    return [
        signed_percent(change, within) + f" {SIGN}" * bool(sure)
        for change, within, sure in zip(
            table[f"change {group}"], table[f"within {group}"], different(table, group), strict=True
        )
    ]
