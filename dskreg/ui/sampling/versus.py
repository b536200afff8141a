"""Two draws side by side, or one draw at two temperatures: what came, what left, what the score did."""

from typing import Any

import pandas as pd
import streamlit as st

from dskreg.explorer import Explanation
from dskreg.ui.common import cache, widgets
from dskreg.ui.common.widgets import plain
from dskreg.ui.sampling import charts
from dskreg.ui.sampling.draw import QUIET, Shown

KINDS = ("seeds", "temperatures")
LARGEST_SEED = 2**31 - 1
WEIGHTS = 12  # candidates whose relaxed weights are charted
NAMED = 4  # titles that a sentence names
WORDS = {"came": "came", "left": "left", "stayed": "stayed"}


def show_versus(shown: Shown, explanation: Explanation) -> None:
    """The choice of what to compare, and the comparison."""
    st.subheader("This draw beside another", anchor=False)
    kind = widgets.one_of("Compare two", KINDS, "versus")
    if kind == "seeds":
        _two_seeds(shown, explanation)
    else:
        _two_temperatures(shown, explanation)


def compared(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """The candidates drawn in either: what happened (came, left, stayed), and key and contribution in both."""
    keys, numbers = (
        ["item_id", "title", "relation", "inclusion_probability"],
        ["picked", "key", "attention", "contribution"],
    )
    both = before[keys + numbers].merge(
        after[["item_id", "relation", *numbers]], on=["item_id", "relation"], suffixes=("_before", "_after")
    )
    both = both[both["picked_before"] | both["picked_after"]].reset_index(drop=True)
    happened = (
        both["picked_after"]
        .map({True: "came", False: "left"})
        .where(both["picked_before"] != both["picked_after"], "stayed")
    )
    both.insert(0, "happened", happened)
    both["change"] = both["contribution_after"] - both["contribution_before"]
    return both.sort_values(
        ["happened", "change"],
        key=lambda c: c.map(list(WORDS).index) if c.name == "happened" else -c.abs(),
        ignore_index=True,
    )


def changes(before: Explanation, after: Explanation, both: pd.DataFrame) -> list[tuple[str, float]]:
    """What leads from one score to the other; the terms add up to the difference before the activation."""
    moved = both.groupby("happened")["change"].sum()
    parts = [
        (f"{name} ({(both['happened'] == name).sum()})", float(moved.get(name, 0.0)))
        for name in ("left", "came", "stayed")
        if name in moved
    ]
    own = after.self_contribution + after.bias - before.self_contribution - before.bias
    return [*parts, ("the title itself", own)]


def _next_seed() -> None:
    st.session_state["seed_b"] = (st.session_state["seed_b"] + 1) % LARGEST_SEED


def _two_seeds(shown: Shown, before: Explanation) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        text = "This draw's own seed stands at the top of the page."
        seed = st.number_input(
            "Seed of the other draw",
            0,
            LARGEST_SEED,
            1,
            key="seed_b",
            bind="query-params",
            width=170,
            help=text,
        )
        st.button("Next seed", icon=":material/casino:", on_click=_next_seed, key="next_seed_b")
    after = shown.explanation(seed=seed)
    both = compared(before.item_neighbours, after.item_neighbours)
    names = ("A: without noise" if shown.seed is None else f"A: seed {shown.seed}", f"B: seed {seed}")
    kept = (both["happened"] == "stayed").sum()
    with st.container(horizontal=True):
        st.metric(f"Score {names[0]}", f"{before.score:.3f}", border=True)
        st.metric(
            f"Score {names[1]}", f"{after.score:.3f}", f"{after.score - before.score:+.3f}", border=True
        )
        for word in WORDS:
            st.metric(word.capitalize(), int((both["happened"] == word).sum()), border=True)
    if seed == shown.seed:
        st.info("Both are the same draw. Choose another seed.", icon=":material/casino:")
    if both.empty:
        return
    sentences = []
    for word, verb in (("came", "came"), ("left", "left")):
        titles = both[both["happened"] == word]["title"].tolist()
        more = f" and {len(titles) - NAMED} more" if len(titles) > NAMED else ""
        sentences += (
            [f"{', '.join(f'*{plain(title)}*' for title in titles[:NAMED])}{more} {verb}"] if titles else []
        )
    st.markdown(
        f"**{kept}** of **{int(both['picked_before'].sum())}** stayed"
        + "".join(f"; {sentence}" for sentence in sentences)
        + "."
    )
    parts = changes(before, after, both)
    left, right = st.columns([3, 2])
    alt = (
        f"From {names[0]}, {before.pre_activation_score:.3f}, to {names[1]}, {after.pre_activation_score:.3f}"
    )
    ends = ((names[0], before.pre_activation_score), (names[1], after.pre_activation_score))
    left.plotly_chart(charts.change(ends[0], parts, ends[1]), key="change", config=QUIET, alt=alt)
    rows = [{"part": name, "adds": value} for name, value in (ends[0], *parts, ends[1])]
    adds = st.column_config.NumberColumn("Score", format="%+.3f")
    right.dataframe(
        rows,
        column_config={"part": "From A to B", "adds": adds},
        hide_index=True,
        key="change_table",
        alt=alt,
        height="content",
    )
    bent = "" if before.activation == "linear" else f" It is the sum before {before.activation}."
    st.caption(
        f"The seed draws the viewer's side anew as well: that is why even the title itself and what stayed count a little differently.{bent}"
    )
    _table(both, names)


def _table(both: pd.DataFrame, names: tuple[str, str]) -> None:
    a, b = (name.split(":")[0] for name in names)
    for when in ("before", "after"):  # empty, not 0, where it was not drawn
        columns = [f"contribution_{when}", f"attention_{when}"]
        both[columns] = both[columns].where(both[f"picked_{when}"])
    both["inclusion_probability"] *= 100
    config: dict[str, Any] = {
        "title": st.column_config.TextColumn("Candidate", pinned=True, width="medium"),
        "happened": "From A to B",
    }
    config |= {
        "relation": "Relation r",
        "inclusion_probability": st.column_config.NumberColumn("Probability π", format="%.1f%%"),
    }
    for name, label, form in (
        ("contribution", "Adds", "%+.3f"),
        ("attention", "Attention α", "%.3f"),
        ("key", "Key", "%.3f"),
    ):
        config |= {
            f"{name}_{when}": st.column_config.NumberColumn(f"{label} {side}", format=form)
            for when, side in (("before", a), ("after", b))
        }
    alt = "What came, what left and what stayed, with the numbers of both draws"
    height: Any = "content" if len(both) < 20 else 460
    st.dataframe(
        both[list(config)],
        column_config=config,
        hide_index=True,
        key="versus_table",
        alt=alt,
        height=height,
        placeholder="–",
    )


def _two_temperatures(shown: Shown, one: Explanation) -> None:
    text = "This draw's own temperature stands at the top of the page."
    tau = st.number_input(
        "Other temperature τ",
        0.01,
        5.0,
        1.0,
        0.05,
        "%.2f",
        key="tau_b",
        bind="query-params",
        width=170,
        help=text,
    )
    other = shown.explanation(temperature=tau)
    settings = {"seed": shown.seed, "picks": shown.picks, "user_picks": shown.user_picks}
    scores = [
        cache.ask(shown.explorer, "relaxed_score", shown.profile, shown.item_id, temperature=t, **settings)
        for t in (one.temperature, tau)
    ]
    st.markdown(
        "The draw itself knows no temperature: the same titles are drawn, and the score that is served stays the same. The temperature only sets how "
        "soft the weights are through which training learns. Below, those weights, and the score that they would give."
    )
    names = (f"A: τ = {one.temperature:g}", f"B: τ = {tau:g}")
    with st.container(horizontal=True):
        st.metric("Score as served", f"{one.score:.3f}", border=True, help="From the hard draw.")
        for name, score in zip(names, scores, strict=True):
            st.metric(
                f"Relaxed score {name}",
                f"{score:.3f}",
                f"{score - one.score:+.3f}",
                border=True,
                help="With the soft weights instead of the picks.",
            )
    frame = one.item_neighbours[["title", "relation", "picked", "key", "relaxed"]].rename(
        columns={"relaxed": "one"}
    )
    frame["other"] = other.item_neighbours["relaxed"].to_numpy()  # the same keys, the same order
    if frame.empty:
        return
    on_picks = [frame[frame["picked"]][name].sum() / frame[name].sum() for name in ("one", "other")]
    st.markdown(
        f"Of the soft weight, the drawn hold **{on_picks[0]:.0%}** at τ = {one.temperature:g} and **{on_picks[1]:.0%}** at τ = {tau:g}."
    )
    top = frame.head(WEIGHTS)
    left, right = st.columns([3, 2])
    alt = f"Relaxed weights of the {len(top)} candidates with the largest keys at two temperatures"
    left.plotly_chart(charts.relaxed_weights(top, names), key="relaxed_weights", config=QUIET, alt=alt)
    config: dict[str, Any] = {
        "title": st.column_config.TextColumn("Candidate", pinned=True, width=150),
        "picked": st.column_config.CheckboxColumn("Drawn"),
    }
    labels = (("one", names[0]), ("other", names[1]), ("key", "Key s + G"))
    config |= {name: st.column_config.NumberColumn(label, format="%.3f") for name, label in labels}
    right.dataframe(
        frame[list(config)], column_config=config, hide_index=True, key="relaxed_table", alt=alt, height=460
    )
