"""Measure `sd` against the reference program, and say where a promise is not kept.

    python bench/run.py [--quick] [--only commands,kpi,reports,import,…] [--rounds 31]

Times differ from machine to machine, ratios hardly do: every figure that is promised is a ratio between
programs that ran in turn. Judged are medians of time on the wall; `best` is the ratio of the shortest runs,
which other work on the machine disturbs least. The first run installs an environment and generates desks in
`build/bench`, which takes some minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence

if __package__ in (None, ""):  # called by its path
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from bench import engines, event_log, reports, staff
from bench.measure import KEPT, Place, Sample, desk, install, interleaved, median, numbers

NEW = (
    "sd", "new", "Printer werkt niet", "--caller", "persoon1@example.be", "--channel", "phone",
    "--type", "incident", "--category", "printer", "--urgency", "normal",
)  # fmt: skip
REFERENCE = ("sd-reference", "new", "Printer werkt niet")
# promised: the median as a ratio to that of the reference, and (FLAT) that of the large desk to the small one
PROMISED = {"new": 1.25, "show": 1.2, "list": 1.2, "assign": 1.2, "close": 1.2, "next": 1.2}
FLAT, MOST_MEMORY = 1.1, 40
ALL = ("commands", "kpi", "reports", "import", "staff", "remind", "writers", "engines")
failed: list[str] = []


def promise(what: str, value: float, most: float) -> str:
    """Return the value beside what was promised, and remember when it is broken."""
    if value > most:
        failed.append(f"{what}: {value:.2f}, promised at most {most}")
    return f"{value:.2f} (≤ {most}{'' if value <= most else ', BROKEN'})"


def table(rows: Sequence[Sequence[str]]) -> None:
    """Print aligned columns, the first to the left."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))]
        print("  ".join(cells))
    print()


