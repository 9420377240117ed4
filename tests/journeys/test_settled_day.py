"""From a payment at the gateway to the payout on the bank account: the clerk sees it after asking once."""

from __future__ import annotations

import re

import pytest

from skarbnik.clock import today
from skarbnik.testing.visitor import Visitor, call, eventually

PAYOUT = re.compile(r'href="(/office/reconciliation/payouts/[0-9a-f-]{36})">([^<]+)<')


@pytest.fixture
def clerk(office):
    return office("ksiegowa")


def test_a_payment_is_found_in_the_report_of_its_day_and_in_the_payout_that_brought_it(stack, clerk):
    payer, day = Visitor(stack, "lipowo"), f"/office/reconciliation?day={today()}"
    payer.sign_in("piekarnia")
    owed = payer.get("/receivables").fields("i")
    page = payer.post("/payments", [*payer.choose([owed[0]]), ("gateway", "przelewy24")])
    number = page.path.split("/")[2]
    newest = call(f"{stack.przelewy24_url}/_sim/ledger")["transactions"][0]
    call(f"{stack.przelewy24_url}/_sim/transactions/{newest['sessionId']}/pay", {})
    eventually(lambda: ("done", "Zapłacono") in payer.get(f"/payments/{number}").steps(), seconds=60)
    made = call(f"{stack.przelewy24_url}/_sim/points/{newest['pos']}/payout", {"charge": 10})

    shown = clerk.get(day)
    clerk.post(
        "/office/reconciliation/ask", [("csrf_token", shown.fields("csrf_token")[0]), ("day", today().isoformat())]
    )

    def found():
        payouts = PAYOUT.findall(clerk.get("/office/reconciliation/payouts").text)
        return next((path for path, said in payouts if said == str(made["batchId"])), None)

    payout = clerk.get(eventually(found, seconds=90))
    assert f"/office/payments/{number}" in payout.text
    assert "tile late" not in payout.text  # it adds up
    assert newest["sessionId"] in clerk.get(day).text
    assert Visitor(stack, "lipowo").get(day).path.startswith("/office/sign-in")
