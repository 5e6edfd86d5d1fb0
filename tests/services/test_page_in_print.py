"""A real browser prints the operational report of a busy desk on one sheet of A4."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from sdtool.desk import Desk
from sdtool.reports.operations_view import document
from tests.kpi_world import World
from tests.kpi_world import world as world  # a fixture
from tests.services.test_pages import BROWSER, QUIET
from tests.test_report_operations import desk as desk  # a fixture
from tests.test_report_operations import page, troubled

pytestmark = [
    pytest.mark.service,
    pytest.mark.skipif(BROWSER is None, reason="chromium is not installed"),
]


def test_a_busy_desk_fits_one_sheet(world: World, desk: Desk, tmp_path: Path) -> None:
    """Every section is full, every name as long as it may be, and five points ask for a decision."""
    html, pdf = tmp_path / "page.html", tmp_path / "page.pdf"
    found = page(desk, jobs=troubled(world, desk))
    html.write_text(document(found, desk.rulebook, "html", "nl", head=(123_456, "5f" * 32)), encoding="utf-8")

    words = [
        "--no-pdf-header-footer",
        f"--user-data-dir={tmp_path / 'profile'}",
        f"--print-to-pdf={pdf}",
        html.as_uri(),
    ]
    subprocess.run([str(BROWSER), *QUIET, *words], check=True, capture_output=True, timeout=120)

    assert len(re.findall(rb"/Type\s*/Page\b", pdf.read_bytes())) == 1
