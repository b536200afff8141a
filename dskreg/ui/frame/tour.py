"""A guided tour through the pages: offered once to a first visitor, out of the way for everybody else.

Each page is one step, so the step follows the page on show, whichever way the visitor got there. Whether the
tour is offered, on or off is kept in the session only: a link never starts it.
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
        "This is what the model would show one person next, with its strongest reason for each title. "
        "Choose another person in the sidebar under **Find people** and watch list and reasons change.",
    ),
    Step(
        "Sampling",
        "pages/sampling.py",
        "The model does not read the whole knowledge graph: for each title it draws a few neighbours. "
        "Look at which were drawn and what each added to the score; **Draw again** shows how much is chance.",
    ),
    Step(
        "What if",
        "pages/what_if.py",
        "An explanation should hold when one tests it. Take away a title or a neighbour and see whether score, rank and list really move.",
    ),
    Step(
        "Compare",
        "pages/compare.py",
        "Two recommenders, two people, two titles or two models side by side. Look at where they agree first, then at what sets them apart.",
    ),
    Step(
        "Embeddings",
        "pages/embeddings.py",
        "Every title is a point; what the model holds to be alike lies close together. Choose a point to read its nearest neighbours, "
        "and trust those more than distances on the map.",
    ),
    Step(
        "Model",
        "pages/model.py",
        "Before one trusts a reason, one should know how good the model is. Look at the first table: a simple baseline may come close, or be ahead.",
    ),
    Step(
        "Runs",
        "pages/runs.py",
        "Here models are trained and chosen. Look at the curves: training ended where held-out titles were no longer found better.",
    ),
)


def draw(page: str, header: DeltaGenerator) -> None:
    """The offer beside the header, or the step that belongs to the page of this title."""
    if "tour" not in st.session_state:
        st.session_state["tour"] = OFF if len(st.query_params) or page != STEPS[0].title else OFFERED
    state = st.session_state["tour"]
    place = next((n for n, step in enumerate(STEPS) if step.title == page), None)
    if state == OFFERED:
        with header:
            st.caption(f"New here? There is a tour in {len(STEPS)} steps.", width="content")
            st.button(
                "Start the tour",
                icon=":material/tour:",
                key="tour_start",
                type="tertiary",
                on_click=_go,
                args=(0,),
            )
            st.button("No, thanks", key="tour_refuse", type="tertiary", on_click=_set, args=(OFF,))
    elif state == ON and place is not None:
        _step(place)


def again() -> None:
    """The way back to the tour, for the sidebar."""
    if st.session_state["tour"] != ON:
        st.button(
            "Take the tour",
            icon=":material/tour:",
            key="tour_again",
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
                    f"Back to {STEPS[place - 1].title}",
                    icon=":material/arrow_back:",
                    key="tour_back",
                    on_click=_go,
                    args=(place - 1,),
                )
            last = place == len(STEPS) - 1
            if not last:
                onward = f"On to {STEPS[place + 1].title}"
                st.button(
                    onward,
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
    """Callback: the tour's step of this place, on its page."""
    _set(ON)
    st.session_state["go"] = STEPS[place].path


def _set(state: str) -> None:
    st.session_state["tour"] = state
