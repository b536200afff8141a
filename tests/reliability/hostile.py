"""Text that would like to be more than text, and a tiny model all of whose names are made of it.

Whatever would run says so: it sets `window.__ran`, opens a dialog, asks for an address at `ELSEWHERE`, or
becomes an element of the class `hostile`. What would be formatted has a word that begins with `MARK` between
its marks: an element that holds this word alone has been formatted.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from dskreg.config import PRESETS, Config
from dskreg.pipeline import run
from dskreg.storage import artifact as artifacts
from tests.worlds import EVERYTHING

ELSEWHERE, MARK = "hostile.invalid", "hm-"
RAN = "window.__ran=1"
ICON = "cruelty_free"  # a Material icon that the app itself does not use
PAYLOADS = {
    # HTML and script
    "script": f"<script class=hostile>{RAN};alert(1)</script>",
    "image": f"<img class=hostile src=//{ELSEWHERE}/x onerror={RAN}>",
    "svg": f"<svg class=hostile onload={RAN}><set onbegin={RAN}></svg>",
    "attribute": f'"><img class=hostile src=x onerror="{RAN}">',
    "single quote": f"' class=hostile onmouseover='{RAN}' x='",
    "double quote": f'" class=hostile onmouseover="{RAN}" autofocus onfocus="{RAN}',
    "end of script": f"</script><script class=hostile>{RAN}</script>",
    "end of title": f"</title></style></textarea><body class=hostile onload={RAN}>",
    "comment": f"--><!--<script class=hostile>{RAN}//--!>",
    "frame": f'<iframe class=hostile srcdoc="<script>top.{RAN}</script>"></iframe>',
    "link": f"<a class=hostile href=javascript:{RAN}>press</a>",
    "details": f"<details class=hostile open ontoggle={RAN}>",
    "style": f"<style class=hostile>@import url(http://{ELSEWHERE}/s.css);</style>",
    "form": (
        f"<form class=hostile action=http://{ELSEWHERE}/f><button formaction=javascript:{RAN}>ok</button>"
    ),
    "meta": f"<meta class=hostile http-equiv=refresh content='0;url=http://{ELSEWHERE}/m'>",
    "data address": "<object class=hostile data='data:text/html,<script>alert(1)</script>'></object>",
    "capitals": f"<ScRiPt/class=hostile>{RAN}</sCrIpT >",
    "a string of JavaScript": f"';{RAN};//\\\";{RAN};//`${{{RAN}}}",
    "entities": f"&lt;{MARK}lt&gt; &amp;amp; &#60;script&#62;",
    # Markdown, Streamlit's directives, LaTeX
    "Markdown link": f"[{MARK}press](javascript:{RAN})",
    "Markdown link with a title": f"[{MARK}there](http://{ELSEWHERE}/l 'x')",
    "Markdown image": f"![{MARK}image](http://{ELSEWHERE}/pixel.png)",
    "bare address": f"http://{ELSEWHERE}/bare and www.{ELSEWHERE}/www and you@{ELSEWHERE}",
    "reference": f"[{MARK}ref]: http://{ELSEWHERE}/r <http://{ELSEWHERE}/auto>",
    "bold": f"**{MARK}bold** __{MARK}strong__ *{MARK}em* ~~{MARK}gone~~",
    "heading": f"# {MARK}heading",
    "list": f"- [ ] {MARK}task",
    "numbered": f"1. {MARK}first",
    "quotation": f"> {MARK}quoted",
    "code": f"`{MARK}code` ```{MARK}fence```",
    "table": f"| {MARK}a | b | --- | --- | 1 | 2 |",
    "colours": f":red[{MARK}red] :blue-background[{MARK}blue] :orange-badge[{MARK}badge] :small[{MARK}small]",
    "icons": f":material/{ICON}: :rocket: :streamlit: (c) -> --",
    "LaTeX": f"$\\text{{{MARK}tex}}^2$ $$\\href{{javascript:{RAN}}}{{{MARK}href}}$$",
    "backslashes": f"\\{MARK}back \\<script class=hostile>{RAN}</script> \\\\",
    # other languages in which text is read
    "HTML of plotly": (
        f"<b>{MARK}b</b><br><i>{MARK}i</i><sup>{MARK}sup</sup><a "
        f"href='javascript:{RAN}'>{MARK}a</a><extra>{MARK}extra</extra>"
    ),
    "templates": "%{x} %{customdata[0]} {b} {@x} {a|rich} {{7*7}} ${7*7} #{7*7} <%= 7*7 %>",
    "formats": "%s %d %n {0} {title} {user.__class__} %(name)s",
    # for the spreadsheet
    "formula": f'=HYPERLINK("http://{ELSEWHERE}/h","press")',
    "command": "+cmd|' /C calc'!A0",
    "minus": "-1+1",
    "at": "@SUM(1+1)*cmd|' /C calc'!A0",
    "tab first": "\t=1+1 tab",
    "return first": "\r=1+1 return",
    # characters
    "controls": "nul\x00bell\x07escape\x1b[31mred\x1b]0;name\x07delete\x7fnel\u0085.",
    "overridden direction": "direction\u202egpj.exe\u2066 isolated",
    "right to left": "\u0645\u0633\u0644\u0633\u0644 \u200f(1) \u05e9\u05dc\u05d5\u05dd <b>x</b>",
    "zero width": "zero\u200bwidth\u200d\ufeff\u00adjoined\u2060",
    "combining": "pile" + "u\u0300\u0301\u0302\u0303\u0304\u0305\u0306\u0307\u0308\u0309" * 12,
    "beyond the plane": "\U0001f469\u200d\U0001f680 \U000e0041\ufffd\uffff \u2028line \u2029paragraph",
    "nothing to see": "\u3164\u200b\u00a0",
    # size
    "10,000 without a blank": "W" * 10_000,
    "10,000 in words": "many words <b>" * 715,
}
RELATIONS = tuple(
    PAYLOADS[name]
    for name in (
        "script",
        "attribute",
        "Markdown link",
        "colours",
        "HTML of plotly",
        "templates",
        "formula",
        "overridden direction",
        "10,000 without a blank",
    )
)
MODELS = (
    f'"><img class=hostile src=x onerror={RAN}>\u202e[x](javascript:alert(1)) :red[{MARK}m] $x$',
    f"=cmd'|<svg onload={RAN} class=hostile>*[a-z]*",
)
"""Two artifacts' folders: what a folder's name may hold."""
DATA = f"<b onclick={RAN} class=hostile>**{MARK}data** $x$"
RUN = f"20260101-000000-<b onclick={RAN} class=hostile>"
USERS, LIKES = 60, 12


def visible(text: str) -> str:
    """The payload as a page may show it: blanks run together."""
    return " ".join(text.split())


def files(folder: Path) -> Path:
    """The data set as RecBole's files, as far as a line and a column can hold it."""
    folder.mkdir(parents=True)
    texts = [visible(text.replace("\t", " ").replace("\r", " ")) for text in PAYLOADS.values()]
    rng = np.random.default_rng(0)
    users = [f"{text[:60]}" for text in texts[: USERS // 2]] + [f"u{n}" for n in range(USERS - USERS // 2)]
    liked = [
        (user, item)
        for n, user in enumerate(dict.fromkeys(users))
        for item in rng.choice(len(texts), LIKES, replace=False)
        if (item + n) % 3
    ]
    kinds = [texts[n].replace("|", "/").replace(",", ";") for n in range(len(texts))]
    items = [f"i{n}\t{text}\t{kinds[n % 11 * 4]}|{kinds[n % 5 * 7 + 1]}" for n, text in enumerate(texts)]
    links = [f"i{n}\te{n}" for n in range(len(texts))]
    triples = [
        f"e{n}\t{relation}\t{texts[(n // 4 + 7 * k) % len(texts)]}"
        for k, relation in enumerate(RELATIONS)
        for n in range(k % 4, len(texts))
    ]
    written = {
        "inter": ["user_id:token\titem_id:token", *(f"{user}\ti{item}" for user, item in liked)],
        "item": ["item_id:token\tname:token_seq\tclass:token_seq", *items],
        "link": ["item_id:token\tentity_id:token", *links],
        "kg": ["head_id:token\trelation_id:token\ttail_id:token", *triples],
    }
    for suffix, lines in written.items():
        (folder / f"{DATA}.{suffix}").write_text("\n".join(lines) + "\n", encoding="utf-8", newline="")
    return folder


def settings() -> Config:
    """Small enough to train in a moment."""
    config = PRESETS["default"]
    model = replace(config.model, width=8, picks=6, user_picks=4)
    return replace(
        config,
        data=replace(config.data, core=2),
        graph=replace(EVERYTHING, candidates=40, max_share=0.5),
        model=model,
        train=replace(config.train, device="cpu", batch=16, epochs=1),
        projection=replace(config.projection, iterations=60, perplexity=8.0, clusters=4),
    )


def quietly(*_: object) -> None:
    """What a run says is not read here."""


def artifact(folder: Path) -> Path:
    """Both models in `folder`, the first from the files; the items then exactly as above, tabs and line ends
    included, with a type and a studio each.
    """
    data, first, second = files(folder / ".data" / DATA), *(folder / name for name in MODELS)
    run(str(data), first, settings(), False, True, quietly, lambda steps, count, label: steps, quietly)
    made = artifacts.load(first)
    names = list(PAYLOADS.values())
    items = made.dataset.items.assign(
        title=names, type=[names[n % 9 * 3] for n in range(len(names))], studio=names[::-1]
    )
    notes = (*made.dataset.notes, *names[:9])
    exact = replace(made, dataset=replace(made.dataset, items=items, notes=notes))
    artifacts.save(exact, first)
    artifacts.save(
        replace(
            exact,
            config=replace(made.config, seed=1),
            weights={name: value * 0.9 for name, value in made.weights.items()},
        ),
        second,
    )
    failed_run(folder)
    return folder


def failed_run(folder: Path) -> None:
    """A run whose data, message and output are hostile too."""
    made = folder / ".runs" / RUN
    made.mkdir(parents=True)
    request = {
        "data": DATA,
        "out": "mine",
        "preset": "default",
        "epochs": 3,
        "seed": 0,
        "device": "auto",
        "replace": False,
        "baselines": True,
        "settings": [],
    }
    (made / "request.json").write_text(json.dumps(request | {"asked": 1.0}), encoding="utf-8")
    (made / "journal.jsonl").write_text(
        json.dumps({"event": "error", "message": " ".join(PAYLOADS.values())[:3000], "time": 2.0}) + "\n",
        encoding="utf-8",
    )
    (made / "output.txt").write_text("\n".join(PAYLOADS.values())[:5000], encoding="utf-8")
    (made / "process.json").write_text('{"pid": 1, "born": 1.0}', encoding="utf-8")


def broken(folder: Path) -> None:
    """Folders that look like an artifact and cannot be read."""
    for name in (f"<i class=hostile onclick={RAN}>broken", f"**{MARK}broken**"):
        (folder / name).mkdir()
        (folder / name / "manifest.json").write_text("[]", encoding="utf-8")


def table() -> pd.DataFrame:
    """Every payload as a cell of text, beside numbers."""
    return pd.DataFrame(
        {
            "text": list(PAYLOADS.values()),
            "number": -np.arange(len(PAYLOADS), dtype=float),
            "whole": -np.arange(len(PAYLOADS)),
        }
    )
