"""The link that opens the very view: its parameters, also where they are defaults, and the button that copies
it.
"""

from collections.abc import Iterable
from urllib.parse import urlencode

import streamlit as st
from streamlit.errors import StreamlitAPIException

FIRST = ("artifact", "profile", "user", "item")  # of a link
_PINNED = "pinned"
# The browser knows the page's address. Without a clipboard (a page over http, a refused permission) the link
# is selected in a field.
_HTML = """<button type="button">
  <svg viewBox="0 0 24 24" aria-hidden="true"><path d="M3.9 12a3.1 3.1 0 0 1 3.1-3.1h4V7H7a5 5 0 0 0 0
  10h4v-1.9H7A3.1 3.1 0 0 1 3.9 12zM8 13h8v-2H8v2zm9-6h-4v1.9h4a3.1 3.1 0 0 1 0 6.2h-4V17h4a5 5 0 0 0 0-10z"/>
  </svg><span>Copy link</span></button>
<output></output>
<input readonly hidden aria-label="Link to this view">
"""
_CSS = """:host { display: block }
button { all: unset; display: inline-flex; align-items: center; gap: 0.4rem; min-height: 2.4rem;
  cursor: pointer; white-space: nowrap; font-size: 0.875rem; color: var(--st-text-color);
  border-radius: 0.4rem }
button:hover { color: var(--st-primary-color) }
button:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 2px }
svg { width: 1.1rem; fill: currentColor }
input { display: block; width: 14rem; max-width: 100%; padding: 0.3rem; font: inherit;
  color: var(--st-text-color); background: var(--st-secondary-background-color);
  border: 1px solid var(--st-border-color); border-radius: 0.4rem }
output { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%) }
input[hidden] { display: none }
"""
_JS = """export default function ({ data, parentElement }) {
  const part = name => parentElement.querySelector(name);
  const [button, label, told, field] = ["button", "span", "output", "input"].map(part);
  const say = text => { label.textContent = told.textContent = text };
  field.hidden = true;
  button.onclick = async () => {
    const link = `${location.origin}${location.pathname}${data.query}`;
    let copied = true;
    try {
      await navigator.clipboard.writeText(link);
    } catch {
      field.hidden = false;
      field.value = link;
      field.select();
      copied = document.execCommand("copy");
    }
    field.hidden = copied;
    say(copied ? "Link copied" : "Press Ctrl+C to copy");
    clearTimeout(button.timer);
    if (copied) button.timer = setTimeout(say, 2500, "Copy link");
  };
}
"""
_button = st.components.v2.component("copy_link", html=_HTML, css=_CSS, js=_JS)


def start() -> None:
    """Begin a run: nothing is pinned yet."""
    st.session_state[_PINNED] = {}


def pin(**parameters: object) -> None:
    """What the view shows where the URL is silent, such as the suggested user: the copied link names it."""
    st.session_state.setdefault(_PINNED, {}).update(parameters)


def parameters() -> dict[str, list[str]]:
    """{parameter: values} of the view, once the page is drawn: the URL's, those of the bound widgets that
    stand at their default, and those that are pinned.
    """
    found = {name: st.query_params.get_all(name) for name in st.query_params}
    chosen = {key: st.session_state[key] for key in st.session_state if key not in found and _bound(str(key))}
    for name, value in (chosen | st.session_state.get(_PINNED, {})).items():
        if name not in found and (texts := _texts(value)):
            found[str(name)] = texts
    names = sorted(found, key=lambda name: (FIRST.index(name) if name in FIRST else len(FIRST), name))
    return {name: found[name] for name in names}


def copy_button() -> None:
    """The button that copies the link."""
    query = urlencode(parameters(), doseq=True)
    _button(key="copy_link", data={"query": query and f"?{query}"}, width="content")


def _bound(key: str) -> bool:
    """Whether a widget of this run writes this parameter, which the URL lacks: Streamlit refuses to delete
    it.
    """
    try:
        del st.query_params[key]
    except StreamlitAPIException:
        return True
    except KeyError:
        pass
    return False


def _texts(value: object) -> list[str]:
    """The value of a widget as the URL writes it; [] where it is empty."""
    if isinstance(value, str) or not isinstance(value, Iterable):
        value = [value]
    return [_text(part) for part in value if part is not None and part != ""]


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)
