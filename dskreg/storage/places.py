"""Where the app and the artifacts lie.

In a clone app.py, pages/ and artifacts/ lie beside the package. An installed package holds copies of them in
its own folder `app`. Nothing is written there: new artifacts go to a folder of the user.
"""

from __future__ import annotations

import os
from pathlib import Path

from dskreg.errors import InputError
from dskreg.storage import folders

PACKAGE = Path(__file__).resolve().parents[1]
INSTALLED = (PACKAGE / "app" / "app.py").is_file()
APP = PACKAGE / "app" if INSTALLED else PACKAGE.parent
"""The folder that holds app.py."""
BUNDLED = APP / "artifacts"
"""The folder of the artifacts that come with the package."""


def artifacts_folder() -> Path:
    """The user's artifacts: $DSKREG_ARTIFACTS, else `artifacts` in the current folder."""
    return Path(os.environ.get("DSKREG_ARTIFACTS") or "artifacts")


def allowed(switch: str) -> bool:
    """Whether the environment variable `switch` forbids nothing: not `off`, `0`, `no` or `false`."""
    return os.environ.get(switch, "").strip().lower() not in ("off", "0", "no", "false")


def find(artifact: str | Path, bundled: Path = BUNDLED) -> Path:
    """The folder of an artifact that is given by its path or by its name.

    A bare name is an artifact of the current folder, of the artifacts folder or of the bundled ones, in this
    order.

    Raises:
        InputError: A name that is none of these; the message lists the names that there are.
    """
    path, places = Path(artifact), (artifacts_folder(), bundled)
    if str(artifact) != path.name or folders.kind(path) == folders.ARTIFACT:
        return path
    for folder in places:
        if path.name in folders.named(folder, folders.ARTIFACT):
            return folder / path
    if path.exists():
        return path
    known = sorted({name for folder in places for name in folders.named(folder, folders.ARTIFACT)})
    there = f"; there are: {', '.join(known)}" if known else ""
    raise InputError(f"{artifact}: no such folder, and no artifact of that name{there}")
