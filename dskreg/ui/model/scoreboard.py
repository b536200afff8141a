"""The test metrics of the model and the baselines as a table, and the comparison in words."""

import pandas as pd

from dskreg.explorer import MODEL
from dskreg.ui.common.widgets import listed

MEASURES = {  # name: (heading, help, whether a larger value is better; None: neither)
    "recall": ("Recall", "Share of a user's held-out items among the first K, averaged over users.", True),
    "ndcg": ("NDCG", "Like recall, with a larger weight for higher ranks; 1 is a perfect order.", True),
    "hit": ("Hit", "Share of users with at least one held-out item among the first K.", True),
    "mrr": ("MRR", "1 divided by the rank of the first held-out item, averaged over users.", True),
    "precision": ("Precision", "Share of the first K that are held-out items, averaged over users.", True),
    "coverage": ("Coverage", "Share of the catalogue that is recommended to at least one user.", True),
    "novelty": (
        "Novelty",
        "Mean self-information of the recommended items, in bits; rare items score high.",
        True,
    ),
    "popularity": ("Popularity", "Mean number of training likes of the recommended items.", None),
}
QUALITY = ("recall", "ndcg", "hit", "mrr", "precision")  # the measures that the verdict compares


def comparison(document: dict, cutoff: int) -> pd.DataFrame:
    """One row per recommender and one column per computed measure at this cutoff."""
    runs = {MODEL: document["metrics"], **document.get("baselines", {})}
    rows = {
        name: {measure: values.get(f"{measure}@{cutoff}") for measure in MEASURES}
        for name, values in runs.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index").astype(float).dropna(axis="columns", how="all")


def marked(table: pd.DataFrame) -> pd.DataFrame:
    """The metrics as text, with a star at the best of each column."""
    text = table.copy().astype(object)
    for measure in table.columns:
        digits = 3 if table[measure].max() < 10 else 1
        best = table[measure].max() if MEASURES[measure][2] else None
        text[measure] = [
            "" if pd.isna(value) else f"{value:.{digits}f}{' ★' if value == best else ''}"
            for value in table[measure]
        ]
    return text


def verdict(table: pd.DataFrame, cutoff: int) -> str:
    """A sentence that says which recommender is best in which measure."""
    baselines = table.drop(index=MODEL)
    measures = [
        measure
        for measure in QUALITY
        if measure in table and table.loc[MODEL, measure] >= 0 and baselines[measure].notna().any()
    ]
    if baselines.empty or not measures:
        return "No baselines were evaluated with this model, so its metrics stand alone."
    winners: dict[str, list[str]] = {}
    for measure in measures:
        best = str(baselines[measure].idxmax())
        theirs, ours = baselines.loc[best, measure], table.loc[MODEL, measure]
        if theirs > ours:
            winners.setdefault(best, []).append(f"{MEASURES[measure][0]} ({_against(theirs, ours)})")
    kept = [
        MEASURES[measure][0] for measure in measures if baselines[measure].max() <= table.loc[MODEL, measure]
    ]
    if not winners:
        return f"Among the first {cutoff}, {MODEL} is at least as good as every baseline in {listed(kept)}."
    ahead = "; ".join(f"{name} is ahead of {MODEL} in {listed(numbers)}" for name, numbers in winners.items())
    rest = (
        f"In {listed(kept)}, {MODEL} is at least as good as all"
        if kept
        else f"{MODEL} leads in none of these measures"
    )
    return f"Among the first {cutoff}, {ahead}. {rest}."


def settings_in_words(settings: dict[str, dict[str, object]]) -> str:
    """The tuned settings of the baselines: item-kNN (k 100, shrink 0), ..."""
    each = [
        f"{name} ({', '.join(f'{key} {_number(value)}' for key, value in chosen.items())})"
        for name, chosen in settings.items()
        if chosen
    ]
    return f"The baselines were tuned on the validation items too: {', '.join(each)}." if each else ""


def _number(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _against(one: float, other: float) -> str:
    """Two numbers with as many digits as their difference needs, at least three."""
    digits = next((digits for digits in range(3, 9) if f"{one:.{digits}f}" != f"{other:.{digits}f}"), 9)
    return f"{one:.{digits}f} against {other:.{digits}f}"
