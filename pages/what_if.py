"""What made the model say this? Take something away, or add it, and everything is computed again."""

import pandas as pd
import streamlit as st

from dskreg.explorer import Change, Counterfactual, Explorer, Profile, WhatIf
from dskreg.ui.common import cache, widgets
from dskreg.ui.common.widgets import plain
from dskreg.ui.frame import sidebar
from dskreg.ui.what_if import changes, moves

QUIET = {"displayModeBar": False}
SAME = 0.0005  # what the page's three decimals do not tell apart
NAMED = 3  # neighbours in a sentence
UNRANKED = "no rank, since it is not among the titles that this person is shown"


def effect(found: WhatIf, changed: bool) -> str:
    """What became of the title under inspection, in one sentence of Markdown."""
    before, after = found.before.score, found.after.score
    now = f"rank **{found.rank_before:,}** of {found.ranked_before:,}" if found.rank_before else UNRANKED
    if not changed:
        return f"As it is: score **{before:.3f}**, {now}."
    if found.rank_before and found.rank_after:
        step = found.rank_before - found.rank_after
        verb = "keeps" if not step else "rises from" if step > 0 else "falls from"
        rank = (
            f"{verb} rank **{found.rank_before:,}**"
            + (f" to **{found.rank_after:,}**" if step else "")
            + f" of {found.ranked_after:,}"
        )
    else:
        rank = "leaves the list, since it is liked now" if found.rank_before else f"has {UNRANKED}"
    return f"It {rank}. Its score goes from **{before:.3f}** to **{after:.3f}** ({signed(after - before)})."


def signed(value: float) -> str:
    """With a sign, and none where it rounds to nothing."""
    return f"{value:+.3f}".replace("-", "−") if abs(value) >= SAME else "no difference"


def show_numbers(found: WhatIf, changed: bool) -> None:
    """Score, rank and drawn neighbours, with what the change did to them."""
    drawn = found.neighbours
    fresh, difference = int((drawn["change"] == "came").sum()), found.after.score - found.before.score
    step = found.rank_before - found.rank_after if found.rank_before and found.rank_after else 0
    with st.container(horizontal=True):
        text = "The model's preference: only the order and the gaps mean something."
        st.metric(
            "Score",
            f"{found.after.score:.3f}",
            f"{difference:+.3f}" if abs(difference) >= SAME else None,
            border=True,
            height="stretch",
            help=text,
        )
        rank = f"{found.rank_after:,}" if found.rank_after else "–"
        text = f"Among the {found.ranked_after:,} titles that this person may be shown. Titles already seen have none."
        st.metric(
            "Rank",
            rank,
            f"{step:+d} place{'s' * (abs(step) != 1)}" if step else None,
            border=True,
            height="stretch",
            help=text,
        )
        replaced = f"{fresh} new" if changed and fresh else None
        st.metric(
            "Neighbours drawn",
            int(found.after.item_neighbours["picked"].sum()),
            replaced,
            delta_color="off",
            delta_arrow="off",
            border=True,
            height="stretch",
        )


def show_list(found: WhatIf, top: int) -> None:
    """The new list with its moves, as a table and as lines between two rankings."""
    if found.moves.empty:
        st.caption("Nothing is left that this person may be shown, neither before nor after.")
        return
    listed = moves.with_words(found.moves, top)
    said = moves.summary(listed)
    st.subheader(f"The new top {top}" if top > 1 else "The new first", anchor=False)
    reached = (
        f" The change reached the neighbours of {found.touched:,} title{'s' * (found.touched != 1)}."
        if found.touched
        else ""
    )
    st.caption(
        f"{said[:1].upper()}{said[1:]}. The rank before is on the left, the new one on the right.{reached}"
    )
    table, chart = st.columns([1.4, 1], gap="medium")
    number = st.column_config.NumberColumn
    table.dataframe(
        listed,
        hide_index=True,
        height="content",
        key="moves",
        placeholder="–",
        alt=f"The new list with each title's move: {said}",
        column_order=["rank_after", "title", "words", "rank_before", "score_before", "score_after"],
        column_config={
            "rank_after": number("#", width=40, help="Rank after the change."),
            "title": st.column_config.TextColumn("Title", width=180),
            "words": st.column_config.TextColumn("Move", width=122),
            "rank_before": number("Was", width=46, help="Rank before the change."),
            "score_before": number("Score was", format="%.3f", width=76),
            "score_after": number("Score now", format="%.3f", width=76),
        },
    )
    alt = f"Lines from each title's rank before to its rank after the change: {said}. The table beside it has the same ranks."
    chart.plotly_chart(moves.slopes(listed, top), key="slopes", config=QUIET, alt=alt)
    download = listed[
        ["item_id", "title", "rank_before", "rank_after", "words", "score_before", "score_after"]
    ]
    table.download_button(
        "Download as CSV",
        widgets.safe_csv(download),
        "what-if.csv",
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
    )


