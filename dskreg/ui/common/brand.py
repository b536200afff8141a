"""The app's logo and colours.

Imports nothing heavy, so that app.py can draw the frame at once.
"""

import streamlit as st

_SYMBOL = (
    "<g stroke='#1f8f8c' stroke-width='1.6'><path d='M12 12 5 5M12 12l8-4M12 12l4 8'/></g>"
    "<circle cx='12' cy='12' r='4' fill='#1f8f8c'/><circle cx='5' cy='5' r='2.6' fill='#d9772b'/>"
    "<circle cx='20' cy='8' r='2.6' fill='#1f8f8c'/><circle cx='16' cy='20' r='2.6' fill='#8a9a9a'/>"
)
LOGO = f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24'>{_SYMBOL}</svg>"
WORDMARK = (
    f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 176 24'>{_SYMBOL}"
    "<text x='30' y='17.5' font-family='system-ui, sans-serif' font-weight='600' font-size='15'"
    " fill='#1f8f8c'"
    " textLength='140' lengthAdjust='spacingAndGlyphs'>DSKReG Explorer</text></svg>"
)

# Streamlit writes white on primaryColor, and primaryColor on the page. On a dark page no colour has a
# contrast of 4.5 : 1 both ways, so .streamlit/config.toml sets a light one, and the text on it is dark.
# Controls are at least 24 pixels high and wide where they take a touch.
_STYLE = """<style>
[data-testid^="stBaseButton-primary"], [data-testid^="stBaseButton-primary"] p,
span[data-tag-index], span[data-tag-index] * {
  color: light-dark(#ffffff, #12191b) !important
}
[data-testid="stTooltipIcon"] button:not([data-testid]) {
  box-sizing: content-box; padding: 5px; margin: -5px
}
[data-testid="stRadioOption"], [data-testid="stCheckbox"] label,
[data-testid="stMultiSelect"] button[aria-haspopup] { min-height: 24px }
[data-testid="stSlider"] [role="group"] > div > div[data-rac]::after {
  content: ""; position: absolute; inset: -7px
}
</style>"""
# A run in progress has the former theme, so this waits for its end. "r" is Streamlit's key for another run.
_FOLLOW = """<script>
{
  const app = document.querySelector("[data-testid='stApp']");
  const theme = () => getComputedStyle(app).colorScheme;
  if (app && !app.drawnIn) {
    app.drawnIn = theme();
    const key = {key: "r", code: "KeyR", keyCode: 82, which: 82, bubbles: true};
    const follow = () => {
      if (theme() === app.drawnIn || app.dataset.testScriptState !== "notRunning") return;
      app.drawnIn = theme();
      for (const kind of ["keydown", "keyup"]) document.dispatchEvent(new KeyboardEvent(kind, key));
    };
    const watched = {attributes: true, attributeFilter: ["class", "data-test-script-state"]};
    new MutationObserver(() => setTimeout(follow)).observe(app, watched);
  }
}
</script>"""


def style() -> None:
    """Dark text on filled buttons and chips where the theme is dark, and touch targets, on every page."""
    st.html(_STYLE)


def follow_theme() -> None:
    """Draw the page again when the visitor, or the system, switches between light and dark.

    Streamlit recolours its own elements, but not the text of the charts, which a run colours.
    """
    st.html(_FOLLOW, width="content", unsafe_allow_javascript=True)  # no text from a file or a link
