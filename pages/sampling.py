"""Which neighbours the Gumbel top-k step drew for one title: what could have been drawn, what was, how likely it was, how much it mattered."""

import json
from typing import Any

import pandas as pd
import streamlit as st

from dskreg.explorer import Explanation, Explorer, Profile
from dskreg.ui import charts, network, panels, resources, sidebar
from dskreg.ui.panels import Notice, plain

MOST_PICKS, LARGEST_SEED = 64, 2**31 - 1
SINGLE_PARTS = 7  # neighbours with a bar of their own in the sum
QUIET = {"displayModeBar": False}
NUMBERS = {"rank": "%d", "logit": "%.3f", "share": "%.1f%%", "noise": "%.3f", "key": "%.3f", "relaxed": "%.3f", "attention": "%.3f",
           "contribution": "%+.3f", "base_contribution": "%+.3f"}  # fmt: skip
PERCENT = ("share", "inclusion_probability")  # shown in hundredths
COLUMNS = {
    "rank": ("Rank", "By key: the first K are drawn."),
    "title": ("Candidate", ""),
    "picked": ("Drawn", "Among the K largest keys."),
    "inclusion_probability": ("Probability π", "In what share of all random draws it would be among the K. Exact, not estimated."),
    "contribution": ("Contribution", "What it adds to the score before the activation; 0 where not drawn."),
    "base_contribution": ("Base", "What the title adds as one of the liked titles, whether drawn or not."),
    "relation": ("Relation r", "Under which relation of the knowledge graph it is a neighbour."),
    "via": ("Via", "What the two titles share under this relation."),
    "liked": ("Liked", "Among the titles this person likes."),
    "attention": ("Attention \u03b1", "Its weight among the drawn; they sum to 1."),
    "logit": ("Logit s", "Its learnt relevance."),
    "noise": ("Noise G", "This draw's Gumbel noise; 0 with the noise off."),
    "key": ("Key s + G", "The K largest keys are drawn."),
    "share": ("Share", "Of the probability mass softmax(s)."),
    "relaxed": ("Relaxed", "The soft weight at temperature τ that carries the gradient in training. No probability: it can exceed 1."),
}
METHOD = r"""
- **Candidates.** The knowledge graph links a title $i$ to others $j$ through relations $r$, such as a shared studio or the same franchise. Each pair $(j, r)$ is one candidate.
- **Relevance.** Training has taught the model a logit for each, in the paper $s(i, j, r) = a \cdot e_j + c \cdot e_r$; the default preset adds $\log g_r$, the relation's gate, and the strength of the tie. Its share of the probability mass is $\operatorname{softmax}(s)$.
- **Draw.** Gumbel noise $G = -\log(-\log U)$ is added and the $K$ largest keys $s + G$ are taken: a draw of $K$ without replacement from $\operatorname{softmax}(s)$. With the noise off, the $K$ largest logits are taken.
- **Probability.** $\pi_j$ is the share of all possible draws that contain $j$. Over all candidates it adds up to $K$.
- **Attention.** Among the drawn, $\alpha_j \propto \exp(\hat e_u \cdot e_r)$: the person's taste $\hat e_u$ decides how much each relation counts.
- **Contribution.** The title becomes $\hat e_{i|u} = \mathrm{act}(W (e_i + \sum_j \alpha_j g_r e_j) + b)$, with $g_r = 1$ in the paper, and the score is $\hat e_u \cdot \hat e_{i|u}$: each drawn neighbour adds a term of its own.
- **Temperature.** $\tau$ softens the picks into the relaxed weights through which training learns. It changes neither the picks nor the score.
"""  # noqa: E501


def not_followed(shown: dict[str, object]) -> list[str]:
    """Settings of the link that the fields did not take: they fall back to their defaults silently."""
    different = []
    for name, value in shown.items():
        try:
            same = name not in asked or value is True or str(value).lower() == asked[name].lower() or float(asked[name]) == float(str(value))
        except ValueError:
            same = False
        if not same:
            different.append(f"{name}={asked[name][:40]}")
    return different


def draw_again() -> None:
    """Callback: switch the noise on, or go to the next seed."""
    st.session_state["seed"] = (st.session_state["seed"] + bool(st.session_state["noise"])) % LARGEST_SEED
    st.session_state["noise"] = True


