"""The decomposition of a score as a table with bars: text that can be read out, selected and searched."""

from html import escape

import numpy as np
import pandas as pd
import streamlit as st

from dskreg.explorer import percent, signed
from dskreg.ui.common.charts import COLOURS, LONGEST, OTHER, shorten
from dskreg.ui.sampling.charts import DOWN, UP

_STYLE = f"""<style>
.terms {{ width: 100%; border-collapse: collapse; font-size: 0.8125rem; line-height: 1.375rem }}
.terms :is(th, td) {{ border: 0; padding: 0; font-weight: inherit; white-space: nowrap }}
.terms .sum {{ font-weight: 700 }}
.terms th {{ display: flex; justify-content: flex-end; gap: 0.3em; padding-right: 0.5rem;
  max-width: min(22rem, 38vw) }}
.terms th > :first-child {{ overflow: hidden; text-overflow: ellipsis }}
.terms td {{ width: 100% }}
.terms td > div {{ position: relative; height: 1.375rem; margin-right: 8.5rem }}
.terms td > div::before {{ content: ""; position: absolute; left: var(--zero); height: 100%;
  border-left: 1px solid {OTHER} }}
.terms i {{ position: absolute; top: 18%; bottom: 18%; min-width: 1px }}
.terms .sum i {{ top: 7%; bottom: 7% }}
.terms td span {{ position: absolute; padding-left: 0.3rem }}
@media (max-width: 700px) {{ .terms td > div {{ margin-right: 7rem }} }}
</style>"""


def show(rows: pd.DataFrame, alt: str) -> None:
    """One row per term with its bar from 0, below a row with the sum for each group.

    Args:
        rows: label, note, contribution, share (NaN: not shown), group, head (is it the sum of its group?).
        alt: the table's accessible name.
    """
    with st.container(key="decomposition"):
        st.html(_STYLE + table(rows, alt))


def table(rows: pd.DataFrame, alt: str) -> str:
    """The table as HTML; text from files in it is escaped."""
    shades = dict(zip(rows["group"].unique(), (UP, COLOURS[2], OTHER), strict=False))
    values = rows["contribution"].to_numpy(dtype=float)
    low = min(0.0, values.min())
    extent = max(0.0, values.max()) - low or 1.0
    body = []
    for row, value in zip(rows.itertuples(), values, strict=True):
        name = escape(shorten(row.label, LONGEST))
        note = f"<span>({escape(shorten(row.note, LONGEST // 2))})</span>" if row.note else ""
        begin, end = (100 * (x - low) / extent for x in (min(value, 0.0), max(value, 0.0)))
        colour = DOWN if value < 0 else shades[row.group]
        said = signed(value) if np.isnan(row.share) else f"{percent(row.share)} ({signed(value)})"
        # The number stands right of the bar, of a negative one right of 0
        body.append(
            f'<tr{" class=sum" if row.head else ""}><th scope="row"><span title="{name}">{name}</span>{note}'
            f'</th><td><div><i style="left:{begin:.2f}%;width:{end - begin:.2f}%;background:{colour}"></i>'
            f'<span style="left:{end:.2f}%">{said}</span></div></td></tr>'
        )
    zero = f"--zero:{100 * (0.0 - low) / extent:.2f}%"
    return f'<table class="terms" style="{zero}" aria-label="{escape(alt)}">{"".join(body)}</table>'
