"""`sd fiche`: the service sheet shown, checked, and changed without changing the past."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Sd
from tests.guards.test_docs import differs
from tests.rulebooks import changed, shipped_text, use

AS_OF = "2026-11-09T10:00"


def line(**fields: object) -> str:
    """Return an entry of the service sheet as text."""
    rows = [f"{k} = {v}" if isinstance(v, (int, float)) else f'{k} = "{v}"' for k, v in fields.items()]
    return "\n".join(["", "[[service_sheet]]", *rows, ""])


def faults(run: Sd, place: Path, text: str, *words: str) -> tuple[int, list[tuple[str, str]]]:
    """Return the exit code, and level and text of each fault, of a rulebook."""
    (place / "b.toml").write_text(text, encoding="utf-8")
    ran = run(*(words or ("fiche", "check")), place / "b.toml", "--format", "json")
    return ran.code, [(fault["level"], fault["text"]) for fault in ran.json()]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"kpi": "resolve_attainment_p5", "norm": 0.9}, "error: resolve_attainment_p5 cannot be computed"),
        ({"kpi": "resolve_atainment", "norm": 0.9}, "error: there is no KPI 'resolve_atainment'; did you"),
        ({"kpi": "satisfaction", "norm": 0.8}, "error: satisfaction cannot be computed: no customer"),
        ({"kpi": "waiting_share_internal", "norm": 0.1}, "error: waiting_share_internal cannot be computed"),
        (
            {"kpi": "lead_time_mean", "norm": 10, "service": "staffing"},
            "error: lead_time_mean cannot be computed: it is counted for the desk as a whole",
        ),
        ({"kpi": "bounce_rate", "norm": 0.1, "unit": "seconds"}, "error: the unit of bounce_rate is share"),
        ({"kpi": "bounce_rate", "norm": 0.1, "direction": ">="}, "warning: of bounce_rate less is better"),
        ({"kpi": "bounce_rate", "norm": 0.1, "direction": "down"}, "error: 'down' is no direction"),
        ({"kpi": "opened", "norm": 900}, "error: of opened neither more nor less is better"),
        ({"kpi": "bounce_rate", "norm": 10}, "error: the norm of bounce_rate is a share: write 0.9"),
        ({"kpi": "backlog", "norm": -1}, "error: the norm of backlog must be 0 or more"),
        ({"kpi": "abandonment", "norm": 0.05, "service": "network"}, "error: abandonment cannot be computed"),
        ({"kpi": "bounce_rate", "norm": 0.1, "service": "menu"}, "error: there is no service 'menu'; known"),
        (
            {"kpi": "bounce_rate", "norm": 0.1, "valid_from": "2027-01-01", "valid_until": "2026-01-01"},
            "error: the norm of bounce_rate ends before it begins",
        ),
    ],
)  # fmt: skip
def test_each_fault_is_said(run: Sd, place: Path, fields: dict[str, object], said: str) -> None:
    """What cannot be computed, or contradicts the KPI or the rulebook; an error is the answer no."""
    code, found = faults(run, place, shipped_text() + line(**fields))

    assert [f"{level}: {text}"[: len(said)] for level, text in found] == [said]
    assert code == int(said.startswith("error"))


def test_without_a_ladder_there_is_no_second_reminder(run: Sd, place: Path) -> None:
    """A KPI is computed from the rulebook too."""
    text = shipped_text()
    first, last = text.index("[[reminder_steps]]"), text.index("# deel van de termijn")
    text = text[:first] + text[last:] + line(kpi="feedback_before_second_reminder", norm=0.8)

    code, found = faults(run, place, text)

    assert code == 1 and "no [[reminder_steps]] has a second step" in found[0][1]


def test_two_lines_may_follow_each_other_and_not_overlap(run: Sd, place: Path) -> None:
    """One without a last day ends where the next begins; one with a last day lasts until then."""
    later = line(kpi="bounce_rate", norm=0.2, valid_from="2027-01-01")
    follows = shipped_text() + line(kpi="bounce_rate", norm=0.1) + later
    ends = line(kpi="bounce_rate", norm=0.1, valid_from="2026-01-01", valid_until="2027-06-30")

    assert faults(run, place, follows) == (0, [])
    _, found = faults(run, place, shipped_text() + ends + later)
    assert "begins before the one above it ends, on 2027-06-30" in found[0][1]


def test_a_category_has_one_service(run: Sd, place: Path) -> None:
    """In two or unknown is an error, in none a warning."""
    text = changed(('["telephony", "mail"]', '["telephony", "server", "menu"]'))

    _, found = faults(run, place, text)

    assert [(level, said[:35]) for level, said in found] == [
        ("warning", "no service has the category mail"),
        ("error", "there is no category 'menu'; known "),
        ("error", "the category 'server' is in 'commun"),
    ]


def test_a_service_has_categories(run: Sd, place: Path) -> None:
    """Without any it would have no tickets."""
    code, found = faults(run, place, changed(('["telephony", "mail"]', "[]")))

    assert (code, [said for level, said in found if level == "error"]) == (
        1,
        ["the service 'communication' has no categories: it would have no tickets"],
    )


def test_rulebook_check_reports_the_same(run: Sd, place: Path) -> None:
    """With the same words; there a fault is a wrong set-up."""
    text = shipped_text() + line(kpi="satisfaction", norm=0.8)

    own, whole = (faults(run, place, text, word, "check") for word in ("fiche", "rulebook"))

    assert (own[1], own[0], whole[0]) == (whole[1], 1, 78)


def test_a_kpi_without_data_is_a_warning(sd: Sd, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A desk that registers no articles or calls yet may agree on them."""
    asked = line(kpi="articles_in_review", norm=1) + line(kpi="abandonment", norm=0.05)
    use(place, monkeypatch, shipped_text() + asked)

    ran = sd("fiche", "check")

    assert ran.code == 0
    assert "warning: articles_in_review has no figures: no article" in ran.out
    assert "warning: abandonment has no figures: no calls were imported" in ran.out