def answer(frame: pd.DataFrame, what: str, random: bool) -> str:
    """What could have been drawn, what was, and which of it matters most; Markdown."""
    drawn = frame[frame["picked"]]
    most = drawn.loc[drawn["contribution"].abs().idxmax()]
    opening = f"Of **{len(frame)}** {what} the model {'drew' if random else 'took the'} **{len(drawn)}**{'' if random else ' most relevant'}."
    if len(drawn) == len(frame):
        opening = (
            f"All **{len(frame)}** {what} were taken: there are no more than K." if len(frame) > 1 else f"There is **one** of the {what}, and it was taken."
        )
    relation = "" if most["relation"] == "liked" else f" ({plain(most['relation'])})"
    matters = "contributes most" if most["contribution"] >= 0 else "weighs most, and against the title"
    chance = f"a random draw contains it with probability **{most['inclusion_probability']:.0%}**."
    together = f"Together they add **{drawn['contribution'].sum():+.3f}**." if len(drawn) > 1 else ""
    return f"{opening} *{plain(most['title'])}*{relation} {matters}: **{most['contribution']:+.3f}**; {chance} {together}"


def score_parts(explanation: Explanation) -> list[tuple[str, str, float]]:
    """The terms of the sum (name, relation, value): the title itself, the drawn neighbours (small ones together), the bias."""
    frame = explanation.item_neighbours
    drawn = frame[frame["picked"]].sort_values("contribution", key=abs, ascending=False, kind="stable")
    single, rest = drawn.head(SINGLE_PARTS), drawn.iloc[SINGLE_PARTS:]
    parts = [("the title itself", "", explanation.self_contribution)]
    parts += list(zip(single["title"], single["relation"], single["contribution"], strict=True))
    parts += [(f"{len(rest)} more neighbour{'s' * (len(rest) > 1)}", "", rest["contribution"].sum())] if len(rest) else []
    return [*parts, ("bias", "", explanation.bias)] if explanation.bias else parts


def show_sum(explanation: Explanation) -> None:
    """The score as a sum: drawing and table."""
    parts, linear = score_parts(explanation), explanation.activation == "linear"
    total = ("score" if linear else f"sum before {explanation.activation}", explanation.pre_activation_score)
    alt = f"The title itself and its drawn neighbours add up to {explanation.pre_activation_score:.3f}"
    left, right = st.columns([3, 2])
    left.plotly_chart(charts.score_sum(parts, total), key="score_sum", config=QUIET, alt=alt)
    config: dict[str, Any] = {"part": st.column_config.TextColumn("Part", pinned=True, width=190), "relation": "Relation"}
    config["adds"] = st.column_config.NumberColumn("Adds", format="%+.3f")
    table = pd.DataFrame([*parts, (total[0], "", total[1])], columns=list(config))
    right.dataframe(table[["part", "adds", "relation"]], hide_index=True, column_config=config, alt=alt, key="score_table", height="content")
    if not linear:
        st.caption(f"Contributions add up only before the activation; {explanation.activation} then bends the sum to the score {explanation.score:.3f}.")


def show_candidates(frame: pd.DataFrame, columns: tuple[str, ...], key: str, alt: str, compact: bool = False) -> None:
    """Candidates with the numbers that led to the draw."""
    config: dict[str, Any] = {name: st.column_config.Column(label, help=text) for name, (label, text) in COLUMNS.items()}
    config |= {name: st.column_config.NumberColumn(COLUMNS[name][0], format=form, help=COLUMNS[name][1]) for name, form in NUMBERS.items()}
    config["title"] = st.column_config.TextColumn(COLUMNS["title"][0], pinned=True, width=150 if compact else "medium")
    text = COLUMNS["inclusion_probability"][1]
    if compact:
        config["picked"] = st.column_config.CheckboxColumn("Drawn", width=64)
        config["contribution"] = st.column_config.NumberColumn("Adds", format="%+.3f", help=COLUMNS["contribution"][1], width=76)
        config["inclusion_probability"] = st.column_config.NumberColumn("Likely", format="%.0f%%", help=text, width=80)
    else:
        label = COLUMNS["inclusion_probability"][0]
        config["inclusion_probability"] = st.column_config.ProgressColumn(label, format="%.1f%%", min_value=0.0, max_value=100.0, help=text)
    shown = frame.assign(**{name: 100 * frame[name] for name in PERCENT})[[name for name in columns if name in frame]]
    st.dataframe(shown, column_config=config, hide_index=True, key=key, alt=alt, height="content" if compact and len(shown) < 20 else 360)


