"""Which neighbours the Gumbel top-k step samples for one item: candidates, sample, probabilities and
contributions.
"""

from functools import partial

import streamlit as st

from dskreg.explorer import sentences
from dskreg.ui.common import notes, widgets
from dskreg.ui.common.widgets import Notice
from dskreg.ui.frame import sidebar
from dskreg.ui.sampling import controls, flow, panels, repeats, training, versus, walk
from dskreg.ui.sampling.draw import NOT_POSSIBLE, Sample

TABS = (
    "Graph",
    "Candidates",
    "Relations",
    "Attribution",
    "Stability",
    "Training",
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
- **Cohen's kappa.** $\kappa = (\sum_j \pi_j^2 - K^2/C) / (K - K^2/C)$ is 0 where two samples agree as
  uniform ones do and 1 where they are the same: below 0.05 the sampler cannot tell its candidates from
  uniform, below 0.2 it hardly can. The effective number of candidates is $\exp$ of the entropy of
  $\operatorname{softmax}(s)$.
- **Temperature.** $\tau$ sets the softness of the relaxed weights that carry the gradient in training. It
  changes neither the sample nor the score.
"""
FORMS = {  # by "does the model sample among the user's likes?"
    False: r"""
- **Relevance.** $a(i, j, r) = v \cdot f_{ij} + v_r f_{ijr}$. The features $f_{ij}$ are the square roots of
  the pair's strengths under all relations and the number of likes of $j$. The logit is $s = 8 a$.
- **Item.** $\hat e_i = e_i + k_i \sum_j \alpha_j e_j$ over the sampled neighbours, with attention
  $\alpha_j \propto \exp(a(i, j, r))$.
- **Evidence.** $k_i = \mathrm{scale} \cdot \kappa / (n_i + \kappa)$ for $n_i$ likes: the fewer users like an
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


selection = sidebar.current()
controls.drop_infinite()
explorer, profile, trained = selection.explorer, selection.profile, selection.explorer.defaults
asked = {
    name: st.query_params[name] for name in ("seed", "k", "ku", "noise", "show") if name in st.query_params
}
asked |= st.session_state.pop("infinite", {})

widgets.profile_header(explorer, profile, "Sampled neighbours for")

item_id = selection.item()
if item_id is None:
    st.info(
        "There are no recommendations for this user. Select an item in the sidebar.",
        icon=":material/inbox:",
    )
    raise sidebar.PageEnd

heading = st.container()
settings = controls.show_settings(trained, explorer.samples_likes)
seed = settings.seed if settings.noise else None
sample = Sample(explorer, profile, item_id, seed, settings.picks, settings.user_picks, selection.top)
if any(getattr(sample, name) != trained[name] for name in ("picks", "user_picks")):
    of_likes = f" and K_u = {trained['user_picks']}" if explorer.samples_likes else ""
    st.info(
        f"These settings are a what-if. Training and recommendations use K = {trained['picks']}{of_likes}.",
        icon=":material/experiment:",
    )
explanation = sample.explanation()
with heading:
    controls.show_heading(sample, explanation, selection.recommended())
candidates = explanation.item_neighbours
if len(candidates):
    rule = sentences.summary(candidates, "candidates", settings.noise)
    sharpness = sentences.sharpness(explanation)
    st.markdown(f"{rule}  \n:small[{sharpness}]" if sharpness else rule)
else:
    lacks = sentences.NO_CANDIDATES if explorer.relations else sentences.NO_RELATIONS
    st.info(lacks, icon=":material/hub:")
if explorer.item(item_id)["likes"] == 0 and not explorer.samples_likes:
    st.caption(sentences.NO_EMBEDDING)
panels.show_decomposition(explanation)

sampled = bool(explorer.relations or explorer.samples_likes)
tabs = st.tabs(TABS if sampled else ("Attribution",), key="show", bind="query-params")
wrong = widgets.not_followed(asked, {**settings.link(), "show": st.session_state["show"]})
if wrong:
    widgets.show_notice(Notice(NOT_POSSIBLE.format(", ".join(wrong))))
attribution = partial(flow.show_attribution, sample, explanation)
contents = (
    partial(panels.show_graph, sample, explanation),
    partial(panels.show_all, sample, explanation),
    partial(panels.show_relations, sample, explanation.relations),
    attribution,
    partial(repeats.show_repeats, sample),
    partial(training.show_training, sample),
    partial(versus.show_versus, sample, explanation),
    partial(walk.show_walk, sample),
    partial(flow.show_degrees, sample, explanation),
)
for tab, show in zip(tabs, contents if sampled else (attribution,), strict=True):
    if tab.open:
        with tab:
            show()
notes.listing(explorer, "notes_of_item", item=str(item_id))
method = st.expander("Method", icon=":material/school:", key="sampling_method", on_change="rerun")
if method.open:  # formulas take the browser a tenth of a second
    method.markdown(SAMPLER + FORMS[explorer.samples_likes])
