"""Workbooks made by a real spreadsheet program read the same as the CSV files that it opened."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from sdtool.desk.sheets import read_sheet
from tests.staff_lists import DATES, FOREIGN, NAMES, PEOPLE, QUIRKS, grid, written
from tests.test_sheets import people

# ; and " as signs, UTF-8, from line 1, columns 1 and 9 as text, Dutch of Belgium, dates recognised
OPENED = "CSV:59,34,76,1,1/2/9/2,2067,false,true"
FORMATS = ("xlsx", "ods", "xls")
# the library leaves out a tab within a cell of an ODS file; two blanks it keeps
EVERYBODY = [*(person._replace(remark=person.remark.replace("\t", "  ")) for person in PEOPLE), FOREIGN]
LISTS = {
    **{f"dates-{name.replace(' ', '-')}": grid(EVERYBODY, dates=name) for name in DATES},
    **{name.replace(" ", "-"): QUIRKS[name](grid(EVERYBODY)) for name in ("title lines", "repeated header")},
    "blank-rows": [row for line in grid(EVERYBODY) for row in (line, [""] * 9)],
}

pytestmark = [
    pytest.mark.service,
    pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice Calc is not installed"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with each list as CSV, and as the program saved it in each format."""
    place = tmp_path_factory.mktemp("lists")
    for name, rows in LISTS.items():
        (place / f"{name}.csv").write_text(written(rows), encoding="utf-8", newline="")
    words = ["soffice", f"-env:UserInstallation=file://{place}/profile", "--headless", f"--infilter={OPENED}"]
    files = sorted(map(str, place.glob("*.csv")))
    for end in FORMATS:
        ran = subprocess.run(
            [*words, "--convert-to", end, "--outdir", str(place), *files],
            capture_output=True, text=True, timeout=150, check=False,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stderr
    return place


@pytest.mark.parametrize("end", FORMATS)
@pytest.mark.parametrize("name", LISTS)
def test_workbook_reads_as_its_csv(folder: Path, name: str, end: str) -> None:
    """Including letters that Windows-1252 lacks, leading zeros, dates of seven kinds, cells of two lines."""
    sheet = read_sheet(str(folder / f"{name}.{end}"), NAMES)
    original = read_sheet(str(folder / f"{name}.csv"), NAMES)

    assert sheet.kind == end
    assert people(sheet) == people(original) == EVERYBODY
    assert (sheet.header, sheet.broken) == (original.header, [])
