"""An explanation as a self-contained HTML report, and as an output of a notebook: no script, nothing fetched,
light and dark, every number in a table.

Texts from files and links are escaped; a content policy forbids the browser everything else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from dskreg.explain.report import sentences
from dskreg.text import escaped, notebook, percent, signed

if TYPE_CHECKING:
    from dskreg.explain.explanation import Explanation

POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'"
STYLE = """
:root{color-scheme:light dark;--page:#fdfdfc;--text:#0f1718;--muted:#566364;--line:#d5dcdb;
--positive:#0f6e6e;--negative:#c23b36}
@media (prefers-color-scheme:dark){:root{--page:#12191b;--text:#e8eeee;--muted:#a3b1b3;--line:#354246;
--positive:#3fb0aa;--negative:#e2706b}}
body{margin:0 auto;max-width:70rem;padding:1.5rem 1rem 4rem;background:var(--page);color:var(--text);
font:16px/1.5 system-ui,'Segoe UI',Roboto,'Noto Sans',sans-serif;overflow-wrap:anywhere}
h1{font-size:1.7rem;line-height:1.2;margin:.2rem 0}
h2{font-size:1.2rem;margin:2.2rem 0 .4rem}
p{max-width:48rem}
.muted,caption,dt{color:var(--muted)}
caption{text-align:left;padding:.2rem 0 .5rem}
dl{display:flex;flex-wrap:wrap;gap:.6rem;margin:1rem 0}
dl div{border:1px solid var(--line);border-radius:.5rem;padding:.5rem .9rem}
dt{font-size:.85rem}
dd{margin:0;font-size:1.35rem;font-variant-numeric:tabular-nums}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.9rem}
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}
th{white-space:nowrap}
tr>:first-child{min-width:10rem}
th.n,td.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
tr.sampled>:first-child{font-weight:650}
.bar{display:block;height:.35rem;border-radius:.2rem;margin-top:.25rem;min-width:1px;
background:var(--positive)}
.bar.negative{background:var(--negative)}
@media print{body{max-width:none}}
"""
Columns = dict[str, tuple[str, str]]
"""{column: (heading, format of its numbers, or "" of text)}."""
TERMS = {
    "term": ("Term", ""),
    "group": ("Part of the score", ""),
    "relation": ("Relation r", ""),
    "contribution": ("Contribution", "+.3f"),
    "share": ("Share", ".1%"),
}
LARGEST = {"label": TERMS["term"], "note": TERMS["relation"], "contribution": TERMS["contribution"]}
LARGEST |= {"of": ("Share", "%")}
ITEM_SIDE = {
    "title": ("Candidate", ""),
    "relation": ("Relation r", ""),
    "via": ("Shared entities", ""),
    "picked": ("Sampled", ""),
    "contribution": ("Contribution", "+.3f"),
    "inclusion_probability": ("Inclusion probability π", ".1%"),
    "lift": ("Lift", ".1f"),
    "attention": ("Attention α", ".3f"),
    "logit": ("Logit s", ".3f"),
    "noise": ("Gumbel noise G", ".3f"),
    "key": ("Key s + G", ".3f"),
    "share": ("Probability mass", ".1%"),
    "relaxed": ("Relaxed weight", ".3f"),
}
USER_SIDE = {name: column for name, column in ITEM_SIDE.items() if name not in ("relation", "via")}
LIKED = {"title": ("Liked item", ""), "contribution": ("Contribution", "+.3f")}
RELATIONS = {
    "relation": ("Relation r", ""),
    "candidates": ("Candidates", ",d"),
    "share": ("Probability mass", ".1%"),
    "expected_picks": ("Expected", ".2f"),
    "drawn": ("Sampled", ",d"),
    "attention": ("Attention α", ".3f"),
    "contribution": ("Contribution", "+.3f"),
}
MINUS = "\N{MINUS SIGN}"
BARS = ("contribution", "inclusion_probability", "share")  # bars relative to the largest of their column
GLOSSARY = """
<p><b>Candidates</b> are the neighbours of the item in the knowledge graph. Each has a <b>logit</b> <i>s</i>.
<b>Gumbel noise</b> <i>G</i> is added, and the <i>K</i> largest <b>keys</b> <i>s + G</i> are sampled. Without
noise, the <i>K</i> largest logits are. The <b>inclusion probability</b> <i>π</i> is the exact share of all
random samples that contain the candidate; the <b>lift</b> divides it by that of a uniform draw. The
<b>attention</b> <i>α</i> is the weight of a sampled neighbour among the sampled. The <b>contribution</b> is
what the neighbour adds to the score.</p>
"""


def page(e: Explanation, notes: Sequence[str] = ()) -> str:
    """The whole explanation as HTML; `notes`: sentences about the origin (model, simulated users)."""
    body = [
        f"<p class='muted'>{escaped(e.who)}</p><h1>{escaped(e.title)}</h1>",
        f"<p>Explanation of the score. Settings: {escaped(_settings(e))}.</p>",
        _figures(e),
        *(f"<h2>{heading}</h2>{content}" for heading, content in _sections(e)),
        *(f"<p class='muted'>{escaped(note)}</p>" for note in notes),
    ]
    head = [
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        f"<title>{escaped(e.title)}: score explanation</title>\n<style>{STYLE}</style>",
    ]
    content = f"<head>\n{chr(10).join(head)}\n</head>\n<body>\n<main>\n{''.join(body)}\n</main>\n</body>"
    return f'<!DOCTYPE html>\n<html lang="en">\n{content}\n</html>\n'


def output(e: Explanation) -> str:
    """The explanation as an output of a notebook: the sentences and the largest terms of the app's sampling
    page, and folded the tables of the report.
    """
    counted = ""
    if len(e.item_neighbours):
        counted = sentences.summary(e.item_neighbours, "candidates", e.seed is not None)
    said = [counted or sentences.NO_CANDIDATES, sentences.sharpness(e)]
    if e.basis == "popularity":
        chart = f"<p>{sentences.NO_LIKES}</p>"
    else:
        largest = e.bars.rename(columns={"share": "of", "head": "picked"})
        chart = f"<p>{_bold(sentences.parts(e))}</p>{_table('Score decomposition', largest, LARGEST)}"
    body = [
        f"<h3>{escaped(e.title)}</h3><p class='muted'>{escaped(e.who)}; {escaped(_settings(e))}</p>{chart}",
        *(f"<p>{_bold(text)}</p>" for text in said if text),
        *(f"<details><summary>{heading}</summary>{table}</details>" for heading, table in _sections(e)),
    ]
    return notebook("".join(body))


def _sections(e: Explanation) -> Iterator[tuple[str, str]]:
    """Headings and what stands below them."""
    tables: list[tuple[str, pd.DataFrame | None, Columns, str]] = [
        ("Score decomposition", _summed(e), TERMS, "The terms add up to the score."),
        ("Neighbours of the item", e.item_neighbours, ITEM_SIDE, "Ordered by key; the first K are sampled."),
        ("Score by liked item", e.liked, LIKED, "Through the own embedding and the neighbours."),
        ("Draw among the liked items", e.user_neighbours if e.samples_likes else None, USER_SIDE, ""),
        (
            "Relations",
            e.relations,
            RELATIONS,
            "Probability mass: share of softmax(s). Expected: mean number in a random sample.",
        ),
    ]
    for heading, frame, columns, caption in tables:
        if frame is not None:
            yield heading, _table(heading, frame, columns, caption)
    yield "Glossary", GLOSSARY


def _bold(text: str) -> str:
    """A sentence of `sentences` as HTML."""
    return re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", escaped(text))


def _settings(e: Explanation) -> str:
    noise = "no Gumbel noise" if e.seed is None else f"seed {e.seed}"
    of_likes = f"{e.user_picks} history items (K_u), " if e.samples_likes else ""
    return f"{noise}, {e.picks} neighbours per item (K), {of_likes}temperature τ = {e.temperature:g}"


def _figures(e: Explanation) -> str:
    sampled = e.item_neighbours[e.item_neighbours["picked"]]
    figures = {
        "Score": f"{e.score:.3f}",
        "sigmoid(score)": f"{e.probability:.1%}",
        "Candidates": len(e.item_neighbours),
        "Sampled": len(sampled),
        "Own embedding": signed(e.self_contribution),
        "Neighbour contribution": signed(sampled["contribution"].sum()),
    }
    parts = (
        f"<div><dt>{escaped(name)}</dt><dd>{escaped(value)}</dd></div>" for name, value in figures.items()
    )
    return f"<dl>{''.join(parts)}</dl>"


def _summed(e: Explanation) -> pd.DataFrame:
    """The terms and, below them, what they add up to; with a nonlinear activation the score follows."""
    whole = [("score", "", "", e.score, np.nan)]
    if e.activation != "linear":
        whole.insert(0, (f"sum before {e.activation}", "", "", e.pre_activation_score, np.nan))
    return pd.concat([e.terms[list(TERMS)], pd.DataFrame(whole, columns=list(TERMS))], ignore_index=True)


def _table(heading: str, frame: pd.DataFrame, columns: Columns, caption: str = "") -> str:
    """The table under a heading; a sentence where it would be empty."""
    if frame.empty:
        return "<p>No data.</p>"
    names = [name for name in columns if name in frame]
    largest = {name: max(float(frame[name].abs().max()), 1e-12) for name in BARS if name in names}
    header = "".join(
        f'<th scope="col"{_number(columns[name][1])}>{escaped(columns[name][0])}</th>' for name in names
    )
    rows = []
    for row in frame.to_dict("records"):
        cells = "".join(_cell(row[name], columns[name][1], largest.get(name)) for name in names)
        rows.append(f"<tr{' class=sampled' if row.get('picked') is True else ''}>{cells}</tr>")
    said = f"<caption>{caption}</caption>" if caption else ""
    table = f"<table>{said}<thead><tr>{header}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    return f'<div class="wide" tabindex="0" role="region" aria-label="{heading}">{table}</div>'


def _cell(value: object, form: str, largest: float | None) -> str:
    """One cell; with `largest`, a bar below the number."""
    if isinstance(value, bool):
        return f"<td>{'yes' if value else 'no'}</td>"
    if not form:
        return f"<td>{escaped(', '.join(map(str, value)) if isinstance(value, list) else value)}</td>"
    number = float(value) if form != ",d" else int(value)  # type: ignore[call-overload,arg-type]
    bar = ""
    if largest is not None and number == number:
        sign, width = " negative" if number < 0 else "", 100 * abs(number) / largest
        bar = f'<span class="bar{sign}" style="width:{width:.1f}%"></span>'
    if number != number:
        text = ""
    elif form == "%":
        text = percent(number)
    else:
        text = signed(number) if form == "+.3f" else f"{number:{form}}".replace("-", MINUS)
    return f'<td class="n">{text}{bar}</td>'


def _number(form: str) -> str:
    return ' class="n"' if form else ""
