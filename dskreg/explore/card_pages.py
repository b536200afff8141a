"""A document of sections as Markdown, and as a self-contained HTML page without scripts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from dskreg.text import escaped, legible, notebook

POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'"
STYLE = """
:root{color-scheme:light dark;--page:#fdfdfc;--text:#0f1718;--muted:#566364;--line:#d5dcdb}
@media (prefers-color-scheme:dark){:root{--page:#12191b;--text:#e8eeee;--muted:#a3b1b3;--line:#354246}}
body{margin:0 auto;max-width:62rem;padding:1.5rem 1rem 4rem;background:var(--page);color:var(--text);
font:16px/1.5 system-ui,'Segoe UI',Roboto,'Noto Sans',sans-serif;overflow-wrap:anywhere}
h1{font-size:1.7rem;line-height:1.2;margin:.2rem 0}
h2{font-size:1.25rem;margin:2.2rem 0 .4rem}
p,ul{max-width:48rem}
.wide{overflow-x:auto;margin:.6rem 0 1.2rem}
table{border-collapse:collapse;font-size:.9rem;overflow-wrap:normal}
caption{text-align:left;color:var(--muted);padding:.2rem 0 .3rem}
th,td{text-align:left;padding:.25rem .8rem .25rem 0;border-bottom:1px solid var(--line);vertical-align:top}
th.n,td.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
td.long{overflow-wrap:anywhere}
@media print{body{max-width:none}}
"""
LONG = 40  # characters of a cell that may break anywhere
NUMBER = re.compile(r"[-+\u2212]?[\d,.]+ ?%?( \u00b1 [\d.]+ ?%?)?|\u2013")
SPECIAL = re.compile(r"([\\`*_\[\]<>|#~])")


@dataclass(frozen=True)
class Table:
    """Cells as text; every row has as many as there are names. A column of numbers is aligned right."""

    caption: str
    names: Sequence[str]
    rows: Sequence[Sequence[str]]

    @property
    def numeric(self) -> list[bool]:
        """Which columns hold numbers alone."""
        return [
            bool(self.rows) and all(NUMBER.fullmatch(row[n]) for row in self.rows)
            for n in range(len(self.names))
        ]


@dataclass(frozen=True)
class Section:
    """A heading and what follows: paragraphs, lists (tuples of sentences) and tables."""

    heading: str
    blocks: Sequence[str | tuple[str, ...] | Table]


def markdown(title: str, sections: Sequence[Section]) -> str:
    """The document as Markdown; texts are escaped."""
    parts = [f"# {_marked(title)}"]
    for section in sections:
        parts.append(f"## {_marked(section.heading)}")
        for block in section.blocks:
            if isinstance(block, Table):
                parts.append(_markdown_table(block))
            elif isinstance(block, tuple):
                parts.append("\n".join(f"- {_marked(text)}" for text in block))
            else:
                parts.append(_marked(block))
    return "\n\n".join(part for part in parts if part) + "\n"


def _marked(text: str) -> str:
    return SPECIAL.sub(r"\\\1", legible(" ".join(text.split())))


def _markdown_table(table: Table) -> str:
    lines = [
        "| " + " | ".join(_marked(name) for name in table.names) + " |",
        "|" + "|".join("---:" if numeric else "---" for numeric in table.numeric) + "|",
        *("| " + " | ".join(_marked(cell) for cell in row) + " |" for row in table.rows),
    ]
    return "\n".join([f"{_marked(table.caption)}\n", *lines] if table.caption else lines)


def html_page(title: str, sections: Sequence[Section]) -> str:
    """The document as HTML that fetches nothing; texts are escaped."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escaped(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>{escaped(title)}</h1>\n{_html_body(sections)}\n</main>\n</body>\n</html>\n"
    )


def html_output(title: str, sections: Sequence[Section]) -> str:
    """The document as an output of a notebook; texts are escaped."""
    return notebook(f"<h3>{escaped(title)}</h3>\n{_html_body(sections)}")


def _html_body(sections: Sequence[Section]) -> str:
    parts = []
    for section in sections:
        parts.append(f"<h2>{escaped(section.heading)}</h2>" * bool(section.heading))
        for block in section.blocks:
            if isinstance(block, Table):
                parts.append(_html_table(block))
            elif isinstance(block, tuple):
                items = "".join(f"<li>{escaped(text)}</li>" for text in block)
                parts.append(f"<ul>{items}</ul>" if items else "")
            else:
                parts.append(f"<p>{escaped(block)}</p>")
    return "\n".join(part for part in parts if part)


def _html_table(table: Table) -> str:
    head = "".join(map(_cell, ["th"] * len(table.names), table.names, table.numeric))
    rows = ["".join(map(_cell, ["td"] * len(row), row, table.numeric)) for row in table.rows]
    caption = f"<caption>{escaped(table.caption)}</caption>" if table.caption else ""
    body = "\n".join(f"<tr>{row}</tr>" for row in rows)
    return (
        f'<div class="wide"><table>{caption}<thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody>'
        "</table></div>"
    )


def _cell(tag: str, text: str, numeric: bool) -> str:
    kind = "n" if numeric else "long" if tag == "td" and len(text) > LONG else ""
    return f"<{tag}{f' class={kind!r}' * bool(kind)}>{escaped(text)}</{tag}>"
