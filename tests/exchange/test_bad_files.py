"""A file that cannot be used changes nothing, says every reason with its line, and is put aside."""

import hashlib
import re

import pytest

from skarbnik.exchange.states import RunState

UNTOUCHED_BY_REFUSAL = {"import_runs", "import_problems"}


def checksum(lab, tenant):
    """One figure over every row of every table that a refusal must not touch."""
    with lab.as_admin() as connection:
        tables = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = %s ORDER BY 1", (tenant.schema,)
        ).fetchall()
        digest = hashlib.sha256()
        for (table,) in tables:
            if table not in UNTOUCHED_BY_REFUSAL:
                rows = connection.execute(f"SELECT t::text FROM {tenant.schema}.{table} t ORDER BY 1").fetchall()
                digest.update(repr((table, rows)).encode())
    return digest.hexdigest()


def replaced(content, old, new, count=1):
    changed = re.sub(old, new, content.decode(), count=count)
    assert changed.encode() != content, f"the file has no {old}"
    return changed.encode()


def numbered(content, number, kind="full"):
    return replaced(
        replaced(content, r'(<manifest[^>]*?number=)"\d+"', rf'\1"{number}"'),
        r'(<manifest[^>]*?kind=)"(full|incremental)"',
        rf'\1"{kind}" ',
    )


def duplicated_payer(content):
    payer = re.search(rb"<payer\b[^>]*/>", content)[0]
    return content.replace(payer, payer + payer, 1)


BAD = {
    "a truncated file": (lambda c: c[: len(c) // 2], None),
    "a file cut at its last tag": (lambda c: c.rstrip()[:-4], None),
    "an empty file": (lambda c: b"", None),
    "a file of another gmina": (lambda c: replaced(c, r'tenant="PL-LIPOWO"', 'tenant="PL-DEBINA"'), None),
    "a file in another encoding": (
        lambda c: c.decode().replace("UTF-8", "ISO-8859-2").encode("iso-8859-2", "replace"),
        None,
    ),
    "broken UTF-8": (lambda c: c.replace("ł".encode(), b"\xb3", 1), None),
    "a DTD with entities": (
        lambda c: replaced(c, r"(<export)", r'<!DOCTYPE export [<!ENTITY a "aaaa">]>\1'),
        None,
    ),
    "a mis-totalled count": (lambda c: replaced(c, r'(<totals[^>]*?payers=)"\d+"', r'\1"99999"'), "totals"),
    "a mis-totalled sum": (lambda c: replaced(c, r'(<totals[^>]*?principal=)"[\d.]+"', r'\1"0.01"'), "totals"),
    "a doubled payer": (duplicated_payer, "duplicate"),
    "an unknown kind": (lambda c: replaced(c, r'(<receivable[^>]*?kind=)"[^"]+"', r'\1"NIEMA"'), "unknown-kind"),
    "an unknown payer": (lambda c: replaced(c, r'(<liability[^>]*?payer=)"[^"]+"', r'\1"P-999999"'), "unknown-payer"),
    "an amount with three decimals": (
        lambda c: replaced(c, r'(<instalment[^>]*?principal=)"[\d.]+"', r'\1"1.234"'),
        None,
    ),
    "a day that is none": (lambda c: replaced(c, r'(<instalment[^>]*?due=)"[\d-]+"', r'\1"2026-02-30"'), None),
    "a PESEL with a wrong check digit": (lambda c: replaced(c, r'pesel="84051203469"', 'pesel="84051203468"'), None),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_first_file_leaves_the_gmina_empty_and_says_why(arrive, source, clean, tenant, first_file, name):
    spoil, code = BAD[name]
    before = checksum(clean, tenant)

    run = arrive(spoil(first_file))

    assert run.state is RunState.REFUSED, name
    assert run.message
    assert checksum(clean, tenant) == before
    assert not source.has_arrivals()
    assert len(list((source.root / "refused").iterdir())) == 1
    if code is not None:
        assert code in {problem.code for problem in run.problems}


def test_a_bad_second_file_leaves_the_data_of_the_first(arrive, clean, tenant, first_file):
    assert arrive(first_file).state is RunState.APPLIED
    before = checksum(clean, tenant)

    run = arrive(numbered(duplicated_payer(first_file), 2), "puma-export-000002.xml")

    assert run.state is RunState.REFUSED
    assert checksum(clean, tenant) == before


def test_the_same_file_again_and_an_older_one_are_refused_by_number(arrive, clean, tenant, first_file):
    arrive(first_file)
    before = checksum(clean, tenant)

    again = arrive(first_file)

    assert (again.state, again.problems[0].code) == (RunState.REFUSED, "old-number")
    assert checksum(clean, tenant) == before


def test_an_incremental_file_after_a_gap_is_refused_and_a_full_one_is_taken(arrive, clean, tenant, first_file):
    arrive(first_file)

    incremental = arrive(numbered(first_file, 4, "incremental"), "puma-export-000004.xml")
    full = arrive(numbered(first_file, 5, "full"), "puma-export-000005.xml")

    assert [problem.code for problem in incremental.problems] == ["missing-number"]
    assert full.state is RunState.APPLIED


def test_the_first_file_must_be_full(arrive, first_file):
    run = arrive(replaced(first_file, 'kind="full"', 'kind="incremental"'))

    assert [problem.code for problem in run.problems] == ["first-not-full"]


def test_all_that_is_wrong_is_listed_together_with_lines(arrive, first_file):
    spoilt = replaced(first_file, r'(<liability[^>]*?payer=)"[^"]+"', r'\1"P-999999"', count=3)

    run = arrive(replaced(spoilt, r'(<receivable[^>]*?kind=)"[^"]+"', r'\1"NIEMA"', count=2))

    codes = [problem.code for problem in run.problems]
    assert codes.count("unknown-payer") == 3
    assert codes.count("unknown-kind") == 2
    assert all(problem.line for problem in run.problems if problem.code.startswith("unknown"))
