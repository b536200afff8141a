"""Choosing what to take away or to add, on the what-if page.

Each kind of change lives in a bound text field, so that a link carries it: ids for titles, `id:relation` for
neighbours, `relation:entity` for entities, names for relations, separated by commas. Commas, colons and
percent signs inside a name are percent-encoded. The choosers beside the fields are unbound and write into
them from their callbacks.
"""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import unquote

import streamlit as st

from dskreg.explorer import Change, Counterfactual, Explanation, Explorer, InputError, Profile
from dskreg.ui.common import cache
from dskreg.ui.common.widgets import Notice, plain
from dskreg.ui.frame import sidebar

FIELDS = {
    "without": "Titles taken out (ids)",
    "added": "Titles added (ids)",
    "no_neighbours": "Neighbours taken out (id:relation)",
    "no_entities": "Entities taken out (relation:name)",
    "no_relations": "Relations taken out (names)",
}
MOST = 200  # of one kind in a link
OTHERS = 300  # entities that the title does not carry, in the chooser
FOUND = 6  # titles a search shows


def escaped(*parts: object) -> str:
    """One code of a field: the parts, joined by colons."""
    return ":".join(str(part).replace("%", "%25").replace(",", "%2C").replace(":", "%3A") for part in parts)


def parts(code: str) -> tuple[str, ...]:
    """What `escaped` joined."""
    return tuple(unquote(part) for part in code.split(":"))


def codes(text: str | None) -> list[str]:
    """The codes in a field, each once, written as `escaped` would."""
    return list(
        dict.fromkeys(escaped(*parts(code.strip())) for code in (text or "").split(",") if code.strip())
    )[:MOST]


def choose(
    explorer: Explorer, profile: Profile, item_id: object, title: Explanation
) -> tuple[Change, list[Notice]]:
    """Draw the choosers; the change that they and the link ask for, and what of the link cannot be followed.

    `title` is the explanation of the title under inspection: its candidates are the neighbours that can be
    taken out.
    """
    above = st.container()
    with st.expander("The change in the link", icon=":material/link:"):
        st.caption("A copied link opens this very what-if. It carries these; edit them to jump.")
        asked = {
            field: codes(st.text_input(label, key=field, bind="query-params"))
            for field, label in FIELDS.items()
        }
    with above:
        return _choosers(explorer, profile, item_id, title, asked)


def _choosers(
    explorer: Explorer, profile: Profile, item_id: object, title: Explanation, asked: dict[str, list[str]]
) -> tuple[Change, list[Notice]]:
    history = explorer.liked(profile)
    liked = {escaped(key): str(name) for key, name in zip(history["item_id"], history["title"], strict=True)}
    neighbours = title.item_neighbours
    near = {
        escaped(key, relation): f"{name} · {relation}{'' if picked else ' (not drawn)'}"
        for picked, key, name, relation in zip(
            neighbours["picked"],
            neighbours["item_id"],
            neighbours["title"],
            neighbours["relation"],
            strict=True,
        )
    }
    entities, more = _entities(explorer, item_id)
    relations = {escaped(name): name for name in explorer.relations}
    added = _titles(explorer, profile, asked["added"])
    known = {
        "without": liked,
        "added": added,
        "no_neighbours": near,
        "no_entities": entities | more,
        "no_relations": relations,
    }
    kept = {field: [code for code in wanted if code in known[field]] for field, wanted in asked.items()}
    offered = (
        entities
        | dict(list(more.items())[:OTHERS])
        | {code: more[code] for code in kept["no_entities"] if code in more}
    )

    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("**The person**")
        _chooser(
            "without",
            "Take out liked titles",
            liked,
            kept,
            "As if this person had never liked them. They stay hidden from the list: they were seen.",
        )
        _search(explorer, profile, kept["added"])
        if added:
            _chooser("added", "Added to the liked titles", added, kept, "As if this person liked these too.")
        st.button(
            "Reset",
            icon=":material/restart_alt:",
            on_click=reset,
            disabled=not any(asked.values()),
            help="Nothing is changed any more.",
        )
    with right:
        st.markdown("**The knowledge graph**")
        text = (
            "Only for the title under inspection: these can no longer be drawn. What was drawn comes first."
        )
        _chooser("no_neighbours", "Take out neighbours of this title", near, kept, text)
        text = (
            "Everywhere in the graph, for all titles; this title's own come first. Who shares something else stays a neighbour, by a weaker tie."
            " Neighbours that found no place among a title's candidates when the model was built do not come in."
        )
        _chooser("no_entities", "Take out what titles share", offered, kept, text)
        _chooser(
            "no_relations",
            "Take out whole relations",
            relations,
            kept,
            "Every tie of this kind, everywhere in the graph.",
        )
    return _change(explorer, profile, kept), _notices(asked, kept)


