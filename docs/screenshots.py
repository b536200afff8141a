"""Take the screenshots of README and docs/ afresh: `python docs/screenshots.py` (needs the packages of
requirements-dev.txt and chromium).

Every page on the bundled demo, light, 1400 pixels wide; the first page once more in the dark and once on a
phone.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.served import browse, serve, settle  # noqa: E402

IMAGES = ROOT / "docs" / "images"
PERSON = "user=17"
SHOTS: dict[str, tuple[str, dict[str, Any]]] = {
    "recommendations": (f"?{PERSON}", {}),
    "recommendations_dark": (f"?{PERSON}", {"color_scheme": "dark"}),
    "recommendations_phone": (f"?{PERSON}", {"viewport": {"width": 420, "height": 1100}}),
    "sampling": (f"sampling?{PERSON}", {}),
    "what_if": (f"what_if?{PERSON}", {}),
    "compare": (f"compare?{PERSON}", {}),
    "embeddings": (f"embeddings?{PERSON}", {}),
    "model": ("model", {}),
    "runs": ("runs", {}),
}
DRAWN = 2500  # ms: charts fade in after the script has run


def main() -> None:
    """Write every image, telling which."""
    IMAGES.mkdir(exist_ok=True)
    with TemporaryDirectory() as folder:
        # Whatever else is there stays out of the picture
        shutil.copytree(ROOT / "artifacts" / "demo", Path(folder) / "demo")
        _take(folder)


def _take(folder: str) -> None:
    with serve(DSKREG_ARTIFACTS=folder) as address, browse() as browser:
        for name, (link, options) in SHOTS.items():
            context = browser.new_context(**({"viewport": {"width": 1400, "height": 1100}} | options))
            page = context.new_page()
            page.set_default_timeout(60_000)
            page.goto(f"{address}/{link}")
            settle(page)
            page.wait_for_timeout(DRAWN)
            page.screenshot(path=str(IMAGES / f"{name}.png"))
            context.close()
            print(IMAGES / f"{name}.png")


if __name__ == "__main__":
    main()
