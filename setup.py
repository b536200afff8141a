"""Puts the app into the package: a wheel holds in dskreg/app what lies at the top of the repository.

Everything else about the package is in pyproject.toml.
"""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

APP = "dskreg/app"  # dskreg/storage/places.py looks there
FILES = ("app.py", "pages/*.py", ".streamlit/config.toml", "artifacts/demo/*", "benchmarks/**/accuracy.json")


class BuildWithApp(build_py):
    """Copies the app's files as well; an editable install finds them where they are."""

    def app_files(self) -> list[str]:
        root = Path(__file__).parent
        return sorted(path.relative_to(root).as_posix() for form in FILES for path in root.glob(form))

    def run(self) -> None:
        if self.editable_mode:
            super().run()
        else:
            shutil.rmtree(self.build_lib, ignore_errors=True)  # may hold modules that are gone
            super().run()
            for name in self.app_files():
                target = Path(self.build_lib, APP, name)
                self.mkpath(str(target.parent))
                self.copy_file(name, str(target))

    def get_source_files(self) -> list[str]:
        return [*super().get_source_files(), *self.app_files()]

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        copied = [] if self.editable_mode else [str(Path(self.build_lib, APP, f)) for f in self.app_files()]
        return [*super().get_outputs(include_bytecode), *copied]


setup(cmdclass={"build_py": BuildWithApp})
