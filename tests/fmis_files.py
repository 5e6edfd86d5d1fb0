"""Exports of an imaginary system, and the map that reads them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

COLUMNS = {
    "reference": "Nr",
    "moment": "Wanneer",
    "state": "Toestand",
    "group": "Team",
    "agent": "Behandelaar",
    "category": "Soort",
    "urgency": "Haast",
    "caller": "Melder",
    "summary": "Titel",
}
ENDS = {"opened_at": "Gemaakt", "resolved_at": "Klaar", "closed_at": "Dicht"}
BLANK = {
    **dict.fromkeys(ENDS.values(), ""),
    **{"Nr": "F1", "Team": "servicedesk", "Soort": "printer", "Haast": "gewoon", "Titel": "Papier klem"},
}
TABLES = """
[values.state]
Nieuw = "new"
Bezig = "active"
"Wacht op klant" = "waiting-customer"
"Wacht op leverancier" = "waiting-supplier"
Opgelost = "resolved"
Gesloten = "closed"
Geannuleerd = "cancelled"
Nota = "same"

[values.group]
keep = true

[values.urgency]
gewoon = "normal"
dringend = "high"

[defaults]
channel = "phone"
group = "servicedesk"
"""


def map_text(
    rows: str = "event", tables: str = TABLES, top: str = "create_callers = true", **more: str
) -> str:
    """Return a map with the columns above, `more` of them, and none of those that are None."""
    columns = {**COLUMNS, **more}
    lines = [f'rows = "{rows}"', 'formats = ["%d/%m/%Y %H:%M"]', 'empty = ["-"]', top, "[columns]"]
    lines += [f'{field} = "{name}"' for field, name in columns.items() if name]
    return "\n".join(lines) + "\n" + tables


def row(moment: str, state: str, **cells: str) -> dict[str, str]:
    """Return a row of 2 March 2026 (or a whole date), a Monday."""
    when = moment if "/" in moment else f"02/03/2026 {moment}"
    return {**BLANK, "Wanneer": when, "Toestand": state, **cells}


def csv_text(rows: Iterable[dict[str, str]], columns: Sequence[str] | None = None) -> str:
    """Return rows as an export, with every column that one of them has."""
    rows = list(rows)
    names = columns or list(dict.fromkeys([*COLUMNS.values(), *BLANK, *(name for r in rows for name in r)]))
    lines = [names, *([r.get(name, "") for name in names] for r in rows)]
    return "".join(";".join(line) + "\n" for line in lines)


def write(folder: Path, rows: Iterable[dict[str, str]], map_: str) -> tuple[str, str]:
    """Write export and map; return their paths."""
    (folder / "export.csv").write_text(csv_text(rows), encoding="utf-8")
    (folder / "map.toml").write_text(map_, encoding="utf-8")
    return str(folder / "export.csv"), str(folder / "map.toml")
