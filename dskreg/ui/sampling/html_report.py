"""An explanation as one HTML page to send to a colleague: no script, nothing fetched, light and dark, every
number in a table.

Everything that comes from a file or a link is escaped; a content policy forbids the browser whatever might
have slipped through.
"""

from __future__ import annotations

import html
from collections.abc import Sequence

import pandas as pd

from dskreg.explorer import Explanation, legible

POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'"
STYLE = """
:root{color-scheme:light dark;--page:#fdfdfc;--text:#0f1718;--muted:#566364;--line:#d5dcdb;--for:#0f6e6e;--against:#c23b36}
@media (prefers-color-scheme:dark){:root{--page:#12191b;--text:#e8eeee;--muted:#a3b1b3;--line:#354246;--for:#3fb0aa;--against:#e2706b}}
body{margin:0 auto;max-width:70rem;padding:1.5rem 1rem 4rem;font:16px/1.5 system-ui,'Segoe UI',Roboto,'Noto Sans',sans-serif;
background:var(--page);color:var(--text);overflow-wrap:anywhere}
h1{font-size:1.7rem;line-height:1.2;margin:.2rem 0}h2{font-size:1.2rem;margin:2.2rem 0 .4rem}p{max-width:48rem}
.muted,caption,dt{color:var(--muted)}caption{text-align:left;padding:.2rem 0 .5rem}
dl{display:flex;flex-wrap:wrap;gap:.6rem;margin:1rem 0}dl div{border:1px solid var(--line);border-radius:.5rem;padding:.5rem .9rem}
dt{font-size:.85rem}dd{margin:0;font-size:1.35rem;font-variant-numeric:tabular-nums}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.9rem}
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}th{white-space:nowrap}tr>:first-child{min-width:10rem}
th.n,td.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}tr.picked>:first-child{font-weight:650}
.bar{display:block;height:.35rem;border-radius:.2rem;background:var(--for);margin-top:.25rem;min-width:1px}.bar.against{background:var(--against)}
@media print{body{max-width:none}}
"""
TITLE_SIDE = {
    "title": ("Candidate", ""),
    "relation": ("Relation r", ""),
    "via": ("Via", ""),
    "picked": ("Drawn", ""),
    "contribution": ("Contribution", "+.3f"),
    "inclusion_probability": ("Probability π", ".1%"),
    "attention": ("Attention α", ".3f"),
    "logit": ("Logit s", ".3f"),
    "noise": ("Noise G", ".3f"),
    "key": ("Key s + G", ".3f"),
    "share": ("Share", ".1%"),
    "relaxed": ("Relaxed", ".3f"),
}
VIEWER_SIDE = {name: column for name, column in TITLE_SIDE.items() if name not in ("relation", "via")} | {
    "base_contribution": ("Base", "+.3f")
}
RELATIONS = {
    "relation": ("Relation r", ""),
    "candidates": ("Candidates", ",d"),
    "share": ("Mass", ".1%"),
    "expected_picks": ("Expected", ".2f"),
    "drawn": ("Drawn", ",d"),
    "attention": ("Attention α", ".3f"),
    "contribution": ("Contribution", "+.3f"),
}
BARS = ("contribution", "inclusion_probability", "share")  # drawn to the largest of their column
TERMS = """
<p><b>Candidates</b> are the titles that the knowledge graph ties to this one. Each has a logit <i>s</i>: the larger, the likelier to be drawn.
Gumbel noise <i>G</i> is added, and the <i>K</i> largest keys <i>s + G</i> are drawn; without noise the <i>K</i> largest logits are. The probability
<i>π</i> is the exact share of all random draws that contain the candidate. Among the drawn, the attention <i>α</i> says how much each counts for this
person, and the contribution what it adds to the score.</p>
"""


