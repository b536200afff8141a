"""Compare two recommenders, users, items or models, or look at one entity or relation.

The left side is what the sidebar selects, the right side what this page selects.
"""

import streamlit as st

from dskreg.ui.common import widgets
from dskreg.ui.common.widgets import Notice
from dskreg.ui.compare import entities, items, models, recommenders, relations, users
from dskreg.ui.frame import sidebar

VIEWS = {
    "recommenders": (
        recommenders.show,
        "This model and the baselines for one user: which items do they share, and which held-out items do "
        "they find?",
    ),
    "users": (users.show, "Two users, one model: how do their recommendations and their tastes differ?"),
    "items": (items.show, "Two items for one user: how are they related, and how do their scores differ?"),
    "entities": (
        entities.show,
        "One genre, studio or other entity: which items carry it, and where is it sampled?",
    ),
    "relations": (
        relations.show,
        "One relation of the knowledge graph: what does it link, and what does it add to the scores?",
    ),
    "models": (
        models.show,
        "One user, two models: how do their recommendations and their test figures differ?",
    ),
}
DEFAULT = "recommenders"
# Streamlit forgets the fields of a view that is not drawn
KEPT = (*users.FIELDS, *items.FIELDS, *entities.FIELDS, *relations.FIELDS)

for field in KEPT:
    if field in st.session_state:
        st.session_state[field] = st.session_state[field]
selection = sidebar.current()
asked = st.query_params.get("what", DEFAULT)
st.title("Compare", anchor=False)
what = widgets.one_of("Compare", list(VIEWS), "what", DEFAULT, label_visibility="collapsed")
show, caption = VIEWS[what]
st.caption(caption)
if asked not in VIEWS:
    known = widgets.listed(list(VIEWS))
    widgets.show_notice(
        Notice(f"The link asks to compare “{asked[:40]}”; known are {known}. This page compares {what}.")
    )
widgets.profile_header(selection.explorer, selection.profile)
show(selection)
