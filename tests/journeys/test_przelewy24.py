"""Where a gmina has two gateways the payer chooses one, and the money of both walks the same way."""

from __future__ import annotations

import re

import pytest

from skarbnik.testing.visitor import Visitor, call, eventually

TO_PRZELEWY24 = re.compile(r'href="(http[^"]+/trnRequest/[A-Z0-9-]+)"')


@pytest.fixture
def session_of(stack):
    """The sessionId at Przelewy24 of the newest transaction of Lipowo."""

    def find():
        rows = call(f"{stack.przelewy24_url}/_sim/ledger")["transactions"]
        return rows[0]["sessionId"]

    return find


def test_a_payment_at_the_second_gateway_is_paid_once_it_is_verified(stack, session_of):
    visitor = Visitor(stack, "lipowo")
    visitor.sign_in("dlugie.nazwisko")
    owed = visitor.get("/receivables").fields("i")
    shown = visitor.get(f"/payments/new?i={owed[0]}")
    assert shown.fields("gateway") == ["payu", "przelewy24"]

    page = visitor.post("/payments", [*visitor.choose([owed[0]]), ("gateway", "przelewy24")])
    there = TO_PRZELEWY24.search(page.text)
    assert there is not None
    assert there[1].startswith(stack.przelewy24_url)
    session = session_of()
    call(f"{stack.przelewy24_url}/_sim/transactions/{session}/pay", {})

    order = page.path.removesuffix("/go")
    eventually(lambda: ("done", "Zapłacono") in visitor.get(order).steps(), seconds=60)
    assert ("done", "Przekazano do Przelewy24") in visitor.get(order).steps()
    (told,) = call(f"{stack.przelewy24_url}/_sim/transactions?session={session}")["transactions"][0]["notifications"]
    assert (told["state"], told["answers"][0]["status"]) == ("verified", 200)
    money = [row["kind"] for row in call(f"{stack.przelewy24_url}/_sim/ledger")["money"] if row["sessionId"] == session]
    assert money == ["advance", "payment"]
