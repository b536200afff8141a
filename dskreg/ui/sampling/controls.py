"""The fields of the sampling page: the sampler's settings, the other recommendations, and the exports."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import streamlit as st

from dskreg.explorer import Explanation, html_report
from dskreg.ui.common import notes
from dskreg.ui.common.charts import is_dark
from dskreg.ui.common.widgets import plain
from dskreg.ui.frame import sidebar, url
from dskreg.ui.sampling.draw import Sample
from dskreg.ui.sampling.graph import network

MOST_PICKS, LARGEST_SEED = 64, 2**31 - 1
SERVED, GUMBEL = "Top-K as served", "Gumbel sample"
WHOLE = ("seed", "seed_b", "k", "ku")  # parameters of the link that are whole numbers


@dataclass(frozen=True)
class Settings:
    """What the fields say."""

    noise: bool
    seed: int
    picks: int
    user_picks: int

    def link(self) -> dict[str, object]:
        """The settings by their parameters in the link."""
        return {"noise": self.noise, "seed": self.seed, "k": self.picks, "ku": self.user_picks}


def drop_infinite() -> None:
    """Take infinite numbers out of the link: fields of whole numbers stop with an OverflowError on them
    (Streamlit 1.67).
    """
    infinite = {
        name: st.query_params[name]
        for name in WHOLE
        if name in st.query_params and is_infinite(st.query_params[name])
    }
    if infinite:
        st.session_state["infinite"] = infinite
        for name in infinite:
            del st.query_params[name]
        st.rerun()


def is_infinite(text: str) -> bool:
    """Does Python read the text as an infinite number?"""
    try:
        return math.isinf(float(text))
    except ValueError:
        return False


def resample() -> None:
    """Callback: take a Gumbel sample, or go to the next seed."""
    st.session_state["seed"] = (st.session_state["seed"] + bool(st.session_state["noise"])) % LARGEST_SEED
    st.session_state["noise"] = True


def _follow() -> None:
    """Callback: write the chosen rule into the link's field."""
    st.session_state["noise"] = st.session_state["rule"] == GUMBEL


def show_settings(trained: dict[str, Any], samples_likes: bool) -> Settings:
    """The sampler's settings, those of training by default; K_u only where likes are sampled.

    The link holds `noise` and `seed`; a field that changes nothing stands with the URL parameters.
    """
    with url.parameters():
        noise = st.toggle("Gumbel noise", key="noise", bind="query-params")
    st.session_state["rule"] = GUMBEL if noise else SERVED
    row = st.container(horizontal=True, vertical_alignment="bottom", key="sampler")
    with row:
        st.segmented_control(
            "Sample",
            (SERVED, GUMBEL),
            key="rule",
            required=True,
            on_change=_follow,
            help="As served: the K largest logits, as for the recommendations. Gumbel sample: one random "
            "sample without replacement from softmax(s).",
        )
        with row if noise else url.parameters():
            seed = st.number_input(
                "Seed n",
                0,
                LARGEST_SEED,
                key="seed",
                bind="query-params",
                width=115,
                help="Number that determines the Gumbel noise; the same seed gives the same sample.",
            )
        st.button(
            "Resample",
            on_click=resample,
            icon=":material/casino:",
            help="Takes a Gumbel sample, then moves to the next seed.",
        )
        picks = _whole("Neighbours per item (K)", "k", trained["picks"], 190)
        user_picks = trained["user_picks"]
        if samples_likes:
            user_picks = _whole("History items (K_u)", "ku", user_picks, 165)
    return Settings(noise, seed, picks, user_picks)


def _whole(label: str, key: str, trained: int, width: int) -> int:
    return st.number_input(
        label,
        1,
        max(MOST_PICKS, trained),
        trained,
        key=key,
        bind="query-params",
        width=width,
        help=f"Number of items that are sampled; {trained} in training.",
    )


def show_heading(sample: Sample, explanation: Explanation, offered: Sequence[Any]) -> None:
    """The item's title, its place among the recommendations, the way to the others, and the exports."""
    place = offered.index(sample.item_id) if sample.item_id in offered else None
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header(plain(explanation.title), anchor=False, width="content")
        position = (
            f"Recommendation {place + 1} of {len(offered)}"
            if place is not None
            else f"Not in the top {len(offered)}"
        )
        st.caption(position, width="stretch")
        with st.container(horizontal=True, width="content", key="sampling_actions"):  # wraps as one
            for label, icon, step in (("Previous", "chevron_left", -1), ("Next", "chevron_right", 1)):
                other = sample.item_id
                if offered:
                    other = offered[(place + step) % len(offered) if place is not None else min(step, 0)]
                st.button(
                    label,
                    icon=f":material/{icon}:",
                    on_click=sidebar.inspect,
                    args=(other,),
                    disabled=not offered,
                    key=f"sampling_{step}",
                )
            rank = None if place is None else place + 1
            about = sample.explorer.notebook.about(
                sample.profile, sample.item_id, rank=rank, score=explanation.score, seed=sample.seed
            )
            rows = explanation.item_neighbours
            neighbours = list(zip(rows["item_id"], rows["title"], rows["relation"], strict=True))
            notes.control(about, "Note", "note", neighbours)
            with st.popover("Export", icon=":material/download:"):
                _show_exports(sample, explanation)


def _show_exports(sample: Sample, explanation: Explanation) -> None:
    st.caption("This sample with all its numbers.")
    dark = is_dark()
    exports = (
        ("HTML report", partial(as_report, explanation, sample), "explanation.html", "text/html", "web"),
        ("HTML graph", partial(as_graph, explanation, sample, dark), "graph.html", "text/html", "hub"),
        ("JSON", partial(as_json, explanation), "explanation.json", "application/json", "data_object"),
    )
    for label, data, name, kind, icon in exports:
        icon = f":material/{icon}:"
        st.download_button(label, data, name, kind, icon=icon, on_click="ignore", width="stretch")


def as_json(explanation: Explanation) -> str:
    """The explanation for a program."""
    return json.dumps(explanation.to_json(), indent=1, ensure_ascii=False)


def as_graph(explanation: Explanation, sample: Sample, dark: bool) -> str:
    """The graph of the item's neighbours as an HTML file."""
    from dskreg.ui.sampling.graph import html_graph  # pyvis is slow to import

    centre, liked = (explanation.item_id, explanation.title), set(sample.profile.history)
    graph = network.build(explanation.item_neighbours, centre, sample.colours(), liked, dark)
    return html_graph.page(graph, dark)


def as_report(explanation: Explanation, sample: Sample) -> str:
    """The explanation as an HTML report."""
    origin = [f"Made by the DSKReG Explorer from the model “{sample.explorer.name}”."]
    if sample.explorer.simulated and sample.profile.user_id is not None:
        origin.append("The users of this model are simulated.")
    return html_report.page(explanation, origin)
