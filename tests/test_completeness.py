"""Rows of HR: every fault of every row at once, each by its rule, and none where there is none."""

from __future__ import annotations

import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdtool.desk.sheets import Sheet, read_sheet
from sdtool.rulebook.staffing import FIELDS, Format, Rule, Staff, Staffing, staffing
from sdtool.rules.completeness import Checked, Context, Known, Row, check_rows, missing, required
from sdtool.rules.findings import LABELS, LANGUAGES, LEVELS, RULES, found, worded
from sdtool.rules.staff_rows import name_key, read_row
from tests import hr_files, rulebooks

TODAY = date(2026, 11, 23)  # a Monday
SHIPPED = staffing(rulebooks.read(rulebooks.shipped_text()))
GOOD = {
    "staff_number": "000123",
    "first_name": "Zoë",
    "last_name": "D'Hondt",
    "start_date": "11/01/2027",
    "department": "ICT",
    "job_title": "Jurist",
    "manager_mail": "An.Hoofd@example.be",
    "site": "Gent",
}
KNOWN = Known("An Hoofd", "an.hoofd@example.be", "staff")


def weekdays(first: date, last: date) -> int:
    """Count working days as a desk without holidays."""
    return sum((first + timedelta(days=n + 1)).weekday() < 5 for n in range((last - first).days))


def context(kind: str = "onboarding", lists: Staffing = SHIPPED, **changes: Any) -> Context:
    groups = {"staff": "Personeel", "deputies": "Gedeputeerden"}
    managers = ["an.hoofd@example.be", "000777", "Hoofd, An"]
    return Context(kind, lists, TODAY, weekdays, groups, "staff", managers, {})._replace(**changes)


def check(*rows: dict[str, str], where: Context | None = None, **extra: str) -> Checked:
    """Check rows of a file that begin on line 2; each is GOOD but for what is given."""
    numbered = enumerate(rows, 2)
    return check_rows(
        [Row(line, {**GOOD, **row}, extra if line == 2 else {}) for line, row in numbered], where or context()
    )


def said(checked: Checked) -> list[tuple[int, str, str]]:
    return [(finding.line, finding.field, finding.rule) for finding in checked.findings]


def test_a_complete_row_has_no_findings() -> None:
    checked = check({})
    assert checked.findings == []
    assert (checked.rows[0].missing, checked.rows[0].refused) == ((), False)


# --- Each value in one form

CLEAN = [
    ("start_date", " 3/4/2027 ", "2027-04-03"),
    ("birth_date", "3 april 1985", "1985-04-03"),
    ("fte", "0,8", "0.8"),
    ("fte", "80 %", "0.8"),
    ("fte", "1", "1"),
    ("phone", " 09  267 70 00", "09 267 70 00"),
    ("mail", " zoe@example.be\u00a0", "zoe@example.be"),
    ("language", "Néerlandais", "nl"),
    ("language", "FR", "fr"),
    ("language", "English", "en"),
    ("target_group", "gedeputeerden", "deputies"),
    ("target_group", "staff", "staff"),
    ("status", "Geannuleerd op 3/4", "withdrawn"),
    ("status", "annulé", "withdrawn"),
    ("status", "komt niet", "withdrawn"),
    ("job_title", "Jurist\r\nniveau A", "Jurist niveau A"),
    ("last_name", "e\u0301\u200b", "é"),
    ("staff_number", "000123", "000123"),
    ("remark", "{{ 7*7 }} =1+1 '../'", "{{ 7*7 }} =1+1 '../'"),
]


@pytest.mark.parametrize(("field", "text", "value"), CLEAN)
def test_a_value_is_kept_in_one_form(field: str, text: str, value: str) -> None:
    assert read_row(2, {**GOOD, field: text}, context()).values[field] == value


def test_a_site_is_written_as_in_the_rulebook() -> None:
    lists = SHIPPED._replace(staff=Staff(sites=("Gent", "Hasselt")))
    assert read_row(2, {"site": "GENT"}, context(lists=lists)).values["site"] == "Gent"


@pytest.mark.parametrize("text", ["nieuw", "Bevestigd", "in dienst", ""])
def test_a_status_that_goes_on_says_nothing(text: str) -> None:
    checked = check({"status": text})
    assert "status" not in checked.rows[0].values
    assert checked.findings == []


