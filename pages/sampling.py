"""Which neighbours the Gumbel top-k step samples for one item: candidates, sample, probabilities and
contributions.
"""

from functools import partial

import streamlit as st

from dskreg.explorer import Explanation
from dskreg.ui.common import cache, widgets
from dskreg.ui.common.widgets import Notice
from dskreg.ui.frame import sidebar
from dskreg.ui.sampling import controls, flow, panels, repeats, versus, walk
from dskreg.ui.sampling.draw import Sample

TABS = (
    "Graph",
    "Candidates",
    "Relations",
    "Attribution",
    "Simulation",
    "Compare samples",
    "Traverse",
    "Degrees",
)
METHOD = r"""
- **Candidates.** The knowledge graph links an item $i$ to others $j$ through relations $r$, for example a
  shared studio. Each pair $(j, r)$ is one candidate.
- **Logit.** The paper's logit is $s(i, j, r) = a \cdot e_j + c \cdot e_r$. The default preset adds
  $\log g_r$, the relation's gate, and the strength of the edge. The probability mass is
  $\operatorname{softmax}(s)$.
- **Sample.** Gumbel noise is $G = -\log(-\log U)$. The $K$ largest keys $s + G$ are $K$ samples without
  replacement from $\operatorname{softmax}(s)$. Without noise, the $K$ largest logits are sampled.
- **Inclusion probability.** $\pi_j$ is the share of all random samples that contain $j$. Over all candidates
  it adds up to $K$.
- **Attention.** Among the sampled neighbours, $\alpha_j \propto \exp(\hat e_u \cdot e_r)$. Training hardly
  changes the relation embeddings $e_r$, so these weights do not show a user's taste.
- **Contribution.** The item becomes
  $\hat e_{i|u} = \mathrm{act}(W (e_i + \sum_j \alpha_j g_r e_j) + b)$, with $g_r = 1$ in the paper. The score
  is $\hat e_u \cdot \hat e_{i|u}$, so each sampled neighbour adds one term.
- **Temperature.** $\tau$ sets the softness of the relaxed weights through which training learns. It changes
  neither the sample nor the score.
"""


def show_metrics(explanation: Explanation) -> None:
    """The figures of the sample."""
    candidates = explanation.item_neighbours
    sampled = candidates[candidates["picked"]]
    with st.container(horizontal=True):
        probability = f"Dot product of user and item; sigmoid(score) is {explanation.probability:.1%}."
        st.metric("Score", f"{explanation.score:.3f}", border=True, help=probability)
        st.metric("Candidates", len(candidates), border=True, help="Neighbours in the candidate list.")
        st.metric("Sampled", len(sampled), border=True, help="Candidates with the K largest keys.")
        st.metric(
            "Probability mass of sampled",
            f"{sampled['share'].sum():.0%}",
            border=True,
            help="Share of softmax(s) that the sampled neighbours hold together.",
        )
        st.metric(
            "Neighbour contribution",
            f"{sampled['contribution'].sum():+.3f}",
            border=True,
            help="What the sampled neighbours add to the score together.",
        )


selection = sidebar.current()
controls.drop_infinite()
explorer, profile, trained = selection.explorer, selection.profile, selection.explorer.defaults
asked = {
    name: st.query_params[name]
    for name in ("seed", "k", "ku", "tau", "noise", "show")
    if name in st.query_params
}
asked |= st.session_state.pop("infinite", {})

st.title("Sampled neighbours", anchor=False)
st.caption(
    "The model samples a few neighbours of each item from the knowledge graph and adds them to its score."
)
widgets.profile_header(explorer, profile)

offered = cache.recommendations(explorer, profile, selection.top)["item_id"].tolist()
item_id = selection.item_id if selection.item_id is not None else next(iter(offered), None)
if item_id is None:
    st.info(
        "There are no recommendations for this user. Select an item in the sidebar.",
        icon=":material/inbox:",
    )
    st.stop()

settings = controls.show_settings(trained)
sample = Sample(
    explorer,
    profile,
    item_id,
    settings.seed if settings.noise else None,
    settings.picks,
    settings.user_picks,
    settings.temperature,
)
if any(getattr(sample, name) != trained[name] for name in ("picks", "user_picks", "temperature")):
    st.info(
        f"These settings are a what-if. Training and recommendations use K = {trained['picks']}, "
        f"K_u = {trained['user_picks']} and τ = {trained['temperature']:g}.",
        icon=":material/experiment:",
    )
explanation = sample.explanation()
controls.show_heading(sample, explanation, offered)
if len(explanation.item_neighbours):
    st.markdown(panels.summary(explanation.item_neighbours, "candidates", settings.noise))
else:
    st.info(
        "The item has no neighbours in the knowledge graph. Its score comes from its own embedding alone.",
        icon=":material/hub:",
    )
show_metrics(explanation)

tabs = st.tabs(TABS, key="show", bind="query-params")
wrong = widgets.not_followed(asked, {**settings.link(), "show": st.session_state["show"]})
if wrong:
    widgets.show_notice(
        Notice(
            f"The link asks for {', '.join(wrong)}, which is not possible here. The page uses other values."
        )
    )
contents = (
    partial(panels.show_graph, sample, explanation),
    partial(panels.show_all, sample, explanation),
    partial(panels.show_relations, sample, explanation.relations),
    partial(flow.show_flow, sample, explanation),
    partial(repeats.show_repeats, sample),
    partial(versus.show_versus, sample, explanation),
    partial(walk.show_walk, sample),
    partial(flow.show_degrees, sample, explanation),
)
for tab, show in zip(tabs, contents, strict=True):
    if tab.open:
        with tab:
            show()
with st.expander("Method", icon=":material/school:"):
    st.markdown(METHOD)
