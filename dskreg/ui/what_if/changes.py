"""Choosing what to remove or to add, on the what-if page.

Each kind of change lives in a bound text field, so that a link carries it: ids for items, `id:relation` for
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
from dskreg.ui.frame import sidebar, url

FIELDS = {
    "without": "Removed likes (ids)",
    "added": "Added likes (ids)",
    "no_neighbours": "Removed neighbours (id:relation)",
    "no_entities": "Removed entities (relation:name)",
    "no_relations": "Removed relations (names)",
}
CHOOSERS = {  # field: (label, help)
    "without": (
        "Remove liked items",
        "Scores the user without these likes; the items were seen and stay out of the recommendations.",
    ),
    "added": ("Added likes", "Scores the user as if these items were liked too."),
    "no_neighbours": (
        "Remove neighbours",
        "Excludes these candidates for the selected item alone; the sampled ones come first.",
    ),
    "no_entities": (
        "Remove entities",
        "Removes these entities from the whole graph; those of the selected item come first. Items that "
        "share another entity stay neighbours, by a weaker edge. The candidate table gets no new rows.",
    ),
    "no_relations": ("Remove relations", "Removes all edges of these relations from the whole graph."),
}
MOST = 200  # codes of one kind in a link
OTHER_ENTITIES = 300  # entities of other items that the chooser offers
FOUND = 6  # items that a search shows


def escaped(*parts: object) -> str:
    """One code of a field: the parts joined by colons."""
    return ":".join(str(part).replace("%", "%25").replace(",", "%2C").replace(":", "%3A") for part in parts)


def parts(code: str) -> tuple[str, ...]:
    """The parts that `escaped` joined."""
    return tuple(unquote(part) for part in code.split(":"))


def codes(text: str | None) -> list[str]:
    """The codes in a field, each once, written as `escaped` would."""
    return list(
        dict.fromkeys(escaped(*parts(code.strip())) for code in (text or "").split(",") if code.strip())
    )[:MOST]


def choose(
    explorer: Explorer, profile: Profile, item_id: object, explanation: Explanation
) -> tuple[Change, list[Notice]]:
    """Draw the choosers; return the requested change, and notices for parts of the URL that do not apply.

    `explanation` explains the selected item: its candidates are the neighbours that can be removed.
    """
    with url.parameters():
        asked = {
            field: codes(st.text_input(label, key=field, bind="query-params"))
            for field, label in FIELDS.items()
        }
    return _choosers(explorer, profile, item_id, explanation, asked)


def _choosers(
    explorer: Explorer,
    profile: Profile,
    item_id: object,
    explanation: Explanation,
    asked: dict[str, list[str]],
) -> tuple[Change, list[Notice]]:
    entities, others = _entities(explorer, item_id)
    known = {
        "without": _liked(explorer, profile),
        "added": _titles(explorer, profile, asked["added"]),
        "no_neighbours": _candidates(explanation),
        "no_entities": entities | others,
        "no_relations": {escaped(name): name for name in explorer.relations},
    }
    kept = {field: [code for code in wanted if code in known[field]] for field, wanted in asked.items()}
    offered = entities | dict(list(others.items())[:OTHER_ENTITIES])
    offered |= {code: others[code] for code in kept["no_entities"] if code in others}

    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("**User profile**")
        _chooser("without", known["without"], kept)
        _search(explorer, profile, kept["added"])
        if known["added"]:
            _chooser("added", known["added"], kept)
        st.button(
            "Reset",
            icon=":material/restart_alt:",
            on_click=reset,
            disabled=not any(asked.values()),
            help="Removes all changes.",
        )
    with right:
        st.markdown("**Knowledge graph**")
        _chooser("no_neighbours", known["no_neighbours"], kept)
        _chooser("no_entities", offered, kept)
        _chooser("no_relations", known["no_relations"], kept)
    return _change(explorer, profile, kept), _notices(asked, kept)


def _liked(explorer: Explorer, profile: Profile) -> dict[str, str]:
    """{code: title} of the user's history."""
    history = explorer.liked(profile)
    return {escaped(key): str(name) for key, name in zip(history["item_id"], history["title"], strict=True)}


def _candidates(explanation: Explanation) -> dict[str, str]:
    """{code: label} of the selected item's candidates."""
    neighbours = explanation.item_neighbours
    return {
        escaped(key, relation): f"{name} · {relation}{'' if picked else ' (not sampled)'}"
        for picked, key, name, relation in zip(
            neighbours["picked"],
            neighbours["item_id"],
            neighbours["title"],
            neighbours["relation"],
            strict=True,
        )
    }


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
    text = f"The link asks for changes that do not apply here: {', '.join(unknown[:10])}. They are left out."
    return [Notice(text, "Remove from link", partial(_write_all, kept))]


def _titles(explorer: Explorer, profile: Profile, wanted: list[str]) -> dict[str, str]:
    """{code: title} of the wanted items that can be added."""
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
    """({code: label} of the item's own entities, those with most candidates first; of all others)."""
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


def _chooser(field: str, options: dict[str, str], kept: dict[str, list[str]]) -> None:
    label, text = CHOOSERS[field]
    names = list(options.values())
    labels = {code: f"{name} ({code})" if names.count(name) > 1 else name for code, name in options.items()}
    key = f"choose_{field}"
    st.session_state[key] = kept[field]
    st.multiselect(
        label,
        list(options),
        format_func=lambda code: labels.get(code, code),
        key=key,
        on_change=_write,
        args=(field,),
        help=text,
        placeholder="none" if options else "none available",
        disabled=not options,
        select_all=False,
        wrap=True,
    )


def _search(explorer: Explorer, profile: Profile, added: list[str]) -> None:
    """Find items by title; a click adds one."""
    text = st.text_input(
        "Add liked item",
        key="what_if_search",
        type="search",
        live="300ms",
        placeholder="part of its name",
        help="Scores the user as if this item were liked too.",
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
            "The user already likes every item with this title."
            if len(found)
            else "No item contains this text. Try fewer letters."
        )


def _add(item_id: object, added: list[str]) -> None:
    st.session_state["added"] = ",".join([*added, escaped(item_id)])
    st.session_state["what_if_search"] = ""


def _write(field: str) -> None:
    st.session_state[field] = ",".join(st.session_state[f"choose_{field}"])


def _write_all(kept: dict[str, list[str]]) -> None:
    for field in FIELDS:
        st.session_state[field] = ",".join(kept.get(field, []))


def reset() -> None:
    """Callback: remove all changes."""
    _write_all({})


def apply_removal(found: Counterfactual, selected: Any) -> None:
    """Callback: the removal becomes the only change, and the item that it displaces is selected."""
    _write_all({"without": [escaped(key) for key in found.removed]})
    if selected != found.first:
        sidebar.inspect(found.first)


def is_removed(found: Counterfactual) -> bool:
    """Is this removal the only change?"""
    asked = {field: set(codes(st.session_state.get(field))) for field in FIELDS}
    return asked == {field: set() for field in FIELDS} | {"without": {escaped(key) for key in found.removed}}