def _commands(place: Place, database: str) -> dict[str, Callable[[int], Sample]]:
    """Return the daily commands on one desk; each round changes other tickets."""
    waiting = numbers(database, "select id from ticket where ended_at is null order by id desc")
    known = numbers(database, "select id from ticket order by id")
    shown = known[:: max(len(known) // 97, 1)]

    def of(*words: str) -> Callable[[int], Sample]:
        return lambda number: place.run([word.format(*_tickets(number)) for word in words], database)

    def _tickets(number: int) -> tuple[int, int, int]:
        place_ = 2 * number % (len(waiting) - 1)
        return shown[number % len(shown)], waiting[place_], waiting[place_ + 1]

    return {
        "new": of(*NEW),
        "show": of("sd", "show", "{0}"),
        "list": of("sd", "list", "--limit", "20"),
        "assign": of("sd", "assign", "{1}", "network/els"),
        "close": of("sd", "close", "{2}", "--solution", "toner vervangen"),
        "next": of("sd", "next"),
    }


def commands(place: Place, sizes: tuple[int, int], rounds: int) -> None:
    """Measure the commands of every minute, at two sizes."""
    runs: dict[str, Callable[[int], Sample]] = {"reference": lambda number: place.run(REFERENCE)}
    for size in sizes:
        found = _commands(place, desk(place, size))
        runs |= {f"{name} {size}": run for name, run in found.items()}
    samples = interleaved(runs, rounds)
    walls = {name: median([s.wall for s in found]) for name, found in samples.items()}
    best = {name: min(s.wall for s in found) for name, found in samples.items()}
    small, large = sizes
    print(f"Commands, {rounds} rounds; the reference took {1000 * walls['reference']:.1f} ms")
    rows = [("", f"{small:,} tickets", f"{large:,} tickets", "large / small", "best", "best", "best", "MiB")]
    for name, most in PROMISED.items():
        low, high = f"{name} {small}", f"{name} {large}"
        peak = max(sample.peak for sample in samples[low] + samples[high])
        rows.append((
            name,
            promise(low, walls[low] / walls["reference"], most),
            promise(high, walls[high] / walls["reference"], most),
            promise(f"{name} large / small", walls[high] / walls[low], FLAT),
            f"{best[low] / best['reference']:.2f}",
            f"{best[high] / best['reference']:.2f}",
            f"{best[high] / best[low]:.2f}",
            f"{peak:.0f}",
        ))  # fmt: skip
        if peak > MOST_MEMORY:
            failed.append(f"{name}: {peak:.0f} MiB, promised at most {MOST_MEMORY}")
    table(rows)


def kpi(place: Place, size: int, runs: int) -> None:
    """Measure the report of the service sheet: one month, and the whole history."""
    database = desk(place, size)
    print(f"`sd report kpi` over {size:,} tickets, {runs} runs")
    rows = [("", "s", "cpu s", "MiB", "share in SQL", "statements")]
    periods = {
        "one month": ("--month", "2025-09"),
        "whole history": ("--from", "2022-10-01", "--to", "2025-11-01"),
    }
    for name, period in periods.items():
        words = ["report", "kpi", *period, "--format", "json"]
        found = [place.run(["sd", *words], database) for _ in range(runs)]
        told = json.loads(place.python(["-m", "bench.sql_share", *words], database).stderr.splitlines()[-1])
        rows.append((
            name,
            f"{median([s.wall for s in found]):.2f}",
            f"{median([s.cpu for s in found]):.2f}",
            f"{max(s.peak for s in found):.0f}",
            f"{100 * told['sql'] / told['seconds']:.0f} %",
            str(told["statements"]),
        ))  # fmt: skip
    table(rows)


def grown(place: Place, sizes: Sequence[int], runs: int) -> None:
    """Measure how reports grow, beside the same aggregates in a plain script."""
    print(f"reports of a month with the twelve before it, {runs} runs")
    table(reports.growth(place, sizes, runs))


def import_log(place: Place, incidents: int) -> None:
    """Measure the import of another system's log, and the same import again, which changes nothing."""
    database, log = desk(place, 1_000), os.path.join(place.folder, "log.csv")
    rows = event_log.write(log, incidents)
    print(f"`sd fmis import` of {incidents:,} incidents, {rows:,} rows")
    words = ["sd", "fmis", "import", log, "--map", "servicenow-log"]
    told = [("", "s", "rows/s", "MiB")]
    for name in ("first time", "again"):
        sample = place.run(words, database)
        told.append((name, f"{sample.wall:.2f}", f"{rows / sample.wall:.0f}", f"{sample.peak:.0f}"))
    table(told)


def import_staff(place: Place, rows: int, faults: int) -> None:
    """Measure the import of a file of HR: looked at, taken in, and again, which changes nothing."""
    print(f"`sd onboarding import` of {rows:,} rows with {faults} faults")
    table([("", "s", "rows/s", "MiB"), *staff.measure(place, rows, faults)])


def remind(mails: int) -> None:
    """Measure reminders, from what is owed to an SMTP server; this Python needs aiosmtpd."""
    print(f"`sd remind` with {mails:,} mails", flush=True)
    program = [sys.executable, "-m", "bench.remind", "--mails", str(mails)]
    subprocess.run(program, cwd=os.path.dirname(os.path.dirname(os.path.abspath(__file__))), check=True)
    print()


def writers(place: Place, processes: int, each: int, rounds: int) -> None:
    """Measure registering by many processes at once, in turn with as many of the reference program."""
    database = desk(place, 1_000)
    before = len(numbers(database, "select id from ticket"))
    took: dict[str, list[float]] = {"reference": [], "sd new": []}
    for _ in range(rounds):
        for name, words in (("reference", REFERENCE), ("sd new", NEW)):
            start = time.perf_counter()
            children = [_repeat(place, words, each, database) for _ in range(processes)]
            lost = sum(child.wait() != 0 for child in children)
            took[name].append(time.perf_counter() - start)
            if lost:
                failed.append(f"{name}: {lost} of {processes} writers failed")
    made = len(numbers(database, "select id from ticket")) - before
    if made != processes * each * rounds:
        failed.append(f"{processes * each * rounds} tickets were registered at once, {made} are there")
    place.run(["sd", "audit", "verify"], database)
    print(
        f"Registering by {processes} processes, {each} tickets each, {rounds} rounds: {made} tickets, no gap"
    )
    rows = [("", "s", "tickets/s", "ratio", "best")]
    for name, seconds in took.items():
        ratio = median(seconds) / median(took["reference"])
        told = (
            promise("32 writers", ratio, 1.43) if name == "sd new" else "1.00"
        )  # 0.7 of its commits a second
        best = min(seconds) / min(took["reference"])
        rate = processes * each / median(seconds)
        rows.append((name, f"{median(seconds):.2f}", f"{rate:.0f}", told, f"{best:.2f}"))
    table(rows)


def both(place: Place, size: int, incidents: int, rounds: int) -> None:
    """Measure the same desk on both engines, in turn; a server without tuning, on the same disk."""
    rows = engines.measure(place, size, incidents, rounds)
    print(f"Engines, {size:,} tickets" + ("" if rows else ": left out, no PostgreSQL server is installed"))
    if rows:
        table([("", "SQLite", "PostgreSQL", "ratio"), *rows])


def _repeat(place: Place, words: Sequence[str], times: int, database: str) -> subprocess.Popen[bytes]:
    program = [os.path.join(place.bin, words[0]), *words[1:]]
    loop = 'times=$1; shift; while [ "$times" -gt 0 ]; do "$@" || exit 1; times=$((times - 1)); done'
    settings, null = place.settings(database), subprocess.DEVNULL
    return subprocess.Popen(["sh", "-c", loop, "sh", str(times), *program], env=settings, stdout=null)


def main() -> None:
    """Read the command line, measure, and end with 1 when a promise is broken."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="small desks, few rounds: does it run at all?")
    parser.add_argument("--only", default=",".join(ALL), help=f"some of {', '.join(ALL)}")
    parser.add_argument("--rounds", type=int, default=0, help="rounds of the commands (31, quick 5)")
    given = parser.parse_args()
    sizes = (500, 2_000) if given.quick else (1_000, 100_000)
    quick, incidents = given.quick, 100 if given.quick else 1_200
    parts: dict[str, Callable[[Place], None]] = {
        "commands": lambda place: commands(place, sizes, given.rounds or (5 if quick else 31)),
        "kpi": lambda place: kpi(place, sizes[1], 1 if quick else 5),
        "reports": lambda place: grown(
            place, (500, 2_000) if quick else (10_000, 100_000, 1_000_000), 1 if quick else 3
        ),
        "import": lambda place: import_log(place, incidents),
        "staff": lambda place: import_staff(place, *((200, 20) if quick else (5_000, 200))),
        "remind": lambda place: remind(500 if quick else 10_000),
        "writers": lambda place: writers(place, 32, 2 if quick else 5, 1 if quick else 5),
        "engines": lambda place: both(place, sizes[1], incidents, 3 if quick else 15),
    }
    os.makedirs(KEPT, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=KEPT) as folder:
        place = Place(folder)
        install(place)
        for name in given.only.split(","):
            parts[name](place)
    for fault in failed:
        print(f"broken: {fault}")
    sys.exit(1 if failed and not given.quick else 0)


if __name__ == "__main__":
    main()
