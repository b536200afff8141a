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
SAMPLER = r"""
- **Candidates.** The knowledge graph links an item $i$ to others $j$ through relations $r$, for example a
  shared studio. Each pair $(j, r)$ is one candidate.
- **Sample.** Gumbel noise is $G = -\log(-\log U)$. The $K$ largest keys $s + G$ are $K$ samples without
  replacement from $\operatorname{softmax}(s)$. Without noise, the $K$ largest logits are sampled.
- **Inclusion probability.** $\pi_j$ is the share of all random samples that contain $j$. Over all candidates
  it adds up to $K$. A uniform draw gives every one of $C$ candidates $K / C$; the lift is $\pi_j C / K$.
  Two samples share $\sum_j \pi_j^2$ neighbours in expectation.
- **Temperature.** $\tau$ sets the softness of the relaxed weights that carry the gradient in training. It
  changes neither the sample nor the score.
"""
FORMS = {  # by "does the model sample among the user's likes?"
    False: r"""
- **Relevance.** $a(i, j, r) = v \cdot f_{ij} + v_r f_{ijr}$. The features $f_{ij}$ are the square roots of
  the pair's strengths under all relations and the number of likes of $j$. The logit is $s = 8 a$.
- **Item.** $\hat e_i = e_i + k_i \sum_j \alpha_j e_j$ over the sampled neighbours, with attention
  $\alpha_j \propto \exp(a(i, j, r))$.
- **Evidence.** $k_i = \mathrm{scale} \cdot \kappa / (n_i + \kappa)$ for $n_i$ likes: the fewer people like an
  item, the more its neighbours count. Where $n_i = 0$, $k_i = \mathrm{scale} \cdot \mathrm{boost}$.
- **Score.** $\hat e_u = (\sum_h w_h e_h + p) / \sqrt H$ over all liked items, with the average taste $p$;
  nothing is sampled among them. The score is $\hat e_u \cdot \hat e_i$, so each liked item and each sampled
  neighbour adds its part.
""",
    True: r"""
- **Logit.** $s(i, j, r) = a \cdot e_j + c \cdot e_r$.
- **User.** $\hat e_u = \tanh(W_u (e_u + \sum_j \beta_j e_j) + b_u)$ over $K_u$ sampled liked items, with
  $\beta_j \propto \exp(e_u \cdot e_j)$.
- **Item.** $\hat e_{i|u} = \tanh(W_i (e_i + \sum_j \alpha_j e_j) + b_i)$ over the sampled neighbours, with
  attention $\alpha_j \propto \exp(\hat e_u \cdot e_r)$.
- **Score.** $\hat e_u \cdot \hat e_{i|u}$; each sampled neighbour adds one term before the activation.
""",
}


def show_metrics(explanation: Explanation) -> None:
    """The figures of the sample."""
    candidates = explanation.item_neighbours
    sampled = candidates[candidates["picked"]]
    with st.container(horizontal=True, gap="xsmall"):
        probability = f"Dot product of user and item; sigmoid(score) is {explanation.probability:.1%}."
        st.metric("Score", f"{explanation.score:.3f}", border=True, help=probability)
        st.metric("Candidates", len(candidates), border=True, help="Neighbours in the candidate list.")
        st.metric("Sampled", len(sampled), border=True, help="Candidates with the K largest keys.")
        st.metric(
            "Mass of sampled",
            f"{sampled['share'].sum():.0%}",
            border=True,
            help="Share of softmax(s) that the sampled neighbours hold together.",
        )
        st.metric(
            "Shared by two samples",
            f"{explanation.expected_overlap:.1f} of {len(sampled)}",
            border=True,
            help="Number of neighbours that two random samples have in common, in expectation. "
            f"The choice is as wide as one among {explanation.effective_candidates:.0f} equally likely "
            "candidates.",
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

settings = controls.show_settings(trained, explorer.samples_likes)
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
    of_likes = f", K_u = {trained['user_picks']}" if explorer.samples_likes else ""
    st.info(
        f"These settings are a what-if. Training and recommendations use K = {trained['picks']}{of_likes} "
        f"and τ = {trained['temperature']:g}.",
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
st.markdown(panels.parts_in_words(explanation))
if explorer.item(item_id)["likes"] == 0 and not explorer.samples_likes:
    st.caption("Nobody has liked this title in training: it has no embedding of its own.")
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
    st.markdown(SAMPLER + FORMS[explorer.samples_likes])