NAMES = [
    ("Peeters, Jan", ("Jan", "Peeters")),
    ("DE SMET An", ("An", "DE SMET")),
    ("An DE SMET", ("An", "DE SMET")),
]


@pytest.mark.parametrize(("name", "parts"), NAMES)
def test_a_name_is_divided_where_it_tells_how(name: str, parts: tuple[str, str]) -> None:
    values = read_row(2, {"name": name}, context()).values
    assert (values["first_name"], values["last_name"]) == parts
    assert "name" not in values


@pytest.mark.parametrize("name", ["Léonie Gérard", "Gérard Léonie", "J. DE SMET", "AN PEETERS", "De SMET An"])
def test_any_other_name_stays_whole_and_counts_for_both(name: str) -> None:
    row = {**dict.fromkeys(("first_name", "last_name"), ""), "name": name}
    checked = check(row)
    assert checked.rows[0].values["name"] == name
    assert checked.findings == []


def test_one_word_is_no_first_and_last_name() -> None:
    checked = check({"first_name": "", "last_name": "", "name": "Zoë"})
    assert said(checked) == [(2, "first_name", "missing"), (2, "last_name", "missing")]


@pytest.mark.parametrize("other", ["an.HOOFD@example.be", "hoofd an", "Hoofd, An", "AN HOOFD"])
def test_a_manager_is_known_by_any_writing(other: str) -> None:
    field = "manager_mail" if "@" in other else "manager"
    row = {"manager_mail": "", field: other}
    assert "unknown-manager" not in {finding.rule for finding in check(row).findings}


# --- Each rule

FAULTY = [
    ("job_title", "", "missing", "fault"),
    ("staff_number", "", "missing", "refused"),
    ("staff_number", "12", "format", "refused"),
    ("first_name", "Zoë1", "not-a-name", "fault"),
    ("last_name", "<script>", "not-a-name", "fault"),
    ("last_name", "-", "not-a-name", "fault"),
    ("start_date", "31/02/2027", "not-a-date", "fault"),
    ("birth_date", "x", "not-a-date", "fault"),
    ("fte", "veel", "not-a-number", "fault"),
    ("fte", "38", "out-of-range", "fault"),
    ("phone", "bellen", "not-a-phone", "fault"),
    ("mail", "zoe", "not-a-mail", "fault"),
    ("manager_mail", "An Hoofd", "not-a-mail", "fault"),
    ("manager_mail", "nobody@example.be", "unknown-manager", "fault"),
    ("language", "Duits", "unknown-language", "fault"),
    ("target_group", "marsbewoners", "unknown-target-group", "fault"),
    ("department", "x" * 201, "too-long", "fault"),
    ("remark", "x" * 2001, "too-long", "fault"),
    ("job_title", "a\0b", "control-characters", "fault"),
    ("job_title", "\ud800", "control-characters", "fault"),
    ("site", "G\ufffdnt", "control-characters", "fault"),
    ("end_date", "10/01/2027", "start-after-end", "fault"),
    ("remark", "rrn 85.07.30-033.28", "national-number", "refused"),
    ("national_number", "85.07.30-033.29", "national-number", "refused"),
    ("status", "misschien", "unknown-status", "warning"),
    ("status", "niet geannuleerd", "unknown-status", "warning"),
    ("start_date", "24/11/2026", "late", "warning"),
    ("start_date", "20/11/2026", "start-in-past", "warning"),
    ("start_date", "20/11/2062", "far-ahead", "warning"),
    ("start_date", "31/12/2199", "far-ahead", "warning"),
]


@pytest.mark.parametrize(("field", "text", "rule", "level"), FAULTY)
def test_a_rule_finds_its_fault_and_nothing_else(field: str, text: str, rule: str, level: str) -> None:
    checked = check({field: text})

    assert said(checked) == [(2, field, rule)]
    assert checked.findings[0].level == level
    assert checked.rows[0].refused == (level == "refused")
    assert (field in checked.rows[0].values) == (level == "warning" and field != "status")


def test_an_unknown_site_is_a_fault_where_sites_are_known() -> None:
    lists = SHIPPED._replace(staff=Staff(sites=("Gent", "Hasselt")))
    checked = check({"site": "Luik"}, where=context(lists=lists))

    assert said(checked) == [(2, "site", "unknown-site")]
    assert checked.findings[0].advice == "write one of: Gent, Hasselt"
    assert checked.rows[0].missing == ("site",)


