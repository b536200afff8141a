"""DSKReG Explorer: why does a knowledge-graph recommender recommend? Start it with `streamlit run app.py`."""

import streamlit as st

from dskreg.ui.common import brand, runtime

st.set_page_config(page_title="DSKReG Explorer", page_icon=brand.LOGO, layout="wide")

page = st.navigation(
    [
        st.Page(
            "pages/recommendations.py",
            title="Recommendations",
            icon=":material/recommend:",
            default=True,
            # Shown as "/"; a name of its own keeps Streamlit from running this file without the frame
            # (sidebar._find_frame)
            url_path="home",
            help="What the model would show this person next, with the strongest reason for each title in words.",
        ),
        st.Page(
            "pages/sampling.py",
            title="Sampling",
            icon=":material/hub:",
            help="Open one recommended title: which neighbours in the knowledge graph were drawn, how likely each was, and what it added.",
        ),
        st.Page(
            "pages/what_if.py",
            title="What if",
            icon=":material/experiment:",
            help="Take something away, or add it, and see what becomes of the score, the rank and the list.",
        ),
        st.Page(
            "pages/compare.py",
            title="Compare",
            icon=":material/compare:",
            help="Two people, two titles, two models, or this model beside simple ones, side by side.",
        ),
        st.Page(
            "pages/embeddings.py",
            title="Embeddings",
            icon=":material/scatter_plot:",
            help="A map of all titles and viewers: what the model holds to be alike lies close together.",
        ),
        st.Page(
            "pages/model.py",
            title="Model",
            icon=":material/fact_check:",
            help="How good the model is beside simple baselines, how it was trained, and what data it has seen.",
        ),
        st.Page(
            "pages/runs.py",
            title="Runs",
            icon=":material/model_training:",
            help="Train a model, watch it learn, and choose among those that are there.",
        ),
    ]
)
st.set_page_config(page_title=f"{page.title} · DSKReG Explorer")
brand.style()

# Not before the menu is on its way to the browser, which draws it while the model's libraries are imported:
# over a second in a fresh process.
runtime.load()
from dskreg.ui.frame import sidebar  # noqa: E402

with runtime.turn():
    with sidebar.frame(page.title, needs_model=page.title != "Runs"):
        page.run()
    runtime.tidy()
