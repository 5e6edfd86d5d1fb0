"""Type the console blocks of a page on a fresh desk; `python -m docs.replay` puts today's answers in.

The blocks of a page that begins with `$ export SD_AS_OF=` are one session. It is typed by the agent `an`;
`sudo -u bram sd …` is what a colleague types.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
# stands for every hash: each desk has its own
HASH = "6f1ed002ab5595859014ebf0951522d9b5c0d0e2a1e6b3f7d3a9c8b2f41c7e90"
_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_SD = """#!{python}
import os, sys
sys.path.insert(0, {root!r})
from sdtool import cli
cli.actor = lambda database: os.environ.get("SESSION_LOGIN", "an")
cli.main()
"""
_SUDO = '#!/bin/sh\nshift; SESSION_LOGIN=$1; shift; export SESSION_LOGIN; exec "$@"\n'


def pages() -> list[Path]:
    """Return the pages of the documentation."""
    return sorted(DOCS.rglob("*.md"))


def session(text: str) -> list[tuple[str, str]]:
    """Return (command as typed, answer) of a page's console blocks; [] when it has no session."""
    typed = [step for block in _BLOCK.findall(text) for step in _steps(block)]
    return typed if typed and typed[0][0].startswith("export SD_AS_OF=") else []


def _steps(block: str) -> Iterator[tuple[str, str]]:
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        match = re.match(r"((?:.*\\\n)*.*)\n", part)
        if match:
            yield match[1], part[match.end() :]


def joined(typed: str) -> str:
    """Return a command typed over several lines as one."""
    return re.sub(r"\s*\\\n\s*", " ", typed)


def environment(place: Path) -> dict[str, str]:
    """Return an environment in which `sd` is this program and nothing of the machine's own desk is seen."""
    scripts = place / "bin"
    scripts.mkdir()
    for name, content in (("sd", _SD.format(python=sys.executable, root=str(ROOT))), ("sudo", _SUDO)):
        (scripts / name).write_text(content, encoding="utf-8")
        (scripts / name).chmod(0o755)
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("SD_", "XDG_"))}
    ours |= {
        "PATH": f"{scripts}:{os.environ['PATH']}",
        "COLUMNS": "100",
        "PYTHONUTF8": "1",
        "LC_ALL": "C.UTF-8",
    }
    ours |= {f"XDG_{name}_HOME": str(place / name.lower()) for name in ("CONFIG", "DATA", "CACHE")}
    return ours | {"XDG_CONFIG_DIRS": str(place / "etc")}


def answers(steps: list[tuple[str, str]], place: Path) -> list[str]:
    """Type every command of a session in a new folder below `place`; return what each answered."""
    env, desk = environment(place), place / "desk"
    desk.mkdir()
    return [_answer(joined(typed), env, desk) for typed, _ in steps]


def _answer(command: str, env: dict[str, str], desk: Path) -> str:
    match = re.fullmatch(r"export (\w+)=(\S+)", command)
    if match:
        env[match[1]] = match[2]
        return ""
    done = subprocess.run(  # noqa: S602 - the words are the page's own
        command, shell=True, cwd=desk, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    return re.sub(r"\b[0-9a-f]{64}\b", HASH, done.stdout)


def rewritten(text: str) -> str:
    """Return a page with today's answers."""
    steps = session(text)
    if not steps:
        return text
    with tempfile.TemporaryDirectory() as place:
        told = iter(answers(steps, Path(place)))

    def block(match: re.Match[str]) -> str:
        lines = "".join(f"$ {typed}\n{next(told)}" for typed, _ in _steps(match[1]))
        return f"```console\n{lines}```"

    return _BLOCK.sub(block, text)


def main() -> None:
    """Rewrite the answers of the pages named, or of all."""
    for page in [Path(name).resolve() for name in sys.argv[1:]] or pages():
        text = page.read_text(encoding="utf-8")
        fresh = rewritten(text)
        if fresh != text:
            page.write_text(fresh, encoding="utf-8")
            sys.stdout.write(f"{page.relative_to(ROOT)} rewritten\n")


if __name__ == "__main__":
    main()
