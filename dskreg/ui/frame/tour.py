"""A guided tour through the pages, pointed out on a first visit to the start page.

Each page is one step, so the step follows the page, however the user gets there. The session alone keeps
whether the tour is offered, on or off: a link never starts it.
"""

from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

OFFERED, ON, OFF = "offered", "on", "off"


@dataclass(frozen=True)
class Step:
    """One page of the tour."""

    title: str  # of the page
    path: str
    look: str  # what to look at; Markdown


STEPS = (
    Step(
        "Recommendations",
        "pages/recommendations.py",
        "The model's recommendations for one user, with the strongest reason for each item. "
        "Below the list stand new items that nobody has rated yet. "
        "Choose another user in the sidebar under **Find users** and compare the list and its reasons.",
    ),
    Step(
        "Sampling",
        "pages/sampling.py",
        "The model does not use the whole knowledge graph: for each item it samples a few neighbours. "
        "See which were sampled and what each contributes to the score; **Resample** shows the variation.",
    ),
    Step(
        "What if",
        "pages/what_if.py",
        "Test an explanation: remove a liked item or a neighbour. "
        "Score, rank and list change if the explanation is right.",
    ),
    Step(
        "Compare",
        "pages/compare.py",
        "Two recommenders, two users, two items or two models side by side. "
        "Look first at where they agree, then at how they differ.",
    ),
    Step(
        "Embeddings",
        "pages/embeddings.py",
        "Each item is a point, and similar items are close together. Select a point to see its nearest "
        "neighbours, which are more reliable than distances on the map.",
    ),
    Step(
        "Model",
        "pages/model.py",
        "The model's accuracy beside simple baselines, and what each of its parts is worth. "
        "See the first table: a baseline may be close or ahead.",
    ),
    Step(
        "Runs",
        "pages/runs.py",
        "Train models and select one. The curves show where training ended: "
        "the validation metric no longer improved.",
    ),
)


def draw(page: str, header: DeltaGenerator) -> None:
    """The button in the header, or the step of the page with this title."""
    state = st.session_state.setdefault("tour", OFFERED)
    if state == OFFERED and (len(st.query_params) or page != STEPS[0].title):
        st.session_state["tour"] = state = OFF
    place = next((n for n, step in enumerate(STEPS) if step.title == page), None)
    if state == ON and place is not None:
        _step(place)
        return
    with header:
        if state == OFFERED:
            st.caption(f"New here? {len(STEPS)} steps:", width="content")
        st.button(
            "Take the tour",
            icon=":material/tour:",
            key="tour_start",
            type="tertiary",
            on_click=_go,
            args=(0,),
        )


def _step(place: int) -> None:
    step = STEPS[place]
    with st.container(border=True, gap="small", key="tour_step"):
        st.markdown(f"**{step.title}** :gray[· {place + 1} of {len(STEPS)}]  \n{step.look}")
        with st.container(horizontal=True, gap="small"):
            if place > 0:
                st.button(
                    f"Back: {STEPS[place - 1].title}",
                    icon=":material/arrow_back:",
                    key="tour_back",
                    on_click=_go,
                    args=(place - 1,),
                )
            last = place == len(STEPS) - 1
            if not last:
                st.button(
                    f"Next: {STEPS[place + 1].title}",
                    icon=":material/arrow_forward:",
                    key="tour_next",
                    type="primary",
                    on_click=_go,
                    args=(place + 1,),
                )
            st.button(
                "End the tour",
                key="tour_end",
                type="primary" if last else "tertiary",
                on_click=_set,
                args=(OFF,),
            )


def _go(place: int) -> None:
    """Callback: open the page of this step."""
    _set(ON)
    st.session_state["go"] = STEPS[place].path


def _set(state: str) -> None:
    st.session_state["tour"] = state
