"""Items side by side, each with its buttons, as one element of the page.

A page has up to a hundred of them, and as Streamlit's own elements they keep the browser busy.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from html import escape

import streamlit as st

from dskreg.ui.common.charts import shorten

LONGEST = 90  # characters of a title in a button's accessible name
# Google's Material Symbols (Apache 2.0), on a canvas of 24 x 24
_UP = "M1 21h4V9H1v12zM23 10c0-1.1-.9-2-2-2h-6.31l.95-4.57.03-.32c0-.41-.17-.79-.44-1.06L14.17 1 7.59 7.59"
_UP += "C7.22 7.95 7 8.45 7 9v10c0 1.1.9 2 2 2h9c.83 0 1.54-.5 1.84-1.22l3.02-7.05c.09-.23.14-.47.14-.73v-2z"
_DOWN = "M15 3H6c-.83 0-1.54.5-1.84 1.22l-3.02 7.05c-.09.23-.14.47-.14.73v2c0 1.1.9 2 2 2h6.31l-.95 4.57"
_DOWN += "-.03.32c0 .41.17.79.44 1.06L9.83 23l6.59-6.59c.36-.36.58-.86.58-1.41V5c0-1.1-.9-2-2-2zM19 3v12h4V3z"
_SEARCH = "M15.5 14h-.79l-.28-.27A6.5 6.5 0 1 0 13.73 14.43l.27.28v.79l5 5 1.5-1.5zm-6 0a4.5 4.5 0 1 1 0-9 "
_SEARCH += "4.5 4.5 0 0 1 0 9z"
_NOTE = "M20 2H4c-1.1 0-2 .9-2 2v18l4-4h14c1.1 0 2-.9 2-2V4c0-1.1-.9-2-2-2zM6 14v-2.47l6.88-6.88c.2-.2.51"
_NOTE += "-.2.71 0l1.77 1.77c.2.2.2.51 0 .71L8.47 14H6zm12 0h-7.5l2-2H18v2z"
# The buttons with an icon: (label, path)
_ICONS = {
    "like": ("Like", _UP),
    "dislike": ("Dislike", _DOWN),
    "more": ("More like", _SEARCH),
    "note": ("Note on", _NOTE),
}
_CSS = """
.tiles { color: var(--st-text-color); font-size: 1rem }
.tiles-cards, .tiles-new { display: grid; gap: 0.75rem }
.tiles-cards { grid-template-columns: repeat(auto-fill, minmax(min(290px, 100%), 1fr)) }
.tiles-new { grid-template-columns: repeat(auto-fill, minmax(min(215px, 100%), 1fr)) }
.tiles-strip { display: flex; gap: 0.75rem; overflow-x: auto; padding: 2px 2px 0.5rem }
.tiles-strip > div { flex: 0 0 118px }
.tiles:not(.tiles-row) > div { display: flex; flex-direction: column; justify-content: space-between;
  gap: 0.5rem; min-width: 0 }
.tiles-cards > div, .tiles-new > div { padding: 1rem; border: 1px solid var(--st-border-color);
  border-radius: 0.5rem }
.tiles-row { display: flex }
@media (min-width: 701px) { .tiles-row { justify-content: end } }
.tile-do { display: flex; align-items: center; gap: 0.15rem }
.tiles button { all: unset; box-sizing: border-box; display: inline-flex; align-items: center;
  justify-content: center; min-width: 2rem; min-height: 2.4rem; cursor: pointer; border-radius: 0.5rem;
  color: var(--st-text-color) }
.tiles button:hover { color: var(--st-primary-color) }
.tiles button:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 1px }
.tiles button.why { padding: 0 0.6rem; font-size: 0.875rem; border: 1px solid var(--st-border-color) }
.tiles:is(.tiles-cards, .tiles-row) button.why { padding: 0 0.75rem; margin-right: 0.25rem; font-size: 1rem;
  white-space: nowrap; border: 0; background: var(--st-primary-color); color: light-dark(#ffffff, #0f1718) }
.tiles:is(.tiles-cards, .tiles-row) button.why:hover { filter: brightness(1.1) }
.tiles button svg { width: 1.2rem; height: 1.2rem; fill: currentColor }
"""
# A new list in the place of the old one keeps the focus where it was
_JS = """export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".tiles");
  root.onclick = ({ target }) => {
    const { act, item } = target.closest("button")?.dataset ?? {};
    if (act) setTriggerValue("act", { act, item });
  };
  if (root.shown === data.html) return;
  const buttons = () => [...root.querySelectorAll("button")];
  const place = buttons().indexOf(document.activeElement);
  const held = document.activeElement?.dataset;
  root.className = `tiles tiles-${data.layout}`;
  root.shown = root.innerHTML = data.html;
  if (place < 0) return;
  const same = buttons().find(({ dataset }) => dataset.act === held.act && dataset.item === held.item);
  (same ?? buttons()[place])?.focus();
}
"""
_component = st.components.v2.component(
    "tiles", html='<div class="tiles"></div>', css=_CSS, js=_JS, isolate_styles=False
)


Act = Callable[[int | str, str], None]  # takes an item's id and title


@dataclass(frozen=True)
class Tile:
    """An item and its buttons."""

    item_id: int | str
    title: str
    html: str  # all text from files in it is escaped
    actions: tuple[str, ...]  # "why" or of _ICONS


def show(
    key: str,
    tiles: Iterable[Tile],
    layout: str,
    acts: Mapping[str, Act],
) -> None:
    """The tiles as one element.

    Args:
        key: of the element.
        tiles: in their order.
        layout: "cards", "new" (a grid of narrower cards), "strip" (small covers, which scroll sideways) or
            "row" (buttons alone). “Why?” is drawn as the main action in "cards" and "row".
        acts: {action: callback with the item's id and title}.
    """
    tiles = list(tiles)
    known = {json.dumps(tile.item_id, default=int): tile for tile in tiles}
    html = "".join(_html(tile, text) for text, tile in zip(known, tiles, strict=True))
    _component(
        key=key,
        data={"layout": layout, "html": html},
        on_act_change=partial(_acted, key, known, acts),
    )


def _html(tile: Tile, item: str) -> str:
    buttons = "".join(_button(action, item, tile.title) for action in tile.actions)
    return f'<div>{tile.html}<div class="tile-do">{buttons}</div></div>'


def _button(action: str, item: str, title: str) -> str:
    """The button; its accessible name has the item's title."""
    named = escape(shorten(title, LONGEST).strip() or "untitled")
    about = f'type="button" data-act="{action}" data-item="{escape(item)}"'
    if action == "why":
        return f'<button {about} class="why" aria-label="Why {named}?">Why?</button>'
    label, path = _ICONS[action]
    icon = f'<svg viewBox="0 0 24 24" aria-hidden="true"><path d="{path}"/></svg>'
    return f'<button {about} title="{label.removesuffix(" on")}" aria-label="{label} {named}">{icon}</button>'


def _acted(key: str, known: Mapping[str, Tile], acts: Mapping[str, Act]) -> None:
    """Callback: what the pressed button does; nothing for an item that is no longer shown, or on a page
    that has none, where the second click of two may arrive.
    """
    asked = (st.session_state.get(key) or {}).get("act") or {}
    tile = known.get(str(asked.get("item")))
    if tile and asked.get("act") in tile.actions:
        acts[asked["act"]](tile.item_id, tile.title)
