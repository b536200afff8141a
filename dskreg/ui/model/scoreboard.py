"""The numbers of a test beside the baselines', and who wins, in words."""

import pandas as pd

from dskreg.explorer import MODEL
from dskreg.ui.common.widgets import listed

MEASURES = {  # name: (heading, help, is a larger value better?)
    "recall": ("Recall", "Share of a person's hidden titles that are among the first K.", True),
    "ndcg": ("NDCG", "Like recall, but a hit near the top counts more; 1 is a perfect order.", True),
    "hit": ("Hit", "Share of people with at least one hidden title among the first K.", True),
    "mrr": ("MRR", "One divided by the rank of the first hit, averaged over people.", True),
    "precision": ("Precision", "Share of the first K that are hidden titles of the person.", True),
    "coverage": ("Coverage", "Share of the catalogue that is recommended to at least one person.", True),
    "novelty": (
        "Novelty",
        "How little known the recommended titles are, in bits: larger means rarer titles.",
        True,
    ),
    "popularity": (
        "Popularity",
        "Mean number of training likes of the recommended titles: neither high nor low is good in itself.",
        None,
    ),
}
QUALITY = ("recall", "ndcg", "hit", "mrr", "precision")  # what the verdict is about


def comparison(document: dict, cutoff: int) -> pd.DataFrame:
    """One row per recommender, one column per measure at this cutoff, for the measures that were computed."""
    runs = {MODEL: document["metrics"], **document.get("baselines", {})}
    rows = {
        name: {measure: values.get(f"{measure}@{cutoff}") for measure in MEASURES}
        for name, values in runs.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index").astype(float).dropna(axis="columns", how="all")


def marked(table: pd.DataFrame) -> pd.DataFrame:
    """The numbers as text, the best of each column with a star."""
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
    """Who wins, in a sentence that follows from the numbers, whoever it is."""
    rivals = table.drop(index=MODEL)
    measures = [
        measure
        for measure in QUALITY
        if measure in table and table.loc[MODEL, measure] >= 0 and rivals[measure].notna().any()
    ]
    if rivals.empty or not measures:
        return "No baselines were evaluated with this model, so its numbers stand alone: compare before you believe them."
    winners: dict[str, list[str]] = {}
    for measure in measures:
        best = str(rivals[measure].idxmax())
        if rivals.loc[best, measure] > table.loc[MODEL, measure]:
            winners.setdefault(best, []).append(
                f"{MEASURES[measure][0]} ({_against(rivals.loc[best, measure], table.loc[MODEL, measure])})"
            )
    kept = [
        MEASURES[measure][0] for measure in measures if rivals[measure].max() <= table.loc[MODEL, measure]
    ]
    if not winners:
        return f"Among the first {cutoff}, {MODEL} is at least as good as every baseline in {listed(kept)}."
    ahead = "; ".join(f"{name} is ahead of {MODEL} in {listed(numbers)}" for name, numbers in winners.items())
    rest = (
        f"In {listed(kept)}, {MODEL} is at least as good as all"
        if kept
        else f"{MODEL} leads in none: its worth here is that it explains itself"
    )
    return f"Among the first {cutoff}, {ahead}. {rest}."


def settings_in_words(settings: dict[str, dict[str, object]]) -> str:
    """What the baselines were tuned to: item-kNN (k 100, shrink 0), ..."""
    each = [
        f"{name} ({', '.join(f'{key} {_number(value)}' for key, value in chosen.items())})"
        for name, chosen in settings.items()
        if chosen
    ]
    return (
        f"The baselines' settings were tuned on the validation titles too: {', '.join(each)}." if each else ""
    )


def _number(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _against(one: float, other: float) -> str:
    """Two different numbers with as many digits as show the difference, at least three."""
    digits = next((digits for digits in range(3, 9) if f"{one:.{digits}f}" != f"{other:.{digits}f}"), 9)
    return f"{one:.{digits}f} against {other:.{digits}f}"
