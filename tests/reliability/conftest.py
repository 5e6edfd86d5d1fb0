"""A desk for processes: what `place` and `sd` make, at a moment that every process shares."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Sd


@pytest.fixture
def database(place: Path, sd: Sd) -> Path | str:
    """The file or URL of a fresh desk with one person; SD_DATABASE names it."""
    named = os.environ["SD_DATABASE"]
    return named if "://" in named else Path(named)


@pytest.fixture
def commons(place: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that every user may enter, for tests with more than one; settings and caches lie in it too."""
    folder = Path(tempfile.mkdtemp(prefix="sd-commons-"))
    folder.chmod(0o755)
    for name in ("config", "data", "cache", "state"):
        monkeypatch.setenv(f"XDG_{name.upper()}_HOME", str(folder / name))
    monkeypatch.setenv("SD_DATABASE", str(folder / "desk" / "desk.db"))
    yield folder
    for path in [folder, *folder.rglob("*")]:
        if not path.is_symlink():
            os.chmod(path, 0o700)
    shutil.rmtree(folder)
