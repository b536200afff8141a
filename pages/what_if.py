"""What if: add or remove likes, or remove parts of the graph, and the model computes every score again."""

import streamlit as st

from dskreg.explorer import Change, WhatIf
from dskreg.ui.common import cache, widgets
from dskreg.ui.common.widgets import plain
from dskreg.ui.frame import sidebar
from dskreg.ui.what_if import changes, counterfactual, effect, moves

selection = sidebar.current()
explorer, profile = selection.explorer, selection.profile
st.title("What if", anchor=False)
st.caption(
    "Remove or add liked items, neighbours, entities or relations: the model computes every score again."
)
widgets.profile_header(explorer, profile)

item_id = selection.item()
if item_id is None:
    st.info(
        "Nothing can be recommended to this user. Select an item in the sidebar to change its score.",
        icon=":material/inbox:",
    )
    raise sidebar.PageEnd

unchanged: WhatIf = cache.ask(explorer, "what_if", profile, item_id, Change(), selection.top)
st.header(plain(unchanged.before.title), anchor=False)
reason = st.container(border=True)  # filled last: on a large catalogue the search takes a while
answer = st.container()  # above the choosers, filled once they have said what is changed
with st.container(border=True):
    change, notices = changes.choose(explorer, profile, item_id, unchanged.before)
found: WhatIf = (
    cache.ask(explorer, "what_if", profile, item_id, change, selection.top) if change else unchanged
)
with answer:
    for notice in notices:
        widgets.show_notice(notice)
    outcome = effect.effect(found, bool(change))
    if change and len(found.moves):
        outcome = f"{outcome} {moves.summary(moves.with_words(found.moves, selection.top), selection.top)}"
    st.markdown(outcome)
    if (change.without_entities or change.without_relations) and not found.touched:
        st.info(
            "No candidate depends on what is removed from the knowledge graph, so nothing changes.",
            icon=":material/hub:",
        )
    if found.after.basis == "popularity" != unchanged.before.basis:
        st.info(
            f"With this change: {widgets.NOTHING_KNOWN[:1].lower()}{widgets.NOTHING_KNOWN[1:]}",
            icon=":material/help:",
        )
    effect.show_numbers(found)
if unchanged.before.item_neighbours.empty:
    st.caption("This item has no neighbours in the knowledge graph: only liked items can change its score.")
if change:
    moves.show_moves(found, selection.top)
    effect.show_neighbours(found)
else:
    st.info(
        "No changes yet. Apply the counterfactual, or remove or add something above.",
        icon=":material/touch_app:",
    )
with reason:
    counterfactual.show(explorer, profile, item_id, selection.top)