def test_faults_elsewhere_are_only_counted(run: Sd, place: Path) -> None:
    """The sheet can be right in a rulebook that is not."""
    (place / "b.toml").write_text(changed(("line = 3", "line = 'x'")), encoding="utf-8")

    ran = run("fiche", "check", place / "b.toml")

    assert (ran.code, "no faults in the service sheet" in ran.out, "rest of the rulebook" in ran.err) == (
        0, True, True,
    )  # fmt: skip


# --- Showing


def shown(run: Sd, *words: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = run("fiche", "show", *words, "--format", "json", as_of=AS_OF).json()
    return rows


def test_show_reads_as_reports_do(run: Sd) -> None:
    """Direction and unit, and who answers for it, in Dutch by itself."""
    row = next(row for row in shown(run) if row["kpi"] == "reopen_rate_10wd")

    assert (row["label"], row["direction"], row["shown"], row["owner"]) == (
        "Heropend binnen 10 werkdagen", "≤", "5,0\u00a0%", "Coördinator servicedesk",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kpi", "norm", "dutch", "english"),
    [
        ("time_to_resolve_mean_working", 14_400, "4\u00a0u", "4\u00a0h"),
        ("lead_time_mean", 5, "5\u00a0werkdagen", "5\u00a0working days"),
        ("backlog", 1200, "1.200", "1,200"),
    ],
)
def test_show_words_each_unit(
    run: Sd, place: Path, monkeypatch: pytest.MonkeyPatch, kpi: str, norm: int, dutch: str, english: str
) -> None:
    """Hours, working days and counts, in both languages."""
    use(place, monkeypatch, shipped_text() + line(kpi=kpi, norm=norm))

    found = [next(r for r in shown(run, "--language", nl) if r["kpi"] == kpi)["shown"] for nl in ("nl", "en")]

    assert found == [dutch, english]


def test_a_day_shows_what_was_in_force(run: Sd, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A norm that was raised; a temporary one gives way again when it ends."""
    use(
        place, monkeypatch,
        shipped_text() + line(kpi="bounce_rate", norm=0.2)
        + line(kpi="bounce_rate", norm=0.1, valid_from="2026-02-01", valid_until="2026-02-28"),
    )  # fmt: skip
    days = ("2026-01-31", "2026-02-28", "2026-03-01")

    on = [[r["norm"] for r in shown(run, "--day", day) if r["kpi"] == "bounce_rate"] for day in days]

    assert on == [[0.2], [0.1], [0.2]]


def test_csv_has_its_header_without_lines(run: Sd) -> None:
    """The same as with lines."""
    one = ("--service", "workplace")
    empty, full = (run("fiche", "show", *words, "--format", "csv").out for words in (one, ()))
    assert empty.splitlines() == full.splitlines()[:1]


def test_pages_to_hand_out(run: Sd) -> None:
    """Markdown and HTML, of one service too."""
    page = run("fiche", "show", "--format", "md", as_of=AS_OF).out
    assert "zoals ze geldt op 9 november 2026" in page and "## Netwerk en servers" in page
    whole = run("fiche", "show", "--format", "html", "--service", "network", "--language", "en").out
    assert '<html lang="en">' in whole and "≥ 95.0%" in whole and "Toepassingen" not in whole
    assert run("fiche", "show", "--service", "menu").code == 2


def test_json_is_as_the_reference_says(run: Sd, place: Path) -> None:
    """Of lines and of faults."""
    (place / "b.toml").write_text(shipped_text() + line(kpi="menu", norm=1), encoding="utf-8")
    found = run("fiche", "check", place / "b.toml", "--format", "json").json()

    assert differs(shown(run)[0], "## A line of the service sheet: `sd fiche show`") == []
    assert differs(found[0], "## A fault of the rulebook: `sd fiche check`, `sd rulebook check`") == []


# --- Editing


@pytest.fixture
def own(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A rulebook of one's own."""
    return Path(use(place, monkeypatch, shipped_text()))


def editor(place: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Let a Python script, which finds the text in `text`, be the editor."""
    file = place / "editor.py"
    body = "import sys; p = sys.argv[-1]; text = open(p, encoding='utf-8').read()\n"
    file.write_text(f"{body}{script}\nopen(p, 'w', encoding='utf-8').write(text)\n", encoding="utf-8")
    monkeypatch.setenv("SD_EDITOR", f"{sys.executable} {file}")


def test_set_adds_a_line_and_leaves_the_past(run: Sd, own: Path) -> None:
    """The line before it keeps its value; owner and public go on; nothing else changes, mode included."""
    own.chmod(0o640)

    ran = run("fiche", "edit", "--set", "resolve_attainment=0,92", "--from", "2027-01-01", as_of=AS_OF)

    assert ran.out + ran.err == "added: resolve_attainment = 0.92 from 2027-01-01\n"
    norms = [
        row["norm"]
        for day in ("2026-12-31", "2027-01-01")
        for row in shown(run, "--day", day)
        if (row["kpi"], row["service"]) == ("resolve_attainment", "")
    ]
    assert norms == [0.9, 0.92]
    text = own.read_text(encoding="utf-8")
    added = text[text.index("norm = 0.92") - 46 :]
    assert 'valid_from = "2027-01-01"\nowner = "Coördinator servicedesk"' in added
    assert (len(text.splitlines()) - len(shipped_text().splitlines()), own.stat().st_mode & 0o777) == (
        7,
        0o640,
    )


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("resolve_attainment=92",), 1),
        (("satisfaction=0.9",), 1),
        (("resolve_attainment=veel",), 2),
        (("resolve_attainment=0.9", "--from", "2026-11-08"), 3),
        (("resolve_attainment=0.9", "--service", "menu"), 1),
    ],
)
def test_set_refuses(run: Sd, own: Path, words: tuple[str, ...], code: int) -> None:
    """What would be at fault, and what would change the past; the file stays as it was."""
    assert run("fiche", "edit", "--set", *words, as_of=AS_OF).code == code
    assert own.read_text(encoding="utf-8") == shipped_text()


def test_a_dry_run_writes_nothing(run: Sd, own: Path) -> None:
    """It says what would change."""
    ran = run("fiche", "edit", "--set", "bounce_rate=0.1", "--dry-run", as_of=AS_OF)

    assert "added: bounce_rate" in ran.out + ran.err
    assert own.read_text(encoding="utf-8") == shipped_text()


def test_set_twice_from_one_day_is_a_conflict(run: Sd, own: Path) -> None:
    """The second would contradict the first."""
    codes = [
        run("fiche", "edit", "--set", f"bounce_rate={norm}", as_of=AS_OF).code for norm in ("0.1", "0.2")
    ]
    assert codes == [0, 5]


def test_editing_says_what_changed(
    run: Sd, place: Path, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    """Lines added, changed and ended."""
    editor(
        place, monkeypatch,
        "text = text.replace('norm = 0.65', 'norm = 0.7')"
        ".replace('norm = 0.50\\n', 'norm = 0.50\\nvalid_until = \"2026-12-31\"\\n')"
        + " + " + repr(line(kpi="bounce_rate", norm=0.1)),
    )  # fmt: skip

    ran = run("fiche", "edit")

    assert (ran.code, (ran.out + ran.err).splitlines()) == (0, [
        "changed: first_line_resolution = 0.7",
        "ended: first_contact_resolution = 0.5 until 2026-12-31",
        "added: bounce_rate = 0.1",
    ])  # fmt: skip


def test_an_edit_with_faults_is_kept_apart(
    run: Sd, place: Path, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing changes, and the text is where the message says."""
    editor(place, monkeypatch, "text = text.replace('norm = 0.65', 'norm = 65')")

    ran = run("fiche", "edit")

    kept = Path(ran.err.strip().rpartition(" ")[2])
    assert (ran.code, own.read_text(encoding="utf-8")) == (1, shipped_text())
    assert ("is a share: write 0.9" in ran.out, "norm = 65" in kept.read_text(encoding="utf-8")) == (
        True,
        True,
    )
    kept.unlink()


def test_nothing_edited_is_nothing_changed(
    run: Sd, place: Path, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who closes the editor again has cancelled."""
    editor(place, monkeypatch, "")
    before = own.stat().st_mtime_ns

    ran = run("fiche", "edit")

    assert (ran.code, ran.out + ran.err, own.stat().st_mtime_ns) == (0, "nothing was changed\n", before)


def test_who_was_first_is_not_overwritten(
    run: Sd, place: Path, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody changes the file while the editor is open."""
    script = f"open({str(own)!r}, 'a').write('# ander\\n'); text = text.replace('norm = 0.65', 'norm = 0.7')"
    editor(place, monkeypatch, script)

    assert run("fiche", "edit").code == 5
    assert own.read_text(encoding="utf-8") == shipped_text() + "# ander\n"


def test_the_shipped_rulebook_is_not_edited(run: Sd) -> None:
    """A desk of its own rulebook first."""
    ran = run("fiche", "edit", "--set", "bounce_rate=0.1")
    assert (ran.code, "sd rulebook init" in ran.err) == (3, True)


def test_a_link_stays_a_link(run: Sd, place: Path, own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file behind it is replaced."""
    (place / "link.toml").symlink_to(own)
    monkeypatch.setenv("SD_RULEBOOK", str(place / "link.toml"))

    assert run("fiche", "edit", "--set", "bounce_rate=0.1", as_of=AS_OF).code == 0
    assert (place / "link.toml").is_symlink() and "bounce_rate" in own.read_text(encoding="utf-8")


@pytest.mark.parametrize("wanted", [" ", "'vi"])
def test_an_editor_that_is_none(
    run: Sd, place: Path, own: Path, monkeypatch: pytest.MonkeyPatch, wanted: str
) -> None:
    """It is said, and no copy of the rulebook stays behind."""
    monkeypatch.setenv("SD_EDITOR", wanted)
    monkeypatch.setattr(tempfile, "tempdir", str(place))

    ran = run("fiche", "edit")

    assert (ran.code, "set EDITOR" in ran.err, list(place.glob("rulebook-*"))) == (78, True, [])


def test_days_are_written_as_everywhere(run: Sd, own: Path) -> None:
    """Of `--day` and of `--from`."""
    assert shown(run, "--day", "23/11/2026") == shown(run, "--day", "2026-11-23")
    words = ("--set", "bounce_rate=0.1", "--from", "1/12/2026")
    assert "from 2026-12-01" in run("fiche", "edit", *words, as_of=AS_OF).out
