"""The package built as a wheel and installed into an environment of its own, far from the repository."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.served import await_health

ROOT = Path(__file__).parents[1]
SOURCES = (
    *("setup.py", "pyproject.toml", "README.md", "LICENSE*", "app.py", "pages", "dskreg"),
    *(".streamlit", "artifacts/demo", "benchmarks/**/accuracy.json"),
)


@dataclass(frozen=True)
class Installed:
    """An environment that holds the package, and a folder elsewhere to work in."""

    python: Path
    wheel: Path
    folder: Path

    @property
    def command(self) -> Path:
        """The script `dskreg`."""
        return self.python.with_name("dskreg")

    def run(self, *command: str | Path, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """The command's exit code and output, in the folder."""
        return subprocess.run(
            command, cwd=self.folder, env=environment(), capture_output=True, text=True, timeout=timeout
        )

    @contextmanager
    def app(self) -> Iterator[str]:
        """`dskreg app` on a free port; its address once it is healthy."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        with subprocess.Popen(
            [self.command, "app", "--port", str(port)],
            cwd=self.folder,
            env=environment() | {"STREAMLIT_SERVER_HEADLESS": "true"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            try:
                await_health(address := f"http://127.0.0.1:{port}", process)
                yield address
            finally:
                process.terminate()


def environment() -> dict[str, str]:
    """The environment variables, without those that lead to the repository."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("DSKREG_", "PYTHONPATH"))}


def install(place: Path) -> Installed:
    """Build the wheel and install it; the libraries come from the environment that runs the tests."""
    source, folder = place / "source", place / "elsewhere"
    folder.mkdir()
    for path in (path for pattern in SOURCES for path in ROOT.glob(pattern)):
        copy = source / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            shutil.copytree(path, copy, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(path, copy)
    offline = ["--quiet", "--disable-pip-version-check", "--no-deps", "--no-index"]
    pip(["wheel", *offline, "--no-build-isolation", "--wheel-dir", place / "wheels", source])
    (wheel,) = (place / "wheels").glob("dskreg-*.whl")
    venv.create(place / "environment", symlinks=True)
    python = place / "environment" / "bin" / "python"
    pip(["--python", python, "install", *offline, wheel])
    # Not before: pip would take the repository's own package, if it is installed there, for the old version.
    # A path alone is added; an editable package's hook beside it is not run.
    libraries = sysconfig.get_path("purelib")
    site = sysconfig.get_path("purelib", vars={"base": str(place / "environment")})
    Path(site, "libraries.pth").write_text(f"{libraries}\n")
    return Installed(python, wheel, folder)


def pip(words: list[str | Path]) -> None:
    """Run pip; AssertionError with its words where it fails."""
    done = subprocess.run(
        [sys.executable, "-m", "pip", *words], env=environment(), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
