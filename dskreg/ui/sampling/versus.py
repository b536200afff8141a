"""Two samples side by side, or one sample at two temperatures: neighbours and score."""

from typing import Any

import pandas as pd
import streamlit as st

from dskreg.explorer import Explanation, percent, signed
from dskreg.ui.common import cache, widgets
from dskreg.ui.common.charts import show_chart
from dskreg.ui.common.widgets import Notice, plain
from dskreg.ui.sampling import charts
from dskreg.ui.sampling.controls import LARGEST_SEED
from dskreg.ui.sampling.draw import NOT_POSSIBLE, Sample

KINDS = ("seeds", "temperatures")
WEIGHTS = 12  # candidates whose relaxed weights are charted
NAMED = 4  # titles that a sentence names
STATUS = ("added", "removed", "unchanged")


def show_versus(sample: Sample, explanation: Explanation) -> None:
    """The choice of what to compare, and the comparison."""
    st.subheader("Compare with another sample", anchor=False)
    kind = widgets.one_of("Compare two", KINDS, "versus")
    if kind == "seeds":
        _two_seeds(sample, explanation)
    else:
        _two_temperatures(sample)


def compared(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """The candidates sampled in either, with their status and with key and contribution in both."""
    keys = ["item_id", "title", "relation", "inclusion_probability"]
    numbers = ["picked", "key", "attention", "contribution"]
    both = before[keys + numbers].merge(
        after[["item_id", "relation", *numbers]], on=["item_id", "relation"], suffixes=("_before", "_after")
    )
    both = both[both["picked_before"] | both["picked_after"]].reset_index(drop=True)
    status = both["picked_after"].map({True: "added", False: "removed"})
    both.insert(0, "status", status.where(both["picked_before"] != both["picked_after"], "unchanged"))
    both["change"] = both["contribution_after"] - both["contribution_before"]
    return both.sort_values(
        ["status", "change"],
        key=lambda column: column.map(STATUS.index) if column.name == "status" else -column.abs(),
        ignore_index=True,
    )


def changes(before: Explanation, after: Explanation, both: pd.DataFrame) -> list[tuple[str, float]]:
    """The terms from one score to the other; they add up to the difference before the activation."""
    change = both.groupby("status")["change"].sum()
    terms = [
        (f"{name} ({(both['status'] == name).sum()})", float(change[name]))
        for name in ("removed", "added", "unchanged")
        if name in change
    ]
    own = after.self_contribution + after.bias - before.self_contribution - before.bias
    return [*terms, ("own embedding", own)]


def _next_seed() -> None:
    st.session_state["seed_b"] = (st.session_state["seed_b"] + 1) % LARGEST_SEED


def _two_seeds(sample: Sample, before: Explanation) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        seed = st.number_input(
            "Other seed",
            0,
            LARGEST_SEED,
            1,
            key="seed_b",
            bind="query-params",
            width=170,
            help="Seed of sample B; the seed of sample A is set at the top of the page.",
        )
        st.button("Next seed", icon=":material/casino:", on_click=_next_seed, key="next_seed_b")
    after = sample.explanation(seed=seed)
    both = compared(before.item_neighbours, after.item_neighbours)
    names = ("A: without noise" if sample.seed is None else f"A: seed {sample.seed}", f"B: seed {seed}")
    st.markdown(
        f"Score **{before.score:.3f}** ({names[0]}) and **{after.score:.3f}** ({names[1]}), a difference of "
        f"**{signed(after.score - before.score)}**. {_changed_titles(both) if len(both) else ''}"
    )
    if seed == sample.seed:
        st.info("Both samples have the same seed. Choose another seed.", icon=":material/casino:")
    if both.empty:
        return
    ends = ((names[0], before.pre_activation_score), (names[1], after.pre_activation_score))
    _show_change(ends, changes(before, after, both))
    nonlinear = "" if before.activation == "linear" else f" Values are before {before.activation}."
    if sample.explorer.samples_likes:
        st.caption(
            "The seed also changes the sampled history items. Own embedding and unchanged neighbours "
            f"therefore contribute slightly different amounts.{nonlinear}"
        )
    else:
        st.caption(
            "Attention is shared out among the sampled: an unchanged neighbour can contribute more or less."
        )
    _show_both(both)


def _changed_titles(both: pd.DataFrame) -> str:
    """A sentence that names the first neighbours added and removed."""
    parts = [
        f"**{(both['status'] == 'unchanged').sum()}** of **{int(both['picked_before'].sum())}** unchanged"
    ]
    for status in ("added", "removed"):
        rows = both[both["status"] == status]
        titles = [
            f"*{plain(title)}* ({plain(relation)})"
            for title, relation in zip(rows["title"], rows["relation"], strict=True)
        ]
        more = f" and {len(titles) - NAMED} more" if len(titles) > NAMED else ""
        if titles:
            parts.append(f"{status}: {', '.join(titles[:NAMED])}{more}")
    return "; ".join(parts) + "."


def _show_change(ends: tuple[tuple[str, float], tuple[str, float]], terms: list[tuple[str, float]]) -> None:
    """The steps from one score to the other: chart and table."""
    left, right = st.columns([3, 2])
    alt = f"From {ends[0][0]}, {ends[0][1]:.3f}, to {ends[1][0]}, {ends[1][1]:.3f}"
    show_chart(left, charts.change(ends[0], terms, ends[1]), key="change", alt=alt)
    right.dataframe(
        [{"term": name, "contribution": value} for name, value in (ends[0], *terms, ends[1])],
        column_config={
            "term": "Term",
            "contribution": st.column_config.NumberColumn("Contribution", format="%+.3f"),
        },
        hide_index=True,
        key="change_table",
        alt=alt,
        height="content",
    )


def _show_both(both: pd.DataFrame) -> None:
    """The candidates of both samples; cells are empty where a candidate is not sampled."""
    both = both.assign(inclusion_probability=100 * both["inclusion_probability"])
    for when in ("before", "after"):
        columns = [f"contribution_{when}", f"attention_{when}"]
        both[columns] = both[columns].where(both[f"picked_{when}"])
    config: dict[str, Any] = {
        "title": st.column_config.TextColumn("Candidate", pinned=True, width="medium"),
        "status": st.column_config.TextColumn("Status", help="From sample A to sample B."),
        "relation": "Relation r",
        "inclusion_probability": st.column_config.NumberColumn("Inclusion probability π", format="%.1f%%"),
    }
    labels = (("contribution", "Contribution", "%+.3f"), ("attention", "Attention α", "%.3f"))
    for name, label, form in (*labels, ("key", "Key", "%.3f")):
        config |= {
            f"{name}_{when}": st.column_config.NumberColumn(f"{label} {side}", format=form)
            for when, side in (("before", "A"), ("after", "B"))
        }
    height: Any = "content" if len(both) < 20 else 460
    st.dataframe(
        both[list(config)],
        column_config=config,
        hide_index=True,
        key="versus_table",
        alt="Added, removed and unchanged neighbours with the numbers of both samples",
        height=height,
        placeholder="–",
    )


def _temperature(side: str, key: str, default: float) -> float:
    return st.number_input(
        f"Temperature τ, {side}",
        1e-4,
        1e4,
        default,
        0.05,
        "%.2f",
        key=key,
        bind="query-params",
        width=170,
        help="Softness of the relaxed weights.",
    )


def _two_temperatures(sample: Sample) -> None:
    asked = {name: st.query_params[name] for name in ("tau", "tau_b") if name in st.query_params}
    with st.container(horizontal=True):
        one = _temperature("A", "tau", float(sample.explorer.defaults["temperature"]))
        other = _temperature("B", "tau_b", 1.0)
    if wrong := widgets.not_followed(asked, {"tau": one, "tau_b": other}):
        widgets.show_notice(Notice(NOT_POSSIBLE.format(", ".join(wrong))))
    st.markdown(
        "The temperature changes neither the sample nor the serving score. It sets the softness of the "
        "relaxed weights that training uses; the relaxed score is the score with these weights."
    )
    explanation = sample.explanation(temperature=one)
    names = (f"A: τ = {one:g}", f"B: τ = {other:g}")
    with st.container(horizontal=True):
        st.metric(
            "Serving score",
            f"{explanation.score:.3f}",
            border=True,
            help="Score with the sampled neighbours.",
        )
        for name, temperature in zip(names, (one, other), strict=True):
            settings = {**sample.settings, "temperature": temperature}
            score = cache.ask(sample.explorer, "relaxed_score", sample.profile, sample.item_id, **settings)
            st.metric(
                f"Relaxed score {name}",
                f"{score:.3f}",
                f"{score - explanation.score:+.3f}",
                border=True,
                help="Score with the relaxed weights; below it, the difference from the serving score.",
            )
    frame = explanation.item_neighbours[["title", "relation", "picked", "key"]].assign(
        relaxed_a=explanation.item_neighbours["relaxed"],
        # The same keys, so the same order
        relaxed_b=sample.explanation(temperature=other).item_neighbours["relaxed"].to_numpy(),
    )
    if len(frame):
        _show_weights(frame, names)


def _show_weights(frame: pd.DataFrame, names: tuple[str, str]) -> None:
    """The relaxed weights at both temperatures: chart and table."""
    mass = [frame[frame["picked"]][name].sum() / frame[name].sum() for name in ("relaxed_a", "relaxed_b")]
    both = (f"**{percent(part)}** ({name})" for part, name in zip(mass, names, strict=True))
    st.markdown(f"Relaxed mass on sampled neighbours: {', '.join(both)}.")
    top = frame.head(WEIGHTS)
    left, right = st.columns([3, 2])
    alt = f"Relaxed weights of the {len(top)} candidates with the largest keys at two temperatures"
    show_chart(left, charts.relaxed_weights(top, names), key="relaxed_weights", alt=alt)
    config: dict[str, Any] = {
        "title": st.column_config.TextColumn("Candidate", pinned=True, width=150),
        "picked": st.column_config.CheckboxColumn("Sampled"),
    }
    labels = (("relaxed_a", names[0]), ("relaxed_b", names[1]), ("key", "Key s + G"))
    config |= {name: st.column_config.NumberColumn(label, format="%.3f") for name, label in labels}
    right.dataframe(
        frame[list(config)], column_config=config, hide_index=True, key="relaxed_table", alt=alt, height=460
    )
