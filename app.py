"""DSKReG Explorer, an interactive explorer of a knowledge-graph recommender.

Start it with `dskreg app`, or `streamlit run app.py` in a clone.
"""

import streamlit as st

from dskreg.ui.common import brand, runtime


def show() -> None:
    """One run of the page that the visitor is on."""
    st.set_page_config(page_title="DSKReG Explorer", page_icon=brand.LOGO, layout="wide")

    page = st.navigation(
        [
            st.Page(
                "pages/recommendations.py",
                title="Recommendations",
                icon=":material/recommend:",
                default=True,
                # Shown as "/"; this name keeps Streamlit from running the file without the frame
                # (sidebar._find_frame)
                url_path="home",
                help="The top recommendations for a user, with the strongest reason for each item.",
            ),
            st.Page(
                "pages/sampling.py",
                title="Sampling",
                icon=":material/hub:",
                help="The neighbours sampled for an item, their inclusion probabilities and contributions.",
            ),
            st.Page(
                "pages/what_if.py",
                title="What if",
                icon=":material/experiment:",
                help="What removing or adding likes, entities and relations does to score, rank and list.",
            ),
            st.Page(
                "pages/compare.py",
                title="Compare",
                icon=":material/compare:",
                help="Two users, items or models side by side, or this model beside simple baselines.",
            ),
            st.Page(
                "pages/embeddings.py",
                title="Embeddings",
                icon=":material/scatter_plot:",
                help="Maps of all items and users, in which similar ones are close together.",
            ),
            st.Page(
                "pages/model.py",
                title="Model",
                icon=":material/fact_check:",
                help="Test metrics beside baselines, training curves, data and sampling by relation.",
            ),
            st.Page(
                "pages/runs.py",
                title="Runs",
                icon=":material/model_training:",
                help="Train, monitor and select models.",
            ),
        ]
    )
    st.set_page_config(page_title=f"{page.title} · DSKReG Explorer")
    brand.style()

    # Only now: the browser draws the menu while the model's libraries are imported, over a second
    runtime.load()
    from dskreg.ui.frame import sidebar

    with runtime.turn():
        with sidebar.frame(page.title, needs_model=page.title != "Runs"):
            page.run()
        runtime.tidy()


if __name__ == "__main__":  # Streamlit runs this file so for every view
    show()
else:  # and imports it once, when the server starts
    app = st.App(__file__, lifespan=runtime.preload)
