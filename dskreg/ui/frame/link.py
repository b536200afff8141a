"""The address: the link to what one sees, and the browser's history of it."""

from urllib.parse import urlencode

import streamlit as st

# For each parameter that the script changes Streamlit makes an entry of the browser's history, and one more
# for the page: Back would lead through
# views that nobody has seen. Here the first change after an action of the visitor makes the entry, and what
# follows only corrects it. A second
# click within PAUSE ms is a double click. What a chooser of models or of the kind of person changes at once
# is an entry too, not a correction.
_ONE_ENTRY = """<script>
if (!window.oneEntryEach) {
  window.oneEntryEach = true;
  const PAUSE = 500, push = history.pushState.bind(history), replace = history.replaceState.bind(history);
  const asked = (address, name) => new URL(address ?? "", location).searchParams.get(name);
  const elsewhere = address => ["artifact", "profile"].some(name => asked(address, name) !== asked("", name));
  let acted = navigator.userActivation?.hasBeenActive ?? false, last = -PAUSE;
  const act = ({timeStamp}) => { acted ||= timeStamp - last >= PAUSE; last = timeStamp };
  for (const kind of ["pointerdown", "keydown", "click"]) addEventListener(kind, act, true);
  addEventListener("popstate", () => { acted = false }, true);
  history.pushState = (...entry) => { (acted ? push : replace)(...entry); acted = false };
  history.replaceState = (...entry) => (acted && elsewhere(entry[2]) ? history.pushState : replace)(...entry);
}
</script>"""


def one_entry_each() -> None:
    """One entry of the browser's history for one action of the visitor, however many parameters it changes,
    on whichever page it ends.
    """
    st.html(_ONE_ENTRY, unsafe_allow_javascript=True)  # no text from a file or a link is in it


def this_view() -> str:
    """The complete address of this view; only its parameters where the browser's address is unknown.

    Complete once the page has been drawn.
    """
    asked = urlencode({name: st.query_params.get_all(name) for name in st.query_params}, doseq=True)
    return (st.context.url or "") + (f"?{asked}" if asked else "")


def copy_link() -> None:
    """A button that shows the link, ready to be copied."""
    with st.popover("Copy link", icon=":material/share:", type="tertiary", key="copy_link"):
        st.caption("This link opens this very view: model, person, changes, title and the page's settings.")
        st.code(this_view(), language=None, wrap_lines=True)
