"""`dskreg card`: the model card of an artifact on stdout."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from dskreg import arguments as given
from dskreg.commands.slices import Users
from dskreg.console import progress, say, tell
from dskreg.results import opened


class Format(StrEnum):
    """The forms of a card."""

    md = "md"
    html = "html"


def card(
    artifact: given.ArtifactPath,
    form: Annotated[
        Format, typer.Option("--format", help="md: Markdown. html: one page that fetches nothing.")
    ] = Format.md,
    users: Users = None,
) -> None:
    """A model card: data, settings, accuracy with baselines, slices, worth of each part, limits."""
    explorer = opened(artifact, False)
    say("lists of the test users")
    tell(explorer.card(form.value, users, progress).removesuffix("\n"))
