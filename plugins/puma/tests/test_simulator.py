"""The rehearsal PUMA as a real process: what it writes, we read; what we write, it books."""

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from uuid import UUID

import pytest
from lxml import etree
from pypdf import PdfReader

from skarbnik.plugin_api import (
    LARGEST_DOCUMENT,
    Amounts,
    BookingBatch,
    BookingItem,
    BrokenFile,
    DocumentRow,
    ImportKind,
    InstalmentRow,
    LiabilityRow,
    Money,
    OperationKind,
    OperationRow,
    OverpaymentRow,
    PayerRow,
    ReceivableRow,
    Totals,
)
from skarbnik_puma.settings import PumaSettings
from skarbnik_puma.system import PumaFinanceSystem

MAIN = Path(__file__).parents[1] / "simulator" / "main.py"
ACCOUNT = "61109010140000071219812874"


def command(*arguments):
    run = subprocess.run([sys.executable, MAIN, *map(str, arguments)], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    return run.stdout


class Town:
    """A running simulator with two gminas."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        ledger = folder / "books.sqlite"
        for code, name in (("LIPOWO", "Gmina Lipowo"), ("DEBOWO", "Gmina Dębowo")):
            command(
                "seed", "--ledger", ledger, "--gmina", code, "--name", name, "--payers", 60, "--today", "2026-11-23"
            )
        gminas = [part for code in ("LIPOWO", "DEBOWO") for part in ("--gmina", f"{code}={folder / code}")]
        self.process = subprocess.Popen(
            [sys.executable, MAIN, "serve", "--port", "0", "--ledger", ledger, *gminas],
            stdout=subprocess.PIPE,
            text=True,
        )
        self.address = self.process.stdout.readline().split()[-1]

    def post(self, path, **values):
        request = urllib.request.Request(
            self.address + path, json.dumps(values).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)

    def get(self, path):
        with urllib.request.urlopen(self.address + path, timeout=20) as answer:
            return answer.read().decode()

    def export(self, kind="full", code="LIPOWO"):
        answer = self.post(f"_sim/{code}/export?kind={kind}")
        return (self.folder / code / "in" / answer["file"]).read_bytes()

    def ledger(self, code="LIPOWO"):
        return json.loads(self.get(f"_sim/{code}/ledger"))

    def deliver(self, puma, batch, code="LIPOWO"):
        """Put a batch into `out/` as the portal does, and wait for the answer."""
        body = puma.write_bookings(batch)
        answer = self.folder / code / "in" / f"puma-ack-{batch.number:06d}.xml"
        answer.unlink(missing_ok=True)
        part = self.folder / code / "out" / f"{puma.bookings_name(batch)}.part"
        part.write_bytes(body)
        part.rename(part.with_suffix(""))
        wait_for(answer.exists)
        return body, answer.read_bytes()


def wait_for(what, seconds=15):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    town = Town(tmp_path_factory.mktemp("town"))
    yield town
    town.process.kill()
    town.process.wait()


@pytest.fixture
def faulty(town):
    yield town
    town.post("_sim/faults", reset=True)


def rows_of(puma, body):
    return list(puma.read_rows(BytesIO(body)))


def batch(number, *items):
    return BookingBatch(number, "LIPOWO", datetime(2026, 11, 23, 12, tzinfo=UTC), tuple(items))


def item(place, row, amounts, payer="P-000001"):
    booking = UUID(int=0x0192B000_0000_7000_8000_000000000000 + place)
    moment = datetime(2026, 11, 23, 11, tzinfo=UTC)
    return BookingItem(
        booking, row.receivable, row.external_id, payer, amounts, ACCOUNT, moment, "payu", f"G{place}", f"ZP/{place}"
    )


def summed(rows) -> Totals:
    def of(kind):
        return [row for row in rows if type(row) is kind]

    instalments, operations = of(InstalmentRow), of(OperationRow)
    return Totals(
        payers=len(of(PayerRow)),
        kinds=sum(1 for row in rows if type(row).__name__ == "KindRow"),
        receivables=len(of(ReceivableRow)),
        liabilities=len(of(LiabilityRow)),
        instalments=len(instalments),
        operations=len(operations),
        overpayments=len(of(OverpaymentRow)),
        principal=sum(row.principal for row in instalments),
        interest=sum(row.interest for row in instalments),
        costs=sum(row.costs for row in instalments),
        operations_amount=sum(row.principal + row.interest + row.costs for row in operations),
        overpayments_amount=sum(row.amount for row in of(OverpaymentRow)),
        documents=len(of(DocumentRow)),
    )


def test_a_seeded_gmina_is_exported_valid_and_its_totals_are_right(town, puma, schema):
    body = town.export()
    rows = rows_of(puma, body)

    schema("export").assertValid(etree.fromstring(body))
    assert puma.read_manifest(BytesIO(body)).totals == summed(rows)
    assert {row.kind for row in rows if type(row) is OperationRow} >= {OperationKind.CHARGE, OperationKind.PAYMENT}


def test_the_cast_is_there_and_owes_what_the_readme_tells(town, puma):
    rows = rows_of(puma, town.export())
    names = {row.external_id: row.name for row in rows if type(row) is PayerRow}
    liable = {}
    for row in rows:
        if type(row) is LiabilityRow:
            liable.setdefault(row.payer, set()).add(row.receivable)
    left = {}
    for row in rows:
        if type(row) is InstalmentRow and row.principal + row.costs:
            left.setdefault(row.receivable, []).append(row)

    def open_of(payer):
        return [row for own in liable[payer] for row in left.get(own, [])]

    assert names["P-000001"] == "Kowalska Anna"
    assert names["P-000003"] == "Piekarnia Złoty Kłos sp. z o.o."
    assert liable["P-000001"] & liable["P-000002"] >= {"N-000001"}
    assert any(row.due_on.isoformat() < "2026-11-23" and row.interest for row in open_of("P-000001"))
    assert any(0 < row.principal < row.charged for row in open_of("P-000001"))
    assert open_of("P-000004") == []
    assert len(open_of("P-000005")) == 200
    assert len(names["P-000005"]) > 150
    assert min(row.due_on.year for row in open_of("P-000006")) == 2021
    assert sum(row.costs for row in open_of("P-000006")) == 5 * 1600
    assert any(row.payer == "P-000007" for row in rows if type(row) is OverpaymentRow)


def test_references_inside_an_export_all_have_somewhere_to_go(town, puma):
    rows = rows_of(puma, town.export())
    payers = {row.external_id for row in rows if type(row) is PayerRow}
    receivables = {row.external_id for row in rows if type(row) is ReceivableRow}
    operations = {row.external_id: row for row in rows if type(row) is OperationRow}
    legs = [row for row in operations.values() if row.counterpart]

    assert {row.payer for row in rows if type(row) is LiabilityRow} <= payers
    assert {row.parent for row in rows if type(row) is ReceivableRow and row.parent} <= receivables
    assert {row.merged_into for row in rows if type(row) is PayerRow and row.merged_into} <= payers
    for leg in legs:
        other = operations[leg.counterpart]
        assert (other.counterpart, leg.principal + other.principal) == (leg.external_id, 0)


def test_two_gminas_share_no_titles_and_no_amounts_of_the_cast(town):
    here = rows_of(PumaFinanceSystem(PumaSettings("LIPOWO")), town.export())
    there = rows_of(PumaFinanceSystem(PumaSettings("DEBOWO")), town.export(code="DEBOWO"))

    def titles(rows):
        return {row.title for row in rows if type(row) is ReceivableRow}

    def crowd(rows):
        return {row.name for row in rows if type(row) is PayerRow and "-0000" not in row.external_id[:6]}

    assert not titles(here) & titles(there)
    assert not {row.number for row in here if type(row) is ReceivableRow} & {
        row.number for row in there if type(row) is ReceivableRow
    }

    def amounts(rows):
        return [row.charged for row in rows if type(row) is InstalmentRow and row.receivable == "N-000001"]

    assert amounts(here) != amounts(there)
    assert crowd(here) != crowd(there)


def test_money_handed_over_is_booked_echoed_and_lowers_the_debt(town, puma, schema):
    before = {row.external_id: row for row in rows_of(puma, town.export()) if type(row) is InstalmentRow}
    row = before["N-000002-3"]
    number = town.ledger()["next_export"]
    first = item(1, row, Amounts(Money(row.principal), Money(row.interest), Money(row.costs)))
    unknown = item(2, row._replace(receivable="N-NOBODY"), Amounts(Money(100)))
    body, raw = town.deliver(puma, batch(1, first, unknown))
    schema("acknowledgement").assertValid(etree.fromstring(raw))
    answer = puma.read_acknowledgement(raw)

    assert answer.sha256 == sha256(body).hexdigest()
    booked, refused = answer.lines
    assert booked.booking_id == first.booking_id
    assert booked.reference
    assert refused.refusal == "Nie ma takiej należności"

    name = town.folder / "LIPOWO" / "in" / f"puma-export-{number:06d}.xml"
    wait_for(name.exists)  # an export follows a booking by itself
    export = name.read_bytes()
    after = rows_of(puma, export)
    echo = [one for one in after if type(one) is OperationRow and one.booking_id == first.booking_id]
    now = next(one for one in after if type(one) is InstalmentRow and one.external_id == row.external_id)
    manifest = puma.read_manifest(BytesIO(export))

    assert manifest.kind is ImportKind.INCREMENTAL
    assert manifest.totals == summed(after)
    assert {one.external_id for one in after if type(one) is ReceivableRow} == {"N-000002"}
    assert [one.document for one in echo] == [booked.reference]
    assert -sum(one.principal + one.interest + one.costs for one in echo) == first.amounts.total.grosze
    assert (now.principal, now.interest, now.costs) == (0, 0, 0)


def test_the_same_batch_again_gets_the_same_answer_and_is_booked_once(town, puma):
    row = next(r for r in rows_of(puma, town.export()) if getattr(r, "external_id", "") == "N-000012-11")
    again = batch(2, item(20, row, Amounts(Money(5000)), payer="P-000003"))
    _, first = town.deliver(puma, again)
    _, second = town.deliver(puma, again)

    assert first == second
    assert [o["booking"] for o in town.ledger()["operations"]].count(str(again.items[0].booking_id)) == 1


def test_a_payment_larger_than_the_debt_becomes_an_overpayment(town, puma):
    row = next(r for r in rows_of(puma, town.export()) if getattr(r, "external_id", "") == "N-000003-1")
    much = Amounts(Money(row.principal + 4321), Money(row.interest))
    _, answer = town.deliver(puma, batch(3, item(30, row, much)))

    assert puma.read_acknowledgement(answer).lines[0].reference
    over = {one["id"]: one["amount"] for one in town.ledger()["overpayments"]}
    assert over["NP-N-000003-1"] == "43.21"


def test_money_that_went_back_is_booked_as_a_refund_and_the_debt_is_open_again(town, puma):
    rows = [row for row in rows_of(puma, town.export()) if type(row) is InstalmentRow]
    row = next(row for row in rows if row.principal >= 3_000 and not row.interest and not row.costs)
    paid, back = item(80, row, Amounts(Money(3_000))), item(81, row, Amounts(Money(-1_200)))
    _, raw = town.deliver(puma, batch(50, paid, back))
    assert [line.refusal for line in puma.read_acknowledgement(raw).lines] == [None, None]

    after = rows_of(puma, town.export())
    echoes = {one.booking_id: one for one in after if type(one) is OperationRow and one.booking_id is not None}
    assert echoes[paid.booking_id].kind is OperationKind.PAYMENT
    told = echoes[back.booking_id]
    assert (told.kind, told.principal, told.interest, told.costs) == (OperationKind.REFUND, 1_200, 0, 0)
    (left,) = (one for one in after if type(one) is InstalmentRow and one.external_id == row.external_id)
    assert left.principal == row.principal - 1_800


def test_the_books_always_balance(town):
    sums = town.ledger()["sums"]

    assert sums["out_of_balance"] == 0
    assert sum(round(float(amount) * 100) for amount in sums["accounts"].values()) == 0


def test_the_cash_desk_and_a_new_charge_reach_the_next_incremental_export(town, puma):
    town.export()
    charged = town.post(
        "_sim/LIPOWO/charge", payer="P-000004", kind="PIES", title="Pies", due="2026-12-31", amount="60.00"
    )
    paid = town.post("_sim/LIPOWO/pay", instalment=charged["instalment"], amount="10.00")
    rows = rows_of(puma, town.export("incremental"))

    assert [r.external_id for r in rows if type(r) is ReceivableRow] == [charged["receivable"]]
    assert [r.principal for r in rows if type(r) is InstalmentRow] == [5000]
    assert [r.document for r in rows if type(r) is OperationRow][-1] == paid["document"]


@pytest.mark.parametrize(
    ("fault", "code"), [("truncate_export", "truncated"), ("wrong_encoding", "encoding"), ("dtd", "dtd")]
)
def test_a_damaged_export_is_refused_and_the_next_one_takes_its_number(faulty, puma, fault, code):
    number = faulty.ledger()["next_export"]
    faulty.post("_sim/faults", **{fault: 1})
    with pytest.raises(BrokenFile) as caught:
        rows_of(puma, faulty.export())
    assert caught.value.problems[-1].code == code
    assert puma.read_manifest(BytesIO(faulty.export())).number == number


def test_numbers_and_totals_can_be_made_wrong(faulty, puma):
    faulty.export()  # there is no number before the first one
    number = faulty.ledger()["next_export"]
    for fault, shown in (("duplicate_number", number - 1), ("skip_number", number + 1)):
        faulty.post("_sim/faults", **{fault: 1})
        assert puma.read_manifest(BytesIO(faulty.export())).number == shown
    faulty.post("_sim/faults", wrong_totals=1)
    body = faulty.export()
    assert puma.read_manifest(BytesIO(body)).totals.principal == summed(rows_of(puma, body)).principal + 1


def test_every_second_booking_can_be_refused_and_echoes_dropped(faulty, puma):
    row = next(r for r in rows_of(puma, faulty.export()) if getattr(r, "external_id", "") == "N-000012-12")
    faulty.post("_sim/faults", refuse_every=2, double_ack=True, drop_echo=9)
    lines = [item(40 + place, row, Amounts(Money(100)), payer="P-000003") for place in range(4)]
    _, answer = faulty.deliver(puma, batch(4, *lines))

    assert sum(1 for line in puma.read_acknowledgement(answer).lines if line.refusal) == 2
    second = faulty.folder / "LIPOWO" / "in" / "puma-ack-000004-2.xml"
    wait_for(second.exists)
    assert second.read_bytes() == answer
    assert not [r for r in rows_of(puma, faulty.export()) if type(r) is OperationRow and r.booking_id]


def test_what_the_simulator_does_not_know_is_refused(town):
    for path, values in (
        ("_sim/faults", {"explode": 1}),
        ("_sim/faults", {"refuse_every": -1}),
        ("_sim/LIPOWO/pay", {"instalment": "N-0", "amount": "1.00"}),
        ("_sim/LIPOWO/charge", {"payer": "P-000001"}),
        ("_sim/LIPOWO/export", {"kind": "half"}),
    ):
        with pytest.raises(urllib.error.HTTPError) as caught:
            town.post(path, **values)
        assert caught.value.code == 422


def test_the_page_shows_the_books_in_polish(town):
    assert "/LIPOWO" in town.get("")
    page = town.get("LIPOWO")
    assert "Gmina Lipowo – księgi PUMA" in page
    assert "Eksport przyrostowy" in page


def test_a_big_generated_export_is_valid_and_complete(tmp_path, puma, schema):
    out = tmp_path / "big.xml"
    command("generate", "--receivables", 2000, "--out", out, "--tenant", "LIPOWO")
    body = out.read_bytes()

    schema("export").assertValid(etree.fromstring(body))
    assert puma.read_manifest(BytesIO(body)).totals == replace(summed(rows_of(puma, body)), documents=None)


@pytest.fixture(scope="module")
def printing(tmp_path_factory):
    """A simulator that has delivered nothing yet."""
    town = Town(tmp_path_factory.mktemp("printing"))
    yield town
    town.process.kill()
    town.process.wait()


def documents_of(puma, body):
    return [row for row in rows_of(puma, body) if type(row) is DocumentRow]


def laid(town, row, code):
    path = town.folder / code / "in" / "documents" / f"{row.sha256}.pdf"
    return path.read_bytes() if path.exists() else None


def is_right(body, row):
    return (sha256(body).hexdigest(), len(body)) == (row.sha256, row.size)


def test_documents_with_faults_come_wrong_once_and_right_with_the_next_export(printing, puma):
    printing.post("_sim/faults", missing_document=1, wrong_document=1, no_pdf=1, huge_document=1)
    rows = documents_of(puma, printing.export())
    missing, wrong, page, huge, *rest = [laid(printing, row, "LIPOWO") for row in rows]

    assert [row.receivable for row in rows][:2] == ["N-000001", "N-000013"]
    assert missing is None
    assert wrong.startswith(b"%PDF-")
    assert not is_right(wrong, rows[1])
    assert page.startswith(b"<html>")
    assert len(huge) > LARGEST_DOCUMENT
    assert all(is_right(body, row) for body, row in zip(rest, rows[4:], strict=True))
    again = documents_of(puma, printing.export())
    assert [row.sha256 for row in again] == [row.sha256 for row in rows]
    assert all(is_right(laid(printing, row, "LIPOWO"), row) for row in rows)


def test_documents_may_come_later_than_their_export(printing):
    puma = PumaFinanceSystem(PumaSettings(tenant_code="DEBOWO"))
    printing.post("_sim/faults", delay_documents=1)
    rows = documents_of(puma, printing.export(code="DEBOWO"))

    assert laid(printing, rows[0], "DEBOWO") is None
    wait_for(lambda: all(laid(printing, row, "DEBOWO") for row in rows))
    assert all(is_right(laid(printing, row, "DEBOWO"), row) for row in rows)
    printing.post("_sim/faults", reset=True)


def test_a_document_can_be_read_to_its_last_polish_letter(printing, puma):
    rows = documents_of(puma, printing.export())
    (house, lease) = (PdfReader(BytesIO(laid(printing, row, "LIPOWO")), strict=True) for row in rows[:2])

    assert len(house.pages) == 1
    assert "z dnia 20.01.2026" in house.pages[0].extract_text()
    assert "Umowa dzierżawy nr" in lease.pages[0].extract_text()