def test_lateness_counts_working_days() -> None:
    """Ten were agreed: Monday 7 December is ten after Monday 23 November."""
    assert said(check({"start_date": "07/12/2026"})) == []
    late = check({"start_date": "04/12/2026"}).findings[0]
    assert (late.text, late.about) == (
        "is told 9 instead of 10 working days ahead",
        (("days", "9"), ("agreed", "10")),
    )


def test_an_end_is_never_late_but_may_be_past() -> None:
    """The lead time is that of a start."""
    where = context("offboarding", people={"000123": Known("Zoë D'Hondt")})
    row = {"start_date": ""}
    assert said(check({**row, "end_date": "24/11/2026"}, where=where)) == []
    assert said(check({**row, "end_date": "20/11/2026"}, where=where)) == [(2, "end_date", "start-in-past")]


def test_a_start_that_was_told_in_time_is_not_late_a_second_time() -> None:
    told = Known("Zoë D'Hondt", told={"start_date": "2026-11-24"})
    assert said(check({"start_date": "24/11/2026"}, where=context(people={"000123": told}))) == []


def test_what_was_told_before_is_not_missing() -> None:
    told = Known("Zoë D'Hondt", told={"site": "Gent", "first_name": "Zoë", "last_name": "D'Hondt"})
    checked = check({"site": "", "first_name": ""}, where=context(people={"000123": told}))
    assert (said(checked), checked.rows[0].missing) == ([], ())


def test_a_national_number_in_a_column_nobody_knows_refuses_the_row() -> None:
    checked = check({}, INSZ="85073003328")
    assert said(checked) == [(2, "INSZ", "national-number")]
    assert checked.rows[0].refused


def test_a_national_number_stands_in_no_finding_and_no_value() -> None:
    fields = dict.fromkeys(FIELDS, "x 85.07.30-033.28")
    checked = check_rows([Row(2, fields, {"85073003328": "85073003328"})], context())
    assert "033" not in repr(checked)
    assert "85•••" in repr(checked)


def test_a_mobile_number_is_no_national_number() -> None:
    """32 47 12 04 567 has the checksum of somebody born in 1932 with a bis number."""
    for digits in range(471200000, 471200200):
        assert said(check({"phone": f"32{digits}"})) == []
        assert said(check({"remark": f"bel +32 {digits}"})) == []


def test_no_name_at_all_refuses_the_row() -> None:
    checked = check({"first_name": "", "last_name": ""})
    assert said(checked) == [(2, "name", "missing")]
    assert checked.rows[0].refused


def test_a_faulty_name_that_is_the_only_one_refuses_the_row() -> None:
    checked = check({"first_name": "", "last_name": "", "name": "<b>"})
    assert [(f.field, f.rule, f.level) for f in checked.findings] == [("name", "not-a-name", "refused")]


@pytest.mark.parametrize("kind", ["mover", "offboarding"])
def test_who_moves_or_leaves_must_be_here(kind: str) -> None:
    checked = check({"end_date": "11/02/2027"}, where=context(kind))
    assert said(checked) == [(2, "staff_number", "not-here")]
    assert checked.rows[0].refused


def test_who_leaves_needs_no_name_in_the_file() -> None:
    row = {"first_name": "", "last_name": "", "end_date": "11/02/2027"}
    assert said(check(row, where=context("offboarding", people={"000123": KNOWN}))) == []


def test_another_name_than_the_directory_has_is_odd() -> None:
    checked = check({"mail": ""}, where=context(people={"000123": KNOWN}))
    assert said(checked) == [(2, "last_name", "other-name")]


@pytest.mark.parametrize("name", ["D'Hondt", "Zoë D'Hondt-Çelik", "D'HONDT ZOE"])
def test_less_or_more_of_a_name_is_not_odd(name: str) -> None:
    assert said(check({}, where=context(people={"000123": Known(name)}))) == []


def test_the_mail_address_of_somebody_else_is_a_fault() -> None:
    checked = check({"mail": "An.Hoofd@example.be"}, where=context(people={"000777": KNOWN}))
    assert said(checked) == [(2, "mail", "mail-taken")]


# --- Rows beside each other


