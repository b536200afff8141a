"""Take the pictures of README and docs/ afresh: `python docs/screenshots.py` (needs the packages of
requirements-dev.txt and chromium).

Every page on the bundled demo, light and dark, 1400 and 420 pixels wide (docs/gallery.md shows them); and
`tour.webp`, an animated picture that walks through the app by its URLs.
"""

from __future__ import annotations

import argparse
import io
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from PIL import Image

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.served import browse, serve, settle  # noqa: E402
from dskreg import load  # noqa: E402
from dskreg.ui.frame.url import TOP  # noqa: E402
from dskreg.ui.what_if.counterfactual import MOST  # noqa: E402

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

IMAGES = ROOT / "docs" / "images"
USER = "17"
LINK = f"user={USER}"
PAGES = {
    "recommendations": f"?{LINK}",
    "sampling": f"sampling?{LINK}",
    "what_if": f"what_if?{LINK}",
    "compare": f"compare?{LINK}",
    "embeddings": f"embeddings?{LINK}",
    "model": "model",
    "runs": "runs",
}
LOOKS: dict[str, dict[str, Any]] = {
    "": {},
    "_dark": {"color_scheme": "dark"},
    "_phone": {"viewport": {"width": 420, "height": 1100}},
    "_phone_dark": {"viewport": {"width": 420, "height": 1100}, "color_scheme": "dark"},
}
SHOTS = {f"{page}{look}": (link, options) for page, link in PAGES.items() for look, options in LOOKS.items()}
WINDOW = {"width": 1400, "height": 1100}
FADE = 2500  # ms: charts fade in after the script has run


@dataclass(frozen=True)
class Scene:
    """One picture of the tour: the view at a URL, from so many pixels below its top, for so long."""

    link: str
    milliseconds: int
    below: int = 0


TOUR_WINDOW = {"width": 1400, "height": 900}
TOUR_WIDTH, MOST_BYTES = 1000, 3_000_000


def main() -> None:
    """Write every image, telling which."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=[*SHOTS, "tour"], default=[*SHOTS, "tour"])
    parser.add_argument("--to", type=Path, default=IMAGES, help="the folder of the images")
    given = parser.parse_args()
    given.to.mkdir(exist_ok=True)
    with TemporaryDirectory() as folder:
        # Whatever else is there stays out of the picture
        shutil.copytree(ROOT / "artifacts" / "demo", Path(folder) / "demo")
        with serve(DSKREG_ARTIFACTS=folder) as address, browse() as browser:
            for name in given.only:
                path = given.to / ("tour.webp" if name == "tour" else f"{name}.png")
                if name == "tour":
                    write_tour(browser, address, path)
                else:
                    link, options = SHOTS[name]
                    found = shot(browser, f"{address}/{link}", {"viewport": WINDOW} | options)
                    picture = Image.open(io.BytesIO(found)).convert("RGB")
                    picture.quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
                print(f"{path} ({path.stat().st_size / 1e3:,.0f} kB)")


def shot(browser: Browser, url: str, options: dict[str, Any], below: int = 0) -> bytes:
    """The view at `url` as PNG, in a fresh session with Playwright's `options`."""
    context = browser.new_context(**options)
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.goto(url)
    settle(page)
    page.get_by_test_id("stSkeleton").first.wait_for(state="detached")
    page.wait_for_timeout(FADE)
    if below:
        scroll(page, below)
    found = page.screenshot()
    context.close()
    return found


def scroll(page: Page, below: int) -> None:
    """Scroll the page's own part, not the sidebar."""
    page.get_by_test_id("stMain").evaluate("(part, below) => part.scrollTo(0, below)", below)
    page.wait_for_timeout(500)


def tour() -> tuple[Scene, ...]:
    """The scenes; the counterfactual is the one that the app suggests for the first recommendation."""
    explorer = load(ROOT / "artifacts" / "demo")
    found = explorer.smallest_removal(explorer.profile(USER), MOST, top=TOP)
    removed = ",".join(map(str, found.removed))
    return (
        Scene(f"?{LINK}", 3000),
        Scene(f"sampling?{LINK}", 2500),
        *(Scene(f"sampling?{LINK}&noise=true&seed={seed}", 1400, 640) for seed in (1, 2, 3)),
        Scene(f"what_if?{LINK}&without={removed}", 3500, 260),
        Scene(f"embeddings?{LINK}", 3000),
    )


def write_tour(browser: Browser, address: str, path: Path) -> None:
    """Write the animated picture; ValueError where it is too large for README."""
    frames, scenes = [], tour()
    for scene in scenes:
        found = shot(browser, f"{address}/{scene.link}", {"viewport": TOUR_WINDOW}, scene.below)
        frame = Image.open(io.BytesIO(found)).convert("RGB")
        frames.append(frame.resize((TOUR_WIDTH, round(frame.height * TOUR_WIDTH / frame.width))))
    frames[0].save(
        path,
        save_all=True,
        append_images=frames[1:],
        duration=[scene.milliseconds for scene in scenes],
        loop=0,
        quality=80,
        method=6,
    )
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"{path}: expected at most {MOST_BYTES:,} bytes (got {path.stat().st_size:,})")


if __name__ == "__main__":
    main()
