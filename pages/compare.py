"""Side by side: recommenders, people, titles or models.

The left side is what the sidebar says, the right side what is chosen here.
"""

import streamlit as st

from dskreg.ui.common import widgets
from dskreg.ui.common.widgets import Notice
from dskreg.ui.compare import models, people, recommenders, titles
from dskreg.ui.frame import sidebar

VIEWS = {
    "recommenders": (
        recommenders.show,
        "The same person, other recommenders: would a simple one say the same, and who finds what this person likes?",
    ),
    "people": (people.show, "Two people, one model: what do both get to see, and what sets them apart?"),
    "titles": (titles.show, "Two titles for one person: what ties them, and why does one score higher?"),
    "models": (models.show, "The same person, two models: what has another training or other data changed?"),
}
NORMAL = "recommenders"
# Only the view on show draws its fields. What was pinned in another one would be forgotten.
PINNED = (*people.FIELDS, *titles.FIELDS)

for field in PINNED:
    if field in st.session_state:
        st.session_state[field] = st.session_state[field]
selection = sidebar.current()
asked = st.query_params.get("what", NORMAL)
st.title("Compare", anchor=False)
what = widgets.one_of("Compare two", list(VIEWS), "what", NORMAL, label_visibility="collapsed")
show, caption = VIEWS[what]
st.caption(caption)
if asked not in VIEWS:
    widgets.show_notice(
        Notice(
            f"The link asks to compare “{asked[:40]}”; known are {widgets.listed(list(VIEWS))}. You see {what}."
        )
    )
widgets.profile_header(selection.explorer, selection.profile)
show(selection)