def test_a_repeated_row_counts_once() -> None:
    checked = check({}, {"start_date": "2027-01-11"}, {})
    assert said(checked) == [(3, "staff_number", "duplicate-row"), (4, "staff_number", "duplicate-row")]
    assert [row.refused for row in checked.rows] == [False, True, True]
    assert checked.findings[0].about == (("other", "2"),)


def test_rows_that_contradict_each_other_are_both_refused() -> None:
    checked = check({}, {"site": "Hasselt"})
    assert said(checked) == [(2, "staff_number", "duplicate-number"), (3, "staff_number", "duplicate-number")]
    assert [finding.about for finding in checked.findings] == [(("other", "3"),), (("other", "2"),)]
    assert [row.refused for row in checked.rows] == [True, True]


def test_a_mail_address_stands_once_in_a_file() -> None:
    checked = check({"mail": "x@example.be"}, {"mail": "X@example.be", "staff_number": "000124"})
    assert said(checked) == [(2, "mail", "duplicate-mail"), (3, "mail", "duplicate-mail")]


def test_two_numbers_for_one_name_and_birth_date_are_odd() -> None:
    row = {"birth_date": "3/4/1985"}
    checked = check(row, {**row, "staff_number": "000124", "first_name": "D'Hondt", "last_name": "zoë"})
    assert said(checked) == [(3, "birth_date", "same-person")]


def test_a_manager_may_stand_in_the_file() -> None:
    chief = {"staff_number": "000200", "mail": "new@example.be", "first_name": "Els"}
    checked = check({"manager_mail": "NEW@example.be"}, chief)
    assert said(checked) == []


def test_a_manager_who_is_refused_or_does_not_come_is_unknown() -> None:
    chief = {"staff_number": "000200", "mail": "new@example.be", "status": "ingetrokken"}
    checked = check({"manager_mail": "new@example.be"}, chief)
    assert said(checked) == [(2, "manager_mail", "unknown-manager")]


def test_a_withdrawn_row_needs_its_number_only() -> None:
    row = dict.fromkeys(GOOD, "") | {"staff_number": "000123", "status": "geannuleerd"}
    assert said(check(row)) == []


def test_all_faults_of_a_row_come_at_once_in_the_order_of_the_fields() -> None:
    faults = {"start_date": "x", "mail": "x", "job_title": "", "fte": "x", "phone": "x"}
    assert said(check(faults)) == [
        (2, "mail", "not-a-mail"),
        (2, "phone", "not-a-phone"),
        (2, "start_date", "not-a-date"),
        (2, "job_title", "missing"),
        (2, "fte", "not-a-number"),
    ]


def test_a_row_that_is_refused_hides_none_of_its_other_faults() -> None:
    """HR is not told the next fault only after it has corrected the first."""
    bad = {"mail": "x@example.be", "manager_mail": "nobody@example.be", "end_date": "1/1/2027", "site": ""}
    other = {"staff_number": "000124", "first_name": "Els", "mail": "x@example.be"}
    checked = check({**bad, "remark": "85.07.30-033.28"}, other)
    assert said(checked) == [
        (2, "mail", "duplicate-mail"),
        (2, "end_date", "start-after-end"),
        (2, "manager_mail", "unknown-manager"),
        (2, "site", "missing"),
        (2, "remark", "national-number"),
        (3, "mail", "duplicate-mail"),
    ]


def test_two_rows_of_one_person_share_their_address() -> None:
    checked = check({"mail": "x@example.be"}, {"mail": "x@example.be", "site": "Hasselt"})
    assert {rule for _, _, rule in said(checked)} == {"duplicate-number"}


# --- Rules of the rulebook


def test_rules_of_a_kind_and_target_group_add_up() -> None:
    rules = (
        Rule(("name",)),
        Rule(("end_date",), kind=("offboarding",)),
        Rule(("phone",), kind=("onboarding",), target_group=("deputies",)),
    )
    lists = Staffing(staff_rules=rules)
    assert required("onboarding", lists, "staff") == ("name",)
    assert required("onboarding", lists, "deputies") == ("name", "phone")
    assert missing({"target_group": "deputies"}, "onboarding", lists) == ("name", "phone")
    assert missing({"first_name": "A", "last_name": "B"}, "offboarding", lists) == ("end_date",)


