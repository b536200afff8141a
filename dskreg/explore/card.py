"""A model card, after Mitchell et al. (2019): what the model is, its data, settings and versions, its
accuracy beside baselines and by slices, what each part is worth, and its limits. Every figure comes from the
artifact or from its test.
"""

from __future__ import annotations

from typing import Any

from dskreg.config import LEAVE_ONE_OUT, RANDOM, TIME
from dskreg.evaluation.slices import COLD
from dskreg.explore.card_pages import Section, Table, html_output, html_page, markdown
from dskreg.explore.comparison import MODEL
from dskreg.text import NOTHING, flat, number, percent, signed_percent

CUTOFF = 20
MEASURES = {
    "recall": "Recall",
    "ndcg": "NDCG",
    "hit": "Hit",
    "mrr": "MRR",
    "coverage": "Coverage",
    "novelty": "Novelty (bits)",
    "popularity": "Mean likes",
}
FORMS = {
    "evidence": "Item embeddings are in closed form. Neighbours count the more the fewer users like an item, "
    "and the relevance of neighbours is trained.",
    "paper": "Embeddings, relevance and attention are trained together, as published.",
}
GENRES = 15
FEW = 30  # users or held-out likes
NOT_BY_TIME = (
    "Unless the data came with a test split, held-out likes were chosen at random and not by time: how the "
    "model follows changing tastes is not measured."
)


def sections(
    info: dict[str, Any], metrics: dict[str, Any], sliced: dict[str, Any], simulated: bool
) -> list[Section]:
    """The card.

    Args:
        info: `Explorer.info`.
        metrics: `Explorer.metrics`.
        sliced: `Explorer.rivals.slices` of the model.
        simulated: Are the users made up?
    """
    return [
        Section("What it is", _what(info)),
        Section("Data", _data(info, simulated)),
        Section("Accuracy", _accuracy(metrics)),
        Section("Slices of the test", _slices(sliced)),
        Section("What each part is worth", _parts(metrics.get("resets"))),
        Section("Limits", [_limits(info["config"]["data"]["split"], metrics, sliced, simulated)]),
        Section("Settings", [Table("", ("Setting", "Value"), [*flat(info["config"]).items()])]),
        Section("Versions", [Table("", ("Package", "Version"), [*flat(info.get("versions", {})).items()])]),
    ]


def written(
    form: str, info: dict[str, Any], metrics: dict[str, Any], sliced: dict[str, Any], simulated: bool
) -> str:
    """The card as `html`, else as Markdown."""
    page = html_page if form == "html" else markdown
    return page(f"Model card: {info['name']}", sections(info, metrics, sliced, simulated))


def brief(info: dict[str, Any], metrics: dict[str, Any], simulated: bool) -> str:
    """The card's data and accuracy, as an output of a notebook."""
    made, *data = _data(info, True)
    blocks = [*([made] if simulated else []), *data[:2], *_accuracy(metrics)[:2]]
    return html_output(f"Model: {info['name']}", [Section("", blocks)])


def _what(info: dict[str, Any]) -> list[Any]:
    model = info["config"]["model"]
    return [
        f"{MODEL} ranks {info['items']:,} items for a user, from the user's liked items and a knowledge "
        f"graph. For each item it samples {model['picks']} neighbours in the graph with the Gumbel top-k "
        "method; served lists sample without noise.",
        FORMS.get(model["form"], f"Model form: {model['form']}."),
        "Intended use: lists of recommendations from this catalogue, and the explanation of each score by "
        "the sampled neighbours.",
        Table(
            "",
            ("Property", "Value"),
            [
                (name, str(value))
                for name, value in {
                    "Name": info["name"],
                    "Data set": info["dataset"],
                    "Created": info.get("created"),
                    "Hardware": info.get("hardware"),
                    "Training time (s)": f"{info['seconds']['total']:.0f}" if info.get("seconds") else None,
                    "Content hash": info.get("content"),
                }.items()
                if value not in (None, "")
            ],
        ),
    ]


def _data(info: dict[str, Any], simulated: bool) -> list[Any]:
    data, relations = info["config"]["data"], info["relations"]
    counts = {name: f"{info[name]:,}" for name in ("users", "items", "interactions", "likes")}
    made = "The users are simulated with planted tastes; no user and no rating is real." if simulated else ""
    return [
        *([made] if made else []),
        Table(
            "",
            ("Users", "Items", "Interactions", "Likes", "Relations"),
            [[*counts.values(), f"{len(relations):,}"]],
        ),
        f"Relations of the knowledge graph: {', '.join(relations) or 'none'}.",
        f"{_held_out(data)} A test split that came with the data is kept.",
        tuple(info.get("notes") or ["No data was dropped while reading."]),
    ]


def _held_out(data: dict[str, Any]) -> str:
    """How the likes were split, by the settings `data.*`."""
    validation, test, split = percent(data["validation"]), percent(data["test"]), data["split"]
    if split == RANDOM:
        return f"Of each user's likes {validation} are validation and {test} are the test, at random."
    if split == TIME:
        return f"The latest {test} of each user's likes are the test, the {validation} before are validation."
    if split == LEAVE_ONE_OUT:
        return (
            "Each user's latest like is the test, the one before is validation; at random without timestamps."
        )
    return f"Likes from {split.removeprefix(f'{TIME}:')} on are the test, the latest before are validation."