def _change(explorer: Explorer, profile: Profile, kept: dict[str, list[str]]) -> Change:
    ids = {escaped(key): key for key in profile.history}
    return Change(
        without_titles=tuple(ids[code] for code in kept["without"]),
        with_titles=tuple(explorer.item(*parts(code))["item_id"] for code in kept["added"]),
        without_neighbours=tuple(
            (explorer.item(key)["item_id"], relation) for key, relation in map(parts, kept["no_neighbours"])
        ),
        without_entities=tuple((relation, entity) for relation, entity in map(parts, kept["no_entities"])),
        without_relations=tuple(name for (name,) in map(parts, kept["no_relations"])),
    )


def _notices(asked: dict[str, list[str]], kept: dict[str, list[str]]) -> list[Notice]:
    unknown = [
        ":".join(parts(code))[:60]
        for field, wanted in asked.items()
        for code in wanted
        if code not in kept[field]
    ]
    if not unknown:
        return []
    text = f"The link changes what is not here, or is so already: {', '.join(unknown[:10])}. It is left out."
    return [Notice(text, "Remove it from the link", partial(_put_all, kept))]


def _titles(explorer: Explorer, profile: Profile, wanted: list[str]) -> dict[str, str]:
    """Those of the wanted titles that can be added, with their names."""
    known, history = {}, {str(key) for key in profile.history}
    for code in wanted:
        try:
            row = explorer.item(":".join(parts(code)))
        except InputError:
            continue
        if str(row["item_id"]) not in history:
            known[code] = str(row["title"])
    return known


def _entities(explorer: Explorer, item_id: object) -> tuple[dict[str, str], dict[str, str]]:
    """({code: label} of what the title carries, the most ties first, {code: label} of everything else)."""
    own = cache.ask(explorer, "entities", item_id).sort_values("candidates", ascending=False, kind="stable")
    every = cache.ask(explorer, "entities")
    first, rest = (
        {
            escaped(r, e): f"{r}: {e}"
            for r, e in zip(frame["relation"].tolist(), frame["entity"].tolist(), strict=True)
        }
        for frame in (own, every)
    )
    return first, {code: label for code, label in rest.items() if code not in first}


def _chooser(field: str, label: str, options: dict[str, str], kept: dict[str, list[str]], text: str) -> None:
    names = list(options.values())
    labels = {code: f"{name} ({code})" if names.count(name) > 1 else name for code, name in options.items()}
    key = f"choose_{field}"
    st.session_state[key] = kept[field]
    st.multiselect(
        label,
        list(options),
        format_func=lambda code: labels.get(code, code),
        key=key,
        on_change=_take,
        args=(field,),
        help=text,
        placeholder="none" if options else "there are none",
        disabled=not options,
        select_all=False,
    )


def _search(explorer: Explorer, profile: Profile, added: list[str]) -> None:
    """Titles by a part of their name, one click each."""
    text = st.text_input(
        "Add a title",
        key="what_if_search",
        type="search",
        live="300ms",
        placeholder="type a part of its name",
    )
    if not text or not text.strip():
        return
    known = {escaped(key) for key in profile.history} | set(added)
    found = explorer.find_items(text.strip(), limit=FOUND + len(known))
    offered = [
        (key, name)
        for key, name in zip(found["item_id"].tolist(), found["title"], strict=True)
        if escaped(key) not in known
    ][:FOUND]
    with st.container(gap="xxsmall"):
        for key, name in offered:
            st.button(
                plain(name),
                key=f"what_if_add {key}",
                icon=":material/add:",
                type="tertiary",
                on_click=_add,
                args=(key, added),
            )
    if not offered:
        st.caption(
            "Every title with that name is liked already."
            if len(found)
            else "No title contains that. Try fewer letters."
        )


def _add(item_id: object, added: list[str]) -> None:
    st.session_state["added"] = ",".join([*added, escaped(item_id)])
    st.session_state["what_if_search"] = ""


def _take(field: str) -> None:
    st.session_state[field] = ",".join(st.session_state[f"choose_{field}"])


def _put_all(kept: dict[str, list[str]]) -> None:
    for field in FIELDS:
        st.session_state[field] = ",".join(kept.get(field, []))


def reset() -> None:
    """Callback: nothing is changed."""
    _put_all({})


def try_removal(found: Counterfactual, inspected: Any) -> None:
    """Callback: the removal, and nothing else, becomes the change, seen from the title that it displaces."""
    _put_all({"without": [escaped(key) for key in found.removed]})
    if inspected is not None:
        sidebar.inspect(found.first)