def test_a_format_holds_for_its_target_group() -> None:
    lists = Staffing(staff_formats=(Format("phone", "[0-9]{4}", "vier cijfers", ("deputies",)),))
    row = {"phone": "09 267 70 00"}
    assert said(check(row, where=context(lists=lists))) == []
    checked = check({**row, "target_group": "deputies"}, where=context(lists=lists))
    assert [(f.rule, f.advice) for f in checked.findings] == [("format", "vier cijfers")]


NEEDED = required("onboarding", SHIPPED, "staff")


@given(st.sets(st.sampled_from(NEEDED), min_size=1))
def test_taking_fields_away_is_found_exactly(gone: set[str]) -> None:
    checked = check(dict.fromkeys(gone, " "))
    names = {"first_name", "last_name"}
    expected = gone - names | {"name"} if names <= gone else gone  # who is nobody lacks one thing

    assert sorted(said(checked)) == [(2, field, "missing") for field in sorted(expected)]
    assert checked.rows[0].missing == tuple(field for field in NEEDED if field in gone)


# --- Words


def test_every_rule_has_words_in_every_language() -> None:
    about = {"why": "w", "other": 3, "days": 1, "agreed": 2, "known": "k", "advice": "a", "longest": 200}
    for rule, entry in RULES.items():
        assert entry.level in LEVELS
        finding = found(2, "site", "x", rule, about)
        for language in LANGUAGES:
            assert all(words and "{" not in words for words in worded(finding, language))


def test_every_field_has_a_name_in_every_language() -> None:
    assert tuple(LABELS) == FIELDS
    assert all(len(names) == len(LANGUAGES) and all(names) for names in LABELS.values())


def test_a_long_value_is_shown_cut() -> None:
    finding = check({"remark": "x" * 10_000_000}).findings[0]
    assert len(finding.value) == 80


# --- Anything at all

ANY = st.text() | st.sampled_from(
    [
        "\0",
        "\ud800",
        "=cmd|' /C calc'!A0",
        "{{ 7*7 }}",
        "'\";--",
        "../../x",
        "{",
        "{0}",
        "٣/٤/٢٠٢٧",
        "1e999",
        "９" * 11,
    ]
)


@settings(max_examples=300)
@given(st.lists(st.dictionaries(st.sampled_from(FIELDS), ANY), max_size=4), ANY)
def test_whatever_stands_in_a_file_there_is_no_crash(rows: list[dict[str, str]], other: str) -> None:
    numbered = [Row(line, row, {other: other}) for line, row in enumerate(rows, 2)]
    for kind in ("onboarding", "mover", "offboarding"):
        checked = check_rows(numbered, context(kind))
        assert len(checked.rows) == len(rows)
        assert all(finding.level == "warning" or finding.field not in row.values or row.refused
                   for row in checked.rows for finding in row.findings)  # fmt: skip


@given(ANY, ANY)
def test_writings_of_a_name_have_one_key(one: str, other: str) -> None:
    assert name_key(f"{one}, {other}") == name_key(f"{other} {one}".casefold())


# --- Whole files


def read(path: Path) -> Sheet:
    return read_sheet(str(path), {column.field: column.names for column in SHIPPED.staff_columns})


def rows_of(sheet: Sheet) -> list[Row]:
    return [Row(line, fields) for line, fields in sheet.records()]


GROUPS = {"staff": "Personeel", "management": "Management"}


@pytest.mark.parametrize("seed", range(5))
def test_five_thousand_rows_with_two_hundred_faults(tmp_path: Path, seed: int) -> None:
    """All of them are named, and no other; fast enough to be looked at before every import."""
    made = hr_files.make(tmp_path / "hr.csv", 5000, 200, seed, TODAY)
    begun = time.process_time()
    checked = check_rows(rows_of(read(made.path)), context(target_groups=GROUPS))
    took = time.process_time() - begun

    assert len(made.expected) == 200
    assert len({rule for _, _, rule in made.expected}) >= 15
    assert said(checked) == made.expected
    assert took < 6  # of processor time; 0.7 s on a quiet machine


def test_a_file_without_faults_has_no_findings(tmp_path: Path) -> None:
    made = hr_files.make(tmp_path / "hr.csv", 500, 0, 9, TODAY)
    assert said(check_rows(rows_of(read(made.path)), context(target_groups=GROUPS))) == []