def _accuracy(metrics: dict[str, Any]) -> list[Any]:
    runs = {MODEL: metrics["metrics"], **metrics.get("baselines", {})}
    names = [name for name in MEASURES if runs[MODEL].get(f"{name}@{CUTOFF}") is not None]
    if not names:
        return ["No user has a held-out test item, so nothing was measured."]
    rows = [
        [run, *(number(values.get(f"{name}@{CUTOFF}")) for name in names)] for run, values in runs.items()
    ]
    settings = {
        run: ", ".join(f"{k} = {v:g}" for k, v in values.items())
        for run, values in metrics.get("baseline_settings", {}).items()
    }
    return [
        f"Full ranking of the whole catalogue at cutoff {CUTOFF}: means over {metrics['users']:,} test "
        "users. Mean likes are training likes.",
        Table("", ("Recommender", *(MEASURES[name] for name in names)), rows),
        *(
            [
                "Baselines were tuned on validation: "
                + "; ".join(f"{run} ({text})" for run, text in settings.items())
                + "."
            ]
            if settings
            else []
        ),
    ]


def _slices(sliced: dict[str, Any]) -> list[Any]:
    if not sliced["users"]:
        return ["No user has a held-out test item and a like, so there are no slices."]
    bias, asked = sliced["bias"], f"{sliced['users']:,} of {sliced['of']:,} test users"
    users = [
        [
            row["slice"],
            number(row["users"]),
            number(row["ndcg"]) + (f" ± {row['within']:.3f}" if row["within"] else ""),
            number(row["recall"]),
            number(row["hit"]),
        ]
        for row in [*sliced["activity"], sliced["all"]]
    ]
    heading = ("Items", "Held-out likes", "Recall", "Held-out share", "List share", "Coverage")
    found = [
        f"Lists of {sliced['k']} items for {asked}. Likes are those that the model knows.",
        Table(
            "Users by likes in the history; ± half the 95% interval",
            ("Likes", "Users", "NDCG", "Recall", "Hit"),
            users,
        ),
        Table("Items by likes", ("Likes", *heading), [_of_items(row) for row in sliced["likes"]]),
    ]
    if sliced["without_items"]:
        found.append(sliced["without_items"])
    if sliced["genres"]:
        rows, kind = [_of_items(row) for row in sliced["genres"][:GENRES]], sliced["described_by"]
        found.append(Table(f"Items by {kind}, the {len(rows)} largest", (kind.capitalize(), *heading), rows))
    return [
        *found,
        (
            f"{percent(bias['coverage'])} of the items are in at least one list. The Gini coefficient of "
            f"the number of lists that hold an item is {bias['gini']:.2f}.",
            f"A recommended item has {bias['mean_likes_recommended']:,.0f} likes on average, a held-out one "
            f"{bias['mean_likes_held_out']:,.0f}.",
            f"The fifth of the items with the most likes gets {percent(bias['head_recommended'])} of the "
            f"recommendations and {percent(bias['head_held_out'])} of the held-out likes.",
        ),
    ]


def _of_items(row: dict[str, Any]) -> list[str]:
    shares = (percent(row[key]) for key in ("held_out_share", "list_share", "coverage"))
    return [row["slice"], number(row["items"]), number(row["held_out"]), number(row["recall"]), *shares]


def _parts(resets: list[dict[str, Any]] | None) -> list[Any]:
    if not resets:
        return ["Not measured. Run: dskreg resets ARTIFACT"]

    def cell(found: dict[str, Any] | None) -> str:
        if not found or found["ndcg"] is None:
            return NOTHING
        return signed_percent(found["change"], found["within"])

    groups, whole = ("all", "rare", "cold"), resets[0]
    named = [name for name in groups if whole.get(name)]
    base = ", ".join(f"{number(whole[name]['ndcg'])} ({name} items)" for name in named)
    return [
        f"One part is reset at a time and NDCG@{CUTOFF} is measured again. Of the whole model it is {base}.",
        Table(
            "Change of NDCG, ± half the 95% interval",
            ("Reset", *(f"{name} items" for name in named)),
            [[row["part"], *(cell(row.get(name)) for name in named)] for row in resets[1:]],
        ),
    ]


def _limits(split: str, metrics: dict[str, Any], sliced: dict[str, Any], simulated: bool) -> tuple[str, ...]:
    """Sentences that follow from the figures, then those that hold for every model of this kind."""
    found: list[str] = []
    if simulated:
        found.append("The users are simulated: no figure here says anything about real users.")
    key, baselines = f"ndcg@{CUTOFF}", metrics.get("baselines", {})
    ours = metrics["metrics"].get(key)
    better = [name for name, values in baselines.items() if ours and (values.get(key) or 0) > ours]
    if better:
        found.append(f"In NDCG@{CUTOFF}, {' and '.join(better)} ranked better than this model.")
    if not baselines:
        found.append("No baseline was measured beside the model.")
    likes = {row["slice"]: row for row in sliced["likes"]}
    if sliced["users"] and COLD in likes:
        cold = ((metrics.get("resets") or [{}])[0].get("cold") or {}).get("ndcg")
        found.append(
            f"{likes[COLD]['items']:,} items have no likes and are ranked by their neighbours alone"
            + (f" (NDCG@{CUTOFF} {cold:.3f} among items whose likes were hidden)." if cold else ".")
        )
    few = [row["slice"] for row in sliced["activity"] if row["users"] < FEW]
    few += [f"{name} likes" for name, row in likes.items() if 0 < row["held_out"] < FEW]
    if few:
        found.append(f"Fewer than {FEW} users or held-out likes, so chance decides: {', '.join(few)}.")
    return (
        *found,
        "An item that a user has not met counts as not relevant, although the user might like it.",
        *([NOT_BY_TIME] if split == RANDOM else []),
        "Users without a like get the most liked items.",
        "An explanation shows how the model computes a score. It does not show why a user likes an item.",
    )
