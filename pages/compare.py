"""Side by side: recommenders, people, titles or models. The left side is what the sidebar says, the right side what is chosen here."""

import streamlit as st

from dskreg.ui import panels, sidebar, versus_models, versus_people, versus_recommenders, versus_titles
from dskreg.ui.panels import Notice

VIEWS = {
    "recommenders": (versus_recommenders.show, "The same person, other recommenders: would a simple one say the same, and who finds what this person likes?"),
    "people": (versus_people.show, "Two people, one model: what do both get to see, and what sets them apart?"),
    "titles": (versus_titles.show, "Two titles for one person: what ties them, and why does one score higher?"),
    "models": (versus_models.show, "The same person, two models: what has another training or other data changed?"),
}
NORMAL = "recommenders"
# Only the view on show draws its fields. What was pinned in another one would be forgotten.
PINNED = (*versus_people.FIELDS, *versus_titles.FIELDS)

for field in PINNED:
    if field in st.session_state:
        st.session_state[field] = st.session_state[field]
selection = sidebar.current()
asked = st.query_params.get("what", NORMAL)
st.title("Compare", anchor=False)
what = panels.one_of("Compare two", list(VIEWS), "what", NORMAL, label_visibility="collapsed")
show, caption = VIEWS[what]
st.caption(caption)
if asked not in VIEWS:
    panels.show_notice(Notice(f"The link asks to compare “{asked[:40]}”; known are {panels.listed(list(VIEWS))}. You see {what}."))
panels.person_header(selection.explorer, selection.profile)
show(selection)