def some(neighbours: pd.DataFrame) -> str:
    """A few of these neighbours by name and relation, and how many more; Markdown."""
    named = [
        f"*{plain(title)}* ({plain(relation)})"
        for title, relation in zip(neighbours["title"], neighbours["relation"], strict=True)
    ]
    return (
        widgets.listed([*named[:NAMED], *([f"{len(named) - NAMED} more"] if len(named) > NAMED else [])])
        if named
        else "none"
    )


def show_neighbours(found: WhatIf) -> None:
    """Which neighbours of the title are drawn now."""
    drawn = found.neighbours
    st.subheader("Its neighbours in the graph", anchor=False)
    if drawn.empty:
        st.caption(
            "No neighbour is drawn, neither before nor after: the title's own embedding makes the score."
        )
        return
    if (drawn["change"] != "stayed").any():
        st.markdown(
            f"No longer drawn: {some(drawn[drawn['change'] == 'left'])}. Drawn instead: {some(drawn[drawn['change'] == 'came'])}."
        )
    elif (drawn["contribution_before"] - drawn["contribution_after"]).abs().max() < SAME:
        st.caption("The same neighbours are drawn as before, and each adds what it did.")
    else:
        st.caption("The same neighbours are drawn as before, but what they add has changed.")
    columns = {"title": "Neighbour", "relation": "Relation", "change": "Change"}
    adds = {"contribution_before": "Added before", "contribution_after": "Adds now"}
    st.dataframe(
        drawn[[*columns, *adds]],
        hide_index=True,
        height="content",
        key="neighbours",
        alt="The title's drawn neighbours before and after the change, with what each adds to the score",
        column_config={name: st.column_config.TextColumn(label) for name, label in columns.items()}
        | {
            name: st.column_config.NumberColumn(
                label, format="%+.3f", help="To the score; 0 where not drawn."
            )
            for name, label in adds.items()
        },
    )


def how_sure(found: Counterfactual, likes: int) -> str:
    """What was tried, and what was not."""
    tried = f"The model scored {found.tried:,} shortened histor{'ies' if found.tried != 1 else 'y'}."
    size = len(found.removed)
    if found.proven:
        smaller = (
            f"Nothing smaller does it: every {'single title' if size == 2 else 'smaller set'} was tried. "
        )
        return f"{smaller if size > 1 else ''}{tried}"
    every = (
        f"all sets of up to {found.complete}"
        if found.complete > 1
        else f"each of the {likes} alone"
        if found.complete
        else ""
    )
    doubt = "so a smaller set may do it too" if found.found else "so there may be one that does"
    return f"{tried} It tried {every + ', and ' if every else ''}of {'larger' if every else 'all'} sets only the likeliest, {doubt}."


def no_reason(found: Counterfactual, likes: int) -> None:
    """Why there is nothing to show."""
    first = plain(found.first_title)
    if found.first is None or not likes:
        st.markdown(
            "There is no recommendation to displace."
            if likes
            else "This person has no liked titles that could be taken out."
        )
        return
    if likes == 1:
        st.markdown(
            f"*{first}* rests on the only liked title: without it nothing is known of this user's taste."
        )
        return
    if found.proven:
        st.markdown(
            f"Whichever of the {likes} liked titles are taken out, *{first}* stays first as long as one is left."
        )
    else:
        st.markdown(
            f"Taking out up to {found.most} liked titles did not displace *{first}*: it rests on many of them."
        )
    st.caption(how_sure(found, likes))


