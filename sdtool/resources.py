"""Files that ship with the program: templates, default rulebook, cron files."""

from __future__ import annotations

import os

_HERE = os.path.dirname(os.path.abspath(__file__))


def shipped(folder: str, *names: str) -> str:
    """Return the path of a shipped file; `folder` is `templates` or `cron`.

    In a wheel these folders lie inside the package, in a checkout beside it.
    `importlib.resources` finds them too, but costs every start several milliseconds.
    """
    inside = os.path.join(_HERE, folder)
    base = inside if os.path.isdir(inside) else os.path.join(os.path.dirname(_HERE), folder)
    return os.path.join(base, *names)
