"""`make demo`: make the province, then type the README's session and show what it answers."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from demo import province
from sdtool import cli, output
from sdtool.commands.base import App
from sdtool.settings import load

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
PLACE = ROOT / "build" / "demo"


def session(readme: str) -> Iterator[tuple[str, str]]:
    """Yield (command as typed, answer) of the first console block that begins with SD_AS_OF."""
    blocks = re.findall(r"```console\n(.*?)```", readme, re.DOTALL)
    block = next(text for text in blocks if text.startswith("$ export SD_AS_OF="))
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        match = re.match(r"((?:.*\\\n)*.*)\n", part)
        if match:
            yield match[1], part[match.end() :]


def joined(typed: str) -> str:
    """Return a command typed over several lines as one."""
    return re.sub(r"\s*\\\n\s*", " ", typed)


def prepare(place: Path) -> dict[str, str]:
    """Make the province's desk in `place`; return the environment in which `sd` finds it."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("SD_", "XDG_"))}
    scripts = str(Path(sys.executable).parent)
    ours |= {"PATH": f"{scripts}:{os.environ['PATH']}", "COLUMNS": "100", "PYTHONUTF8": "1"}
    ours |= {f"XDG_{name}_HOME": str(place / name.lower()) for name in ("CONFIG", "DATA", "CACHE")}
    ours["SD_DATABASE"] = str(place / "desk.db")
    os.environ.update(ours)
    os.environ.pop("SD_AS_OF", None)
    if cli.run(["--as-of", province.NOW, "init"]) != 0:
        raise SystemExit("the demonstration desk could not be made")
    app = App(load(), now=0, actor=lambda database: "an")
    made = province.fill(app.desk)
    app.close()
    output.echo(f"{made.people} people, {made.tickets} tickets from {province.FIRST} to {province.LAST}")
    return ours


def answer(command: str, env: dict[str, str]) -> str:
    """Run one line of the session in a shell; `export` changes `env` for the lines after it."""
    match = re.fullmatch(r"export (\w+)=(\S+)", command)
    if match:
        env[match[1]] = match[2]
        return ""
    # the words are the README's own
    done = subprocess.run(  # noqa: S602
        command, shell=True, cwd=PLACE, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    return done.stdout


def rewrite(env: dict[str, str]) -> None:
    """Put today's answers in the README, for a person to read in the diff."""
    readme = README.read_text(encoding="utf-8")
    for typed, told in list(session(readme)):
        readme = readme.replace(f"$ {typed}\n{told}", f"$ {typed}\n{answer(joined(typed), env)}", 1)
    README.write_text(readme, encoding="utf-8")


def main() -> None:
    """Run the demonstration and print it; `--rewrite` puts the answers in the README."""
    started = time.monotonic()
    env = prepare(PLACE)
    if sys.argv[1:] == ["--rewrite"]:
        rewrite(env)
        return
    for typed, _ in session(README.read_text(encoding="utf-8")):
        output.echo(f"\n$ {joined(typed)}")
        output.echo(answer(joined(typed), env).rstrip("\n"))
    page = PLACE / "kpi.html"
    output.echo(f"\nThe KPI report for a browser: {page}")
    output.echo(f"The desk to play with: export SD_DATABASE={PLACE / 'desk.db'}")
    output.echo(f"Done in {time.monotonic() - started:.0f} s.")


if __name__ == "__main__":
    main()
