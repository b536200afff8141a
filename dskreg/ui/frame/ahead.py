"""Loads the code of the charts while a visitor reads the first page, so that the next page draws sooner."""

import json
from functools import cache
from pathlib import Path

import streamlit as st

CHARTS = ("PlotlyChart", "EChartsChart")  # large parts of Streamlit's own code, for other pages
# Beside the script that the page began with; a browser keeps what it has imported once
_SCRIPT = """<script>
((names) => {
  const load = () => {
    const beside = document.querySelector("script[type=module][src]")?.src;
    if (beside) names.forEach(name => import(new URL(name, beside)).catch(() => {}));
  };
  setTimeout(() => (window.requestIdleCallback ?? setTimeout)(load), 500);
})(%s)
</script>"""


def draw() -> None:
    """Import them when the browser is idle; nothing where Streamlit has them under other names."""
    if names := files():
        script = _SCRIPT % json.dumps(names)
        st.html(script, width="content", unsafe_allow_javascript=True)  # no text from a file or a link


@cache
def files() -> list[str]:
    """The names of the scripts in Streamlit's folder."""
    folder = Path(st.__file__).parent / "static" / "static" / "js"
    return [path.name for chart in CHARTS for path in sorted(folder.glob(f"{chart}.*.js"))]
