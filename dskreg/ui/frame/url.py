"""The URL: the fields that hold its parameters, and which of them are invalid.

Streamlit writes the label of a bound chooser into the URL. Ids and the kind of profile therefore live in
bound text fields; the choosers beside them are unbound and write into those fields from their callbacks.
"""

from collections.abc import Callable, Mapping
from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dskreg.ui.common.widgets import Notice
from dskreg.ui.frame.finder import forget_changes

USER, CUSTOM = "viewer", "mine"  # values of `profile`, as they stand in links
KINDS = {USER: "Dataset user", CUSTOM: "Custom profile"}
MOST_TOP, TOP = 50, 10
# Streamlit adds one entry to the browser's history for each parameter that the script changes, and one more
# for the page. Back would lead through states that were never shown. Here the first change after a user's
# action adds the entry, and later changes replace it. A second click within PAUSE ms is a double click.
# The model chooser changes the URL at once, without the script: that change is an entry too.
_ONE_ENTRY = """<script>
if (!window.oneEntryEach) {
  window.oneEntryEach = true;
  const PAUSE = 500, push = history.pushState.bind(history), replace = history.replaceState.bind(history);
  const asked = address => new URL(address ?? "", location).searchParams.get("artifact");
  let acted = navigator.userActivation?.hasBeenActive ?? false, last = -PAUSE;
  const act = ({timeStamp}) => { acted ||= timeStamp - last >= PAUSE; last = timeStamp };
  for (const kind of ["pointerdown", "keydown", "click"]) addEventListener(kind, act, true);
  addEventListener("popstate", () => { acted = false }, true);
  history.pushState = (...entry) => { (acted ? push : replace)(...entry); acted = false };
  history.replaceState = (...entry) =>
    (acted && asked(entry[2]) !== asked("") ? history.pushState : replace)(...entry);
}
</script>"""


def one_entry_each() -> None:
    """Add one entry to the browser's history for each user action, however many parameters it changes."""
    st.html(
        _ONE_ENTRY, width="content", unsafe_allow_javascript=True
    )  # contains no text from a file or a link


def parameters() -> DeltaGenerator:
    """The part of the sidebar for URL parameters: `with parameters(): st.text_input(...)`."""
    place: DeltaGenerator = st.session_state["url_parameters"]
    return place


def frame_fields(place: DeltaGenerator) -> tuple[str, dict[str, str]]:
    """Draw the sidebar's fields in `place`; return the kind of profile and {parameter: text}.

    Only a drawn field knows what the browser's back button restored, so this runs before the choosers.
    """
    st.session_state["url_parameters"] = place
    with place:
        st.caption("URL parameters: edit one to change the view. A copied link contains all of them.")
        asked = _field("profile", "Profile", "viewer or mine", forget_changes).strip()
        kind = asked if asked in KINDS else USER
        several = "comma-separated ids"
        custom = {"titles": ("Items of the custom profile", several)}
        dataset = {"user": ("User", "the suggested user"), "liked": ("Added likes", several)}
        fields = (custom if kind == CUSTOM else dataset) | {"disliked": ("Dislikes", several)}
        fields |= {"item": ("Item", "the first recommendation")}
        values = {
            key: _field(key, *texts, forget_changes if key == "user" else None)
            for key, texts in fields.items()
        }
    return kind, values


def _field(key: str, label: str, placeholder: str, changed: Callable[[], None] | None) -> str:
    return (
        st.text_input(label, key=key, bind="query-params", placeholder=placeholder, on_change=changed) or ""
    )


def set_field(key: str, value: object) -> None:
    """Callback: write a field."""
    st.session_state[key] = value


def invalid(asked: Mapping[str, str], artifacts: list[str]) -> list[Notice]:
    """The parameters that no widget accepts; read before the widgets are drawn, which drop them silently."""
    notices = []
    if asked.get("artifact", artifacts[0]) not in artifacts:
        name = asked["artifact"][:80]
        notices.append(
            Notice(f"The link asks for the model “{name}”, which does not exist. You see “{artifacts[0]}”.")
        )
    top = asked.get("top", str(TOP))
    if not (top.isascii() and top.isdigit() and 1 <= int(top[:9]) <= MOST_TOP):
        text = f"The link asks for “{top[:80]}” recommendations; the range is 1 to {MOST_TOP}. You see {TOP}."
        notices.append(Notice(text))
    return notices


def invalid_profile() -> list[Notice]:
    """A notice where the field `profile` holds neither of its values."""
    asked = (st.session_state.get("profile") or "").strip()
    if not asked or asked in KINDS:
        return []
    text = f"The link asks for the profile “{asked[:80]}”; the values are {' and '.join(KINDS)}."
    return [
        Notice(f"{text} You see a dataset user.", "Show the dataset user", partial(set_field, "profile", ""))
    ]
