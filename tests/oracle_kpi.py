"""Month figures of a ServiceNow log, computed with pandas from the file alone: `oracle_kpi.py LOG`, as JSON.

Nothing of the product is imported, nor is its environment used: pandas would slow down every `sd` that finds
it. What the shipped rulebook agreed (opening hours, days off) stands here a second time, on purpose.
"""

import json
import sys
from datetime import date, timedelta

import numpy as np
import pandas as pd
from dateutil.easter import easter

ZONE = "Europe/Brussels"
MORNING, AFTERNOON = (8 * 60, 12 * 60), (12 * 60 + 30, 17 * 60)
FRIDAY = (12 * 60 + 30, 16 * 60)


def days_off(year: int) -> set[date]:
    """Return the days on which the desk is closed: Belgian ones, and those of the shipped rulebook."""
    sunday = easter(year)
    fixed = [(1, 1), (5, 1), (7, 11), (7, 21), (8, 15), (11, 1), (11, 2), (11, 11), (11, 15), (12, 25)]
    fixed += [(12, day) for day in range(26, 32)]
    return {date(year, *day) for day in fixed} | {sunday + timedelta(days=n) for n in (0, 1, 39, 49, 50)}


def open_minutes(first: date, last: date) -> np.ndarray:
    """Return for each minute from the first day on how many open ones came before it."""
    minutes = np.zeros(((last - first).days + 1) * 1440, dtype=np.int64)
    off = {day for year in range(first.year, last.year + 1) for day in days_off(year)}
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        if day.weekday() > 4 or day in off:
            continue
        for start, end in (MORNING, FRIDAY if day.weekday() == 4 else AFTERNOON):
            if (day.month, day.day) == (12, 24) and start > MORNING[0]:
                continue
            minutes[number * 1440 + start : number * 1440 + end] = 1
    return np.concatenate(([0], np.cumsum(minutes)))


def moments(column: pd.Series) -> pd.Series:
    return pd.to_datetime(column.replace("?", None), format="%d/%m/%Y %H:%M", errors="coerce")


def epoch(column: pd.Series) -> pd.Series:
    """Return seconds of moments that were written in local time."""
    utc = column.dt.tz_localize(ZONE, ambiguous=True, nonexistent="shift_forward").dt.tz_convert("UTC")
    return (utc - pd.Timestamp(0, tz="UTC")).dt.total_seconds()


def statistics(values: pd.Series) -> dict[str, float | None]:
    if values.empty:
        return dict.fromkeys(("mean", "median", "p90"))
    return {"mean": values.mean(), "median": values.median(), "p90": values.quantile(0.9)}


def read(path: str) -> pd.DataFrame:
    """Return the log, a row a change, its moments and counts read."""
    log = pd.read_csv(path, dtype=str, keep_default_na=False)
    for name in ("opened_at", "resolved_at", "closed_at", "sys_updated_at"):
        log[name] = moments(log[name])
    for name in ("reassignment_count", "reopen_count"):
        log[name] = log[name].astype(int)
    return log


def incidents(log: pd.DataFrame) -> pd.DataFrame:
    """Return a row an incident: what its last row says, and how often it changed."""
    cases = log.groupby("number", sort=False)
    return cases.last().assign(changes=cases["reassignment_count"].max(), reopens=cases["reopen_count"].max())


def running(log: pd.DataFrame, last: pd.DataFrame, end: pd.Timestamp) -> int:
    """Count what was made before a moment and, by the rows until then, neither resolved nor closed.

    As the manual of the import says, a row that says *resolved* before the moment that the file gives is not
    the resolution, unless the incident was opened again; without such a moment it runs until it is closed.
    """
    rows = log[(log["sys_updated_at"] < end) & (log["opened_at"] < end)]
    state = rows.groupby("number")["incident_state"].last()
    told = last.reindex(state.index)
    solved = told["resolved_at"].notna() & ((told["resolved_at"] < end) | (told["reopens"] > 0))
    ended = (state == "Closed") | ((state == "Resolved") & solved)
    silent = (last["opened_at"] < end) & ~last.index.isin(state.index)
    return int((~ended).sum() + silent.sum())


def month_of(
    log: pd.DataFrame, last: pd.DataFrame, start: pd.Timestamp, minutes: np.ndarray, origin: pd.Timestamp
) -> dict:
    """Return the figures of one month."""
    end = start + pd.offsets.MonthBegin(1)

    def during(name: str) -> pd.DataFrame:
        return last[(last[name] >= start) & (last[name] < end)]

    opened, resolved, closed = during("opened_at"), during("resolved_at"), during("closed_at")
    left = last[(last["opened_at"] < end) & ~(last["closed_at"] < end)]
    changes = closed["changes"]
    found = {
        "opened": len(opened),
        "resolved": len(resolved),
        "closed": len(closed),
        "throughput": len(closed) / len(opened) if len(opened) else None,
        "backlog": running(log, last, end),
        "backlog_unclosed": len(left),
        "reopen_rate": (closed["reopens"] > 0).mean() if len(closed) else None,
        "reassignment_rate": (changes >= 1).mean() if len(closed) else None,
        "bounce_rate": (changes >= 2).mean() if len(closed) else None,
        "reassignments_mean": changes.mean() if len(closed) else None,
    }
    elapsed = epoch(resolved["resolved_at"]) - epoch(resolved["opened_at"])
    to_close = epoch(closed["closed_at"]) - epoch(closed["opened_at"])
    place = {
        n: ((resolved[n] - origin).dt.total_seconds() // 60).astype(int) for n in ("opened_at", "resolved_at")
    }
    working = pd.Series((minutes[place["resolved_at"]] - minutes[place["opened_at"]]) * 60)
    for name, values in (
        ("time_to_resolve_{}_elapsed", elapsed),
        ("time_to_close_{}_elapsed", to_close),
        ("time_to_resolve_gross_{}_working", working),
    ):
        found |= {name.format(key): value for key, value in statistics(values[values >= 0]).items()}
    return found


def main() -> None:
    log = read(sys.argv[1])
    last = incidents(log)
    ends = last[["opened_at", "resolved_at", "closed_at"]]
    first, after = ends.min().min(), ends.max().max()
    origin = first.normalize()
    minutes = open_minutes(origin.date(), after.date())
    months = pd.date_range(first.replace(day=1).normalize(), after, freq="MS")
    found = {f"{start:%Y-%m}": month_of(log, last, start, minutes, origin) for start in months}
    json.dump(found, sys.stdout, default=float)


if __name__ == "__main__":
    main()