def show_draw(explorer: Explorer, profile: Profile, explanation: Explanation, random: bool) -> None:
    """One side of the draw: drawing, its edges, all candidates."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader("What was drawn, and what was not", anchor=False, width="content")
        st.caption("for the", width="content")
        label = "On the side of the"
        side = st.segmented_control(label, ("title", "viewer"), default="title", required=True, key="side", bind="query-params", label_visibility="collapsed")
    if side == "title":
        frame, centre = explanation.item_neighbours, explanation.title
        frame = frame.assign(liked=frame["item_id"].isin(list(profile.history)))
    else:
        frame, centre = explanation.user_neighbours, profile.label
        simulated = " The demo's viewers are simulated." if explorer.simulated and profile.user_id is not None else ""
        st.caption(f"To the model a person is the sum of the liked titles; those drawn count once more. Below, what that adds to the score.{simulated}")
        if len(frame):
            st.markdown(answer(frame, "liked titles", random))
    if not len(frame):
        st.info("There is nothing to draw on this side.", icon=":material/hub:")
        return
    colours = {**charts.palette(resources.relation_names(explorer)), "liked": charts.LIKED}
    liked = set(profile.history) if side == "title" else set()
    drawing = network.draw(frame, centre, colours, liked, st.context.theme.type == "dark")
    left, right = st.columns([3, 2])
    with left:
        st.iframe(drawing.html, height="content", alt=drawing.alt)
    with right:
        columns = ("title", "picked", "contribution", "inclusion_probability", "relation")
        show_candidates(drawing.edges, columns, f"edges_{side}", f"The drawing as a table. {drawing.alt}", compact=True)
        st.caption("The same edges as a table." + (" \u2665 in the drawing: a title that this person likes." if liked else ""))
        if drawing.left_out:
            st.caption(f"{drawing.left_out} more were drawn than the picture has room for; they are in the table below.")
    st.markdown(f"**All {len(frame)} candidates**, largest key first")
    show_candidates(frame, tuple(COLUMNS), f"candidates_{side}", f"All candidates on the side of the {side} with every number of the draw")
    with st.container(horizontal=True):
        st.download_button("Candidates (CSV)", panels.safe_csv(frame), f"candidates_{side}.csv", "text/csv", icon=":material/download:", on_click="ignore")
        document = json.dumps(explanation.to_json(), indent=1, ensure_ascii=False)
        st.download_button("Explanation (JSON)", document, "explanation.json", "application/json", icon=":material/download:", on_click="ignore")


def show_relations(relations: pd.DataFrame) -> None:
    """Which relations hold the probability mass."""
    relations = relations.sort_values("share", ascending=False)
    first = relations.iloc[0]
    portion = first["candidates"] / relations["candidates"].sum()
    st.markdown(
        f"*{plain(first['relation'])}* holds **{first['share']:.0%}** of the probability mass with **{portion:.0%}** "
        "of the candidates. Where the mass exceeds the share of the candidates, the model has learnt to prefer that relation."
    )
    alt = f"Share of the probability mass beside the share of the candidates for {len(relations)} relations, {first['relation']} first"
    left, right = st.columns([3, 2])
    left.plotly_chart(charts.relation_shares(relations), key="relation_shares", config=QUIET, alt=alt)
    config: dict[str, Any] = {"relation": st.column_config.TextColumn("Relation", pinned=True), "candidates": "Candidates", "drawn": "Drawn"}
    labels = {"expected_picks": ("Expected", "%.2f"), "share": ("Mass", "%.1f%%"), "attention": ("Attention", "%.3f"), "contribution": ("Adds", "%+.3f")}
    config |= {name: st.column_config.NumberColumn(label, format=form) for name, (label, form) in labels.items()}
    right.dataframe(relations.assign(share=100 * relations["share"])[list(config)], hide_index=True, key="relations", alt=alt, column_config=config)
    right.caption("Expected: how many of the relation a random draw contains on average.")


selection = sidebar.current()
explorer, profile, trained = selection.explorer, selection.profile, selection.explorer.defaults
asked = {name: st.query_params[name] for name in ("seed", "k", "ku", "tau", "noise") if name in st.query_params}

st.title("Sampled neighbours", anchor=False)
st.caption("Of the whole knowledge graph the model samples a few neighbours for each title. What could it draw, what did it draw, and what did that add?")
panels.person_header(explorer, profile)

offered = resources.recommendations(explorer, profile, selection.top)["item_id"].tolist()
item_id = selection.item_id if selection.item_id is not None else next(iter(offered), None)
if item_id is None:
    st.info("There is nothing to recommend to this person. Choose a title in the sidebar to see its neighbours.", icon=":material/inbox:")
    st.stop()

with st.container(border=True, horizontal=True, vertical_alignment="bottom"):
    noise = st.toggle("Noise", key="noise", bind="query-params", help="Off: the K most relevant are taken, as for the recommendations. On: one random draw.")
    seed = st.number_input("Seed", 0, LARGEST_SEED, key="seed", bind="query-params", width=130, disabled=not noise, help="The same seed gives the same draw.")
    st.button("Draw again", on_click=draw_again, icon=":material/casino:", help="Switches the noise on, then goes from seed to seed.")
    usual: dict[str, Any] = {"k": trained["picks"], "ku": trained["user_picks"], "tau": float(trained["temperature"])}
    text = "How many are drawn. The model was trained with {}."
    picks = st.number_input("K neighbours", 1, max(MOST_PICKS, usual["k"]), usual["k"], key="k", bind="query-params", width=130, help=text.format(usual["k"]))
    user_picks = st.number_input(
        "K liked titles", 1, max(MOST_PICKS, usual["ku"]), usual["ku"], key="ku", bind="query-params", width=130, help=text.format(usual["ku"])
    )
    text = "Changes only the relaxed weights of training, neither the picks nor the score."
    tau = st.number_input("Temperature \u03c4", 0.01, 5.0, usual["tau"], 0.05, "%.2f", key="tau", bind="query-params", width=130, help=text)

if wrong := not_followed({"noise": noise, "seed": seed, "k": picks, "ku": user_picks, "tau": tau}):
    panels.show_notice(Notice(f"The link asks for {', '.join(wrong)}, which is not possible here. The fields above show what is used instead."))
if usual != {"k": picks, "ku": user_picks, "tau": tau}:
    settings = f"K = {usual['k']} neighbours, K = {usual['ku']} liked titles and \u03c4 = {usual['tau']:g}"
    st.info(f"This is a what-if: the model was trained with {settings}. Its recommendations use those.", icon=":material/experiment:")

explanation = resources.explanation(explorer, profile, item_id, seed=seed if noise else None, picks=picks, user_picks=user_picks, temperature=tau)
candidates = explanation.item_neighbours
drawn = candidates[candidates["picked"]]
place = offered.index(item_id) if item_id in offered else None

with st.container(horizontal=True, vertical_alignment="center"):
    st.header(plain(explanation.title), anchor=False, width="content")
    st.caption(f"Recommendation {place + 1} of {len(offered)}" if place is not None else "Not among the recommendations shown", width="stretch")
    for label, icon, step in (("Previous", "chevron_left", -1), ("Next", "chevron_right", 1)):
        other = offered[(place + step) % len(offered) if place is not None else min(step, 0)] if offered else item_id
        st.button(label, icon=f":material/{icon}:", on_click=sidebar.inspect, args=(other,), disabled=not offered, key=f"sampling_{step}")
if len(candidates):
    st.markdown(answer(candidates, "candidate neighbours", noise))
else:
    st.info(
        "This title has no neighbours in the knowledge graph: there was nothing to draw, and its own embedding alone makes the score.", icon=":material/hub:"
    )
show_draw(explorer, profile, explanation, noise)
st.subheader("How the score adds up", anchor=False)
with st.container(horizontal=True):
    st.metric("Score", f"{explanation.score:.3f}", border=True, help=f"As a probability, sigmoid(score): {explanation.probability:.1%}")
    st.metric("Could be drawn", len(candidates), border=True)
    st.metric("Drawn", len(drawn), border=True)
    st.metric("Their probability mass", f"{drawn['share'].sum():.0%}", border=True, help="The share of softmax(s) that the drawn candidates hold together.")
    st.metric("They add", f"{drawn['contribution'].sum():+.3f}", border=True)
show_sum(explanation)
if len(explanation.relations):
    st.subheader("Which relations count", anchor=False)
    show_relations(explanation.relations)
st.subheader("How it works", anchor=False)
st.markdown(METHOD)
