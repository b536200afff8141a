"""The skip link, the first Tab stop of each page: Streamlit's own, which on some pages leads further."""

import json

import streamlit as st

# {page: (text, selector of what it leads to)}
TARGETS = {
    "Recommendations": (
        "Skip to the recommendations",
        ".st-key-cards button, .st-key-selected button",
    )
}
DEFAULT = ("Skip to main content", "")
_SCRIPT = """<script>
(([text, target]) => {
  const link = document.querySelector("[data-testid='stSkipToContent']");
  if (!link) return;
  link.textContent = text;
  window.skipTarget = target;
  if (link.dataset.leads) return;
  link.dataset.leads = "on";
  link.addEventListener("click", event => {
    const found = window.skipTarget && document.querySelector(window.skipTarget);
    if (!found) return;
    event.preventDefault();
    event.stopPropagation();
    found.focus();
  }, true);
})(%s)
</script>"""


def draw(page: str) -> None:
    """Let the skip link lead to what the page with this title is about."""
    script = _SCRIPT % json.dumps(TARGETS.get(page, DEFAULT))
    st.html(script, width="content", unsafe_allow_javascript=True)  # contains no text from a file or a link