def show_reason(explorer: Explorer, profile: Profile, inspected: object) -> None:
    """The fewest liked titles without which something else would be first."""
    st.header("The smallest reason", anchor=False)
    st.caption(
        "The fewest liked titles that put the first recommendation where it is: without them, another title would be first."
    )
    with st.spinner("Trying smaller histories …"):
        found: Counterfactual = cache.ask(explorer, "smallest_removal", profile)
    likes = len(profile.history)
    if not found.found:
        no_reason(found, likes)
        return
    names = [plain(explorer.item(key)["title"]) for key in found.removed]
    st.markdown(
        f"Without {widgets.listed([f'**{name}**' for name in names])} the first recommendation would be **{plain(found.replacement_title)}**"
        f" instead of **{plain(found.first_title)}**."
    )
    scores = pd.DataFrame(
        {
            "title": [found.first_title, found.replacement_title],
            "before": [found.first_before, found.replacement_before],
            "after": [found.first_after, found.replacement_after],
        }
    )
    st.dataframe(
        scores,
        hide_index=True,
        height="content",
        width="content",
        key="reason",
        alt="The scores of the first recommendation and of what replaces it, with all liked titles and without these",
        column_config={
            "title": st.column_config.TextColumn("Title", width=180),
            "before": st.column_config.NumberColumn(
                "Score", format="%.3f", width=70, help="With all the liked titles."
            ),
            "after": st.column_config.NumberColumn(
                "Score without", format="%.3f", width=110, help="Without the titles named above."
            ),
        },
    )
    st.caption(how_sure(found, likes))
    text = (
        "Takes these titles out above, and nothing else, and shows what happens to the first recommendation."
    )
    st.button(
        "Try it",
        icon=":material/experiment:",
        key="try_it",
        on_click=changes.try_removal,
        args=(found, inspected),
        help=text,
    )


selection = sidebar.current()
explorer, profile = selection.explorer, selection.profile
st.title("What if", anchor=False)
st.caption(
    "What made the model say this? Take something away, or add it, and the model computes everything again."
)
widgets.profile_header(explorer, profile)

item_id = selection.item_id
if item_id is None:
    item_id = next(iter(cache.recommendations(explorer, profile, selection.top)["item_id"].tolist()), None)
if item_id is None:
    st.info(
        "There is nothing to recommend to this person. Choose a title in the sidebar to change what speaks for it.",
        icon=":material/inbox:",
    )
    st.stop()

unchanged: WhatIf = cache.ask(explorer, "what_if", profile, item_id, Change(), selection.top)
st.header(plain(unchanged.before.title), anchor=False)
answer = st.container()  # above the choosers, filled once they have said what is changed
with st.container(border=True):
    change, notices = changes.choose(explorer, profile, item_id, unchanged.before)
found: WhatIf = (
    cache.ask(explorer, "what_if", profile, item_id, change, selection.top) if change else unchanged
)
with answer:
    for notice in notices:
        widgets.show_notice(notice)
    st.markdown(effect(found, bool(change)))
    if (change.without_entities or change.without_relations) and not found.touched:
        st.info(
            "What is taken out of the knowledge graph ties no candidates: without it nothing changes.",
            icon=":material/hub:",
        )
    if found.after.basis == "popularity" != unchanged.before.basis:
        st.info(
            f"With this change: {widgets.NOTHING_KNOWN[:1].lower()}{widgets.NOTHING_KNOWN[1:]}",
            icon=":material/help:",
        )
    show_numbers(found, bool(change))
if unchanged.before.item_neighbours.empty:
    st.caption(
        "This title has no neighbours in the knowledge graph: only the liked titles can change its score."
    )
if change:
    show_list(found, selection.top)
    show_neighbours(found)
else:
    st.info(
        "Nothing is changed yet. Take something out above, or try the smallest reason below.",
        icon=":material/touch_app:",
    )
show_reason(explorer, profile, selection.item_id)
