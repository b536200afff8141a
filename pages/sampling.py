"""Which neighbours the Gumbel top-k step drew for one title: what could have been drawn, what was, how likely
it was, how much it mattered.
"""

import json
import math
from functools import partial
from typing import Any

import streamlit as st

from dskreg.explorer import Explanation
from dskreg.ui.common import cache, widgets
from dskreg.ui.common.widgets import Notice, plain
from dskreg.ui.frame import sidebar
from dskreg.ui.sampling import flow, html_report, repeats, versus, walk
from dskreg.ui.sampling import panels as draw_panel
from dskreg.ui.sampling.draw import Shown

MOST_PICKS, LARGEST_SEED = 64, 2**31 - 1
WHOLE = ("seed", "seed_b", "k", "ku")  # parameters of the link that are whole numbers
TABS = ("Drawing", "Candidates", "Relations", "Flow", "Repeats", "Compare", "Walk", "Hubs")
METHOD = r"""
- **Candidates.** The knowledge graph links a title $i$ to others $j$ through relations $r$, such as a shared studio or the same franchise. Each pair $(j, r)$ is one candidate.
- **Logit.** The model gives each a logit, in the paper $s(i, j, r) = a \cdot e_j + c \cdot e_r$; the default preset adds $\log g_r$, the relation's gate, which is chosen on validation, and the strength of the tie. Its share of the probability mass is $\operatorname{softmax}(s)$.
- **Draw.** Gumbel noise $G = -\log(-\log U)$ is added and the $K$ largest keys $s + G$ are taken: a draw of $K$ without replacement from $\operatorname{softmax}(s)$. With the noise off, the $K$ largest logits are taken.
- **Probability.** $\pi_j$ is the share of all possible draws that contain $j$. Over all candidates it adds up to $K$.
- **Attention.** Among the drawn, $\alpha_j \propto \exp(\hat e_u \cdot e_r)$. The relations' embeddings $e_r$ are hardly trained: these weights say nothing of a person's taste.
- **Contribution.** The title becomes $\hat e_{i|u} = \mathrm{act}(W (e_i + \sum_j \alpha_j g_r e_j) + b)$, with $g_r = 1$ in the paper, and the score is $\hat e_u \cdot \hat e_{i|u}$: each drawn neighbour adds a term of its own.
- **Temperature.** $\tau$ softens the picks into the relaxed weights through which training learns. It changes neither the picks nor the score.
"""


def drop_endless() -> None:
    """Take infinite numbers out of the link: fields of whole numbers stop with an OverflowError on one
    (Streamlit 1.67), on nothing else.
    """
    endless = {
        name: st.query_params[name]
        for name in WHOLE
        if name in st.query_params and is_infinite(st.query_params[name])
    }
    if endless:
        st.session_state["endless"] = endless
        for name in endless:
            del st.query_params[name]
        st.rerun()


def is_infinite(text: str) -> bool:
    """Does Python read the text as an infinite number?"""
    try:
        return math.isinf(float(text))
    except ValueError:
        return False


def draw_again() -> None:
    """Callback: switch the noise on, or go to the next seed."""
    st.session_state["seed"] = (st.session_state["seed"] + bool(st.session_state["noise"])) % LARGEST_SEED
    st.session_state["noise"] = True


def as_json(explanation: Explanation) -> str:
    """The explanation for a program."""
    return json.dumps(explanation.to_json(), indent=1, ensure_ascii=False)


def as_page(explanation: Explanation, shown: Shown) -> str:
    """The explanation for a colleague."""
    notes = [f"Made by the DSKReG Explorer from the model “{shown.explorer.name}”."]
    notes += (
        ["The viewers of this model are simulated."]
        if shown.explorer.simulated and shown.profile.user_id is not None
        else []
    )
    return html_report.page(explanation, shown.profile.label, draw_panel.score_parts(explanation), notes)


selection = sidebar.current()
drop_endless()
explorer, profile, trained = selection.explorer, selection.profile, selection.explorer.defaults
asked = {
    name: st.query_params[name]
    for name in ("seed", "k", "ku", "tau", "noise", "show")
    if name in st.query_params
}
asked |= st.session_state.pop("endless", {})

st.title("Sampled neighbours", anchor=False)
st.caption(
    "Of the whole knowledge graph the model samples a few neighbours for each title. What could it draw, what did it draw, and what did that add?"
)
widgets.profile_header(explorer, profile)

offered = cache.recommendations(explorer, profile, selection.top)["item_id"].tolist()
item_id = selection.item_id if selection.item_id is not None else next(iter(offered), None)
if item_id is None:
    st.info(
        "There is nothing to recommend to this person. Choose a title in the sidebar to see its neighbours.",
        icon=":material/inbox:",
    )
    st.stop()

