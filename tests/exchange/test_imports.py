"""What a good file does: everything arrives, the same again writes nothing, what is gone is closed and comes back."""

import base64
import re

from sqlalchemy import func, select, text
from tests.exchange.conftest import Export, instalment, liability, receivable
from tests.exchange.test_bad_files import checksum, numbered

from skarbnik import clock
from skarbnik.accounts.pesel import hash_pesel
from skarbnik.exchange import imports, staging
from skarbnik.exchange.imports import read_import
from skarbnik.exchange.models import ImportRun, Source
from skarbnik.exchange.states import RunState
from skarbnik.exchange.tasks import open_system
from skarbnik.payers.models import Payer
from skarbnik.receivables.models import Liability, Receivable

TABLES = ("payers", "receivables", "liabilities", "instalments", "operations", "overpayments")


def versions(session):
    """Which transaction wrote each row last."""
    return {table: session.execute(text(f"SELECT ctid, xmin FROM {table} ORDER BY 1")).all() for table in TABLES}


def without(content, pattern, **totals):
    """The file without what matches, and with its totals lowered by so many."""
    changed = re.sub(pattern, "", content.decode(), count=1, flags=re.S)
    for name, less in totals.items():
        changed = re.sub(
            rf'(<totals[^>]*?\b{name}=)"(\d+)"', lambda found, n=less: f'{found[1]}"{int(found[2]) - n}"', changed
        )
    assert changed.encode() != content
    return changed.encode()


def test_everything_of_the_file_is_there_to_the_grosz(arrive, tenant, first_file):
    run = arrive(first_file)

    said = dict(re.findall(r'(\w+)="([\d.]+)"', re.search(r"<totals[^>]*>", first_file.decode())[0]))
    assert run.state is RunState.APPLIED
    with tenant.session() as session:
        for table in TABLES:
            assert session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one() == int(said[table])
        principal = session.execute(text("SELECT sum(principal) FROM instalments")).scalar_one()
    assert int(principal) == int(said["principal"].replace(".", ""))


def test_the_same_data_again_write_no_row(arrive, tenant, first_file):
    arrive(first_file)
    learnt = arrive(numbered(first_file, 2), "puma-export-000002.xml")  # only the digests of blocks are written
    assert (learnt.state, learnt.counts) == (RunState.APPLIED, {})
    with tenant.session() as session:
        before = versions(session)

    run = arrive(numbered(first_file, 3), "puma-export-000003.xml")

    assert (run.state, run.counts) == (RunState.APPLIED, {})
    with tenant.session() as session:
        assert versions(session) == before


def test_pesel_is_stored_sealed_and_found_by_its_keyed_hash_in_this_gmina_only(arrive, clean, tenant, first_file):
    arrive(first_file)

    with tenant.session() as session:
        anna = session.scalars(select(Payer).where(Payer.pesel_hash == hash_pesel(tenant, "84051203469"))).one()
        assert anna.external_id == "P-000001"
        assert tenant.open_sealed("pesel", base64.b64decode(anna.pesel_sealed)) == b"84051203469"
    assert hash_pesel(clean.tenant("debina"), "84051203469") != hash_pesel(tenant, "84051203469")
    with clean.as_admin() as connection:
        for table in TABLES:
            rows = connection.execute(f"SELECT t::text FROM {tenant.schema}.{table} t").fetchall()
            assert not any("84051203469" in row for (row,) in rows)


def test_two_co_owners_are_liable_for_one_receivable(arrive, tenant, first_file):
    arrive(first_file)

    with tenant.session() as session:
        liable = session.execute(
            select(func.count(), func.sum(Liability.share_part))
            .join(Payer, Payer.id == Liability.payer_id)
            .where(Payer.external_id.in_(["P-000001", "P-000002"]))
            .group_by(Liability.receivable_id)
            .having(func.count() == 2)
        ).all()
    assert liable


def test_a_reminder_cost_is_a_receivable_with_a_parent(arrive, tenant, first_file):
    arrive(first_file)

    with tenant.session() as session:
        costs = session.scalars(select(Receivable).where(Receivable.parent_id.is_not(None))).all()
        parents = {session.get_one(Receivable, cost.parent_id).external_id for cost in costs}
    assert costs
    assert parents


def test_what_a_full_file_no_longer_has_is_closed_and_comes_back_when_it_is_there_again(arrive, tenant, first_file):
    arrive(first_file)
    gone = re.search(r'<overpayment\b[^>]*?id="([^"]+)"[^>]*?amount="([\d.]+)"[^>]*/>', first_file.decode())
    assert gone, "the cast has an overpayment"
    left = re.sub(
        r'(overpayments-amount=)"([\d.]+)"',
        lambda found: f'{found[1]}"{float(found[2]) - float(gone[2]):.2f}"',
        without(first_file, re.escape(gone[0]), overpayments=1).decode(),
    )

    closed = arrive(numbered(left.encode(), 2), "puma-export-000002.xml")
    with tenant.session() as session:
        when = session.execute(
            text("SELECT closed_at FROM overpayments WHERE external_id = :id"), {"id": gone[1]}
        ).scalar_one()
    opened = arrive(numbered(first_file, 3), "puma-export-000003.xml")
    with tenant.session() as session:
        now = session.execute(
            text("SELECT closed_at FROM overpayments WHERE external_id = :id"), {"id": gone[1]}
        ).scalar_one()

    assert (closed.state, opened.state) == (RunState.APPLIED, RunState.APPLIED)
    assert when is not None
    assert now is None


def test_a_dry_run_changes_nothing(clean, tenant, source, first_file):
    path = source.incoming / "puma-export-000001.xml"
    path.write_bytes(first_file)
    with tenant.session() as session:
        run = ImportRun(source="puma", file_name=path.name, dry=True, registered_at=clock.now())
        session.add(run)
        session.flush()
        kept = session.get_one(Source, "puma")
    before = checksum(clean, tenant)

    state = read_import(tenant, open_system(tenant, kept), run.id, path, dry=True)

    assert state is RunState.TRIED
    assert checksum(clean, tenant) == before


def test_who_waits_for_a_file_sees_how_far_it_has_been_read(receive, tenant, monkeypatch):
    seen = []
    tell = imports.Progress.tell

    def watched(progress, **more):
        tell(progress, **more)
        with tenant.session() as session:
            run = session.get_one(ImportRun, progress.run_id)
            seen.append((run.state, run.bytes_read, run.bytes_all))

    monkeypatch.setattr(imports, "TELL_EVERY", 0)
    monkeypatch.setattr(staging, "PIECE", 1)
    monkeypatch.setattr(imports.Progress, "tell", watched)

    rows = tuple(receivable(f"R-{number}", liability("P-1"), instalment(f"I-{number}")) for number in range(500))
    run = receive(Export(receivables=rows))

    assert run.state is RunState.APPLIED
    states, read, whole = zip(*seen, strict=True)
    assert set(states) == {RunState.RUNNING}
    assert list(read) == sorted(read)
    assert 0 < read[0] < read[-1] == whole[-1]