def page(
    explanation: Explanation, who: str, parts: Sequence[tuple[str, str, float]], notes: Sequence[str] = ()
) -> str:
    """The whole explanation as HTML.

    Args:
        who: whose recommendation it is, as the app calls that person.
        parts: the terms of the score (name, relation, value), before the activation.
        notes: sentences about where it comes from (model, simulated viewers, link).
    """
    e = explanation
    drawn = e.item_neighbours[e.item_neighbours["picked"]]
    noise = "draw without noise, of the largest logits" if e.seed is None else f"random draw of seed {e.seed}"
    settings = f"{noise}; K = {e.picks} neighbours, K = {e.user_picks} liked titles, temperature τ = {e.temperature:g}"
    figures = {
        "Score": f"{e.score:.3f}",
        "As a probability": f"{e.probability:.1%}",
        "Could be drawn": len(e.item_neighbours),
        "Drawn": len(drawn),
        "They add": f"{drawn['contribution'].sum():+.3f}",
    }
    total = "score" if e.activation == "linear" else f"sum before {e.activation}"
    summed = pd.DataFrame(
        [*parts, (total, "", e.pre_activation_score)], columns=["title", "relation", "contribution"]
    )
    bent = (
        ""
        if e.activation == "linear"
        else f"<p>The parts add up before the activation; {_safe(e.activation)} then bends the sum to {e.score:.3f}.</p>"
    )
    body = [
        f"<p class='muted'>{_safe(who)}</p><h1>{_safe(e.title)}</h1><p>Why does the recommender give it this score? Below, a {_safe(settings)}.</p>",
        f"<dl>{''.join(f'<div><dt>{_safe(name)}</dt><dd>{_safe(value)}</dd></div>' for name, value in figures.items())}</dl>",
        _section(
            "How the score adds up",
            summed,
            {"title": ("Part", ""), "relation": ("Relation r", ""), "contribution": ("Adds", "+.3f")},
        ),
        bent,
        _section(
            "The title’s neighbours",
            e.item_neighbours,
            TITLE_SIDE,
            "Largest key first: the first K are drawn.",
        ),
        _section(
            "The person’s liked titles",
            e.user_neighbours,
            VIEWER_SIDE,
            "To the model a person is the sum of the liked titles; those drawn count once more.",
        ),
        _section(
            "Which relations count",
            e.relations,
            RELATIONS,
            "Mass: the share of softmax(s). Expected: how many a random draw contains on average.",
        ),
        f"<h2>How to read this</h2>{TERMS}",
        *(f"<p class='muted'>{_safe(note)}</p>" for note in notes),
    ]
    head = (
        f'<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        f'<meta name="viewport" content="width=device-width,initial-scale=1">\n<title>{_safe(e.title)}: why this score?</title>\n<style>{STYLE}</style>'
    )
    return f'<!DOCTYPE html>\n<html lang="en">\n<head>\n{head}\n</head>\n<body>\n<main>\n{"".join(body)}\n</main>\n</body>\n</html>\n'


def _section(
    heading: str, frame: pd.DataFrame, columns: dict[str, tuple[str, str]], caption: str = ""
) -> str:
    """A heading and its table; a sentence where the table would be empty."""
    opening = f"<h2>{heading}</h2>"
    if frame.empty:
        return f"{opening}<p>There is nothing to show here.</p>"
    names = [name for name in columns if name in frame]
    largest = {name: max(float(frame[name].abs().max()), 1e-12) for name in BARS if name in names}
    header = "".join(
        f'<th scope="col"{_number(columns[name][1])}>{_safe(columns[name][0])}</th>' for name in names
    )
    rows = []
    for row in frame.to_dict("records"):
        cells = "".join(_cell(row[name], columns[name][1], largest.get(name)) for name in names)
        rows.append(f"<tr{' class=picked' if row.get('picked') is True else ''}>{cells}</tr>")
    said = f"<caption>{caption}</caption>" if caption else ""
    region = f'<div class="wide" tabindex="0" role="region" aria-label="{heading}">'
    return f"{opening}{region}<table>{said}<thead><tr>{header}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"


def _cell(value: object, form: str, largest: float | None) -> str:
    """One cell; with `largest`, a bar below the number."""
    if isinstance(value, bool):
        return f"<td>{'yes' if value else 'no'}</td>"
    if not form:
        return f"<td>{_safe(', '.join(map(str, value)) if isinstance(value, list) else value)}</td>"
    number = float(value) if form != ",d" else int(value)  # type: ignore[call-overload,arg-type]
    bar = ""
    if largest is not None:
        bar = f'<span class="bar{" against" if number < 0 else ""}" style="width:{100 * abs(number) / largest:.1f}%"></span>'
    return f'<td class="n">{number:{form}}{bar}</td>'


def _number(form: str) -> str:
    return ' class="n"' if form else ""


def _safe(text: object) -> str:
    return html.escape(" ".join(legible(str(text)).split()))
