"""Arrows point one way, modules and functions stay small; read from the source, late imports included."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "sdtool"
LAYERS = (
    ("__main__",),
    ("cli",),
    ("commands",),
    ("jobs",),  # a job runs a report, never the other way round
    ("reports",),
    ("desk",),
    ("mail",),
    ("rules", "store", "render"),
    ("rulebook", "settings", "output"),
    ("errors", "digest", "resources", "__version__"),
)
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}
FILES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")
LONGEST_MODULE, LONGEST_FUNCTION = 400, 50


class Arrow(NamedTuple):
    """One import: the module that has it, its line, the layer it reaches for."""

    module: str
    line: int
    target: str


def layer(path: Path) -> str:
    """Return the layer of a module: the first part of its name below sdtool."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def arrows(path: Path) -> Iterator[Arrow]:
    """Yield what a module imports of sdtool, at its top and inside functions."""
    name = str(path.relative_to(PACKAGE))
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        found: list[str] = []
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{name}:{node.lineno} imports relatively: say sdtool.…"
            module = node.module or ""
            found = [f"{module}.{alias.name}" for alias in node.names] if module == "sdtool" else [module]
        for target in found:
            if target.startswith("sdtool."):
                yield Arrow(name, node.lineno, target.split(".")[1])


def test_every_module_has_a_layer() -> None:
    """A new module at the top of the package is given its place in LAYERS first."""
    assert {layer(path) for path in FILES} <= RANK.keys()


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_downwards(path: Path) -> None:
    """A module imports from its own layer's part of the tree and from layers below, never upwards."""
    own = layer(path)

    upward = [arrow for arrow in arrows(path) if arrow.target != own and RANK[arrow.target] <= RANK[own]]

    assert upward == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_module_stays_small(path: Path) -> None:
    """A module has at most 400 lines; the migrations alone grow for ever."""
    lines = len(path.read_text(encoding="utf-8").splitlines())

    assert lines <= LONGEST_MODULE or path.name == "migrations.py"


def test_functions_stay_small() -> None:
    """A function has at most 50 lines beside its docstring; mostly it has fewer than 20."""
    long = []
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                said = len((ast.get_docstring(node, clean=False) or "").splitlines())
                length = (node.end_lineno or 0) - node.lineno + 1 - said
                if length > LONGEST_FUNCTION:
                    long.append(f"{path.relative_to(PACKAGE)}:{node.lineno} {node.name}: {length} lines")

    assert long == []


def test_nobody_but_the_cli_reads_the_clock() -> None:
    """Time comes from cli.py, or --as-of could not move it; a stopwatch (`monotonic`) is no clock."""
    readers = {
        str(path.relative_to(PACKAGE))
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in ("time.time", "datetime.now", "datetime.utcnow", "date.today")
    }

    assert readers == {"cli.py"}