with st.container(border=True, horizontal=True, vertical_alignment="bottom"):
    noise = st.toggle(
        "Noise",
        key="noise",
        bind="query-params",
        help="Off: the K largest logits are taken, as for the recommendations. On: one random draw.",
    )
    seed = st.number_input(
        "Seed",
        0,
        LARGEST_SEED,
        key="seed",
        bind="query-params",
        width=130,
        disabled=not noise,
        help="The same seed gives the same draw.",
    )
    st.button(
        "Draw again",
        on_click=draw_again,
        icon=":material/casino:",
        help="Switches the noise on, then goes from seed to seed.",
    )
    usual: dict[str, Any] = {
        "k": trained["picks"],
        "ku": trained["user_picks"],
        "tau": float(trained["temperature"]),
    }
    text = "How many are drawn. The model was trained with {}."
    picks = st.number_input(
        "K neighbours",
        1,
        max(MOST_PICKS, usual["k"]),
        usual["k"],
        key="k",
        bind="query-params",
        width=130,
        help=text.format(usual["k"]),
    )
    user_picks = st.number_input(
        "K liked titles",
        1,
        max(MOST_PICKS, usual["ku"]),
        usual["ku"],
        key="ku",
        bind="query-params",
        width=130,
        help=text.format(usual["ku"]),
    )
    text = "Changes only the relaxed weights of training, neither the picks nor the score."
    tau = st.number_input(
        "Temperature \u03c4",
        0.01,
        5.0,
        usual["tau"],
        0.05,
        "%.2f",
        key="tau",
        bind="query-params",
        width=130,
        help=text,
    )

if usual != {"k": picks, "ku": user_picks, "tau": tau}:
    settings = f"K = {usual['k']} neighbours, K = {usual['ku']} liked titles and \u03c4 = {usual['tau']:g}"
    st.info(
        f"This is a what-if: the model was trained with {settings}. Its recommendations use those.",
        icon=":material/experiment:",
    )

shown = Shown(explorer, profile, item_id, seed if noise else None, picks, user_picks, tau)
explanation = shown.explanation()
candidates = explanation.item_neighbours
drawn = candidates[candidates["picked"]]
place = offered.index(item_id) if item_id in offered else None

with st.container(horizontal=True, vertical_alignment="center"):
    st.header(plain(explanation.title), anchor=False, width="content")
    st.caption(
        f"Recommendation {place + 1} of {len(offered)}"
        if place is not None
        else "Not among the recommendations shown",
        width="stretch",
    )
    for label, icon, step in (("Previous", "chevron_left", -1), ("Next", "chevron_right", 1)):
        other = (
            offered[(place + step) % len(offered) if place is not None else min(step, 0)]
            if offered
            else item_id
        )
        st.button(
            label,
            icon=f":material/{icon}:",
            on_click=sidebar.inspect,
            args=(other,),
            disabled=not offered,
            key=f"sampling_{step}",
        )
    with st.popover("Take it along", icon=":material/download:"):
        st.caption("This draw with all its numbers, as a page to send to a colleague or for a program.")
        quiet: dict[str, Any] = {"on_click": "ignore", "width": "stretch"}
        data = partial(as_page, explanation, shown)
        st.download_button(
            "Page for a colleague (HTML)",
            data,
            "explanation.html",
            "text/html",
            icon=":material/web:",
            **quiet,
        )
        data = partial(as_json, explanation)
        st.download_button(
            "Explanation (JSON)",
            data,
            "explanation.json",
            "application/json",
            icon=":material/data_object:",
            **quiet,
        )
if len(candidates):
    st.markdown(draw_panel.answer(candidates, "candidate neighbours", noise))
else:
    st.info(
        "This title has no neighbours in the knowledge graph: there was nothing to draw, and its own embedding alone makes the score.",
        icon=":material/hub:",
    )
with st.container(horizontal=True):
    st.metric(
        "Score",
        f"{explanation.score:.3f}",
        border=True,
        help=f"As a probability, sigmoid(score): {explanation.probability:.1%}",
    )
    st.metric("Could be drawn", len(candidates), border=True)
    st.metric("Drawn", len(drawn), border=True)
    st.metric(
        "Their probability mass",
        f"{drawn['share'].sum():.0%}",
        border=True,
        help="The share of softmax(s) that the drawn candidates hold together.",
    )
    st.metric("They add", f"{drawn['contribution'].sum():+.3f}", border=True)

tabs = st.tabs(TABS, key="show", bind="query-params")
wrong = widgets.not_followed(
    asked,
    {
        "noise": noise,
        "seed": seed,
        "k": picks,
        "ku": user_picks,
        "tau": tau,
        "show": st.session_state["show"],
    },
)
if wrong:
    widgets.show_notice(
        Notice(
            f"The link asks for {', '.join(wrong)}, which is not possible here. The page shows what is used instead."
        )
    )
contents = (
    partial(draw_panel.show_drawing, shown, explanation),
    partial(draw_panel.show_all, shown, explanation),
    partial(draw_panel.show_relations, shown, explanation.relations),
    partial(flow.show_flow, shown, explanation),
    partial(repeats.show_repeats, shown),
    partial(versus.show_versus, shown, explanation),
    partial(walk.show_walk, shown),
    partial(flow.show_hubs, shown, explanation),
)
for tab, show in zip(tabs, contents, strict=True):
    if tab.open:
        with tab:
            show()
with st.expander("How it works", icon=":material/school:"):
    st.markdown(METHOD)
