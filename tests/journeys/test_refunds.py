"""Money that goes back through both gateways, with real processes: sent once, booked as a refund, owed again."""

from __future__ import annotations

import re

import pytest

from skarbnik.testing.visitor import Visitor, call, eventually

FORM = re.compile(r'href="(/office/payments/[^"]+/captures/[^"]+/refund)"')
TOWN = "lipowo"


def propose(official, number, grosze):
    """Fill the form for the first line, the others with nothing. Where the proposal is."""
    page = official.get(FORM.search(official.get(f"/office/payments/{number}").text)[1])
    words = [(name, value) for name, value in page.inputs() if name == "csrf_token"]
    fields = [name for name, _value in page.inputs() if name.startswith(("line_", "on_no_line"))]
    amounts = [(name, f"{grosze // 100},{grosze % 100:02d}" if not place else "") for place, name in enumerate(fields)]
    path = page.path
    return official.post(path, [*words[:1], *amounts, ("kind", "gateway"), ("reason", "Nadpłata")]).path


def approve(official, refund):
    token = official.get(refund).fields("csrf_token")[0]
    return official.post(f"{refund}/approve", [("csrf_token", token)])


@pytest.fixture
def officials(office):
    return office("ksiegowa"), office("administrator")


@pytest.fixture
def ask(stack):
    """`ask(query, …)`: rows of Lipowo's schema."""

    def read(query, *words):
        with stack.connect() as connection:
            connection.execute(f"SET search_path TO {stack.towns[TOWN].schema}")
            return connection.execute(query, words).fetchall()

    return read


@pytest.fixture
def fault(stack):
    """`fault(gateway, name)`: the next time something goes wrong there. What is left of it ends with the test."""
    addresses = {"payu": stack.payu_url, "przelewy24": stack.przelewy24_url}
    yield lambda gateway, name, **more: call(f"{addresses[gateway]}/_sim/faults", {"name": name, "next": 1, **more})
    for address in addresses.values():
        call(f"{address}/_sim/faults", {"clear": True})


@pytest.fixture
def paid(stack, ask):
    """`paid(gateway, place)`: a resident paid an instalment, and it is in the balance. The visitor, the order's number.

    The places are those from the end of what is owed; what goes back of one in part stays there.
    """

    def make(gateway, place):
        visitor = Visitor(stack, TOWN)
        visitor.sign_in("zalegly")
        owed = visitor.get("/receivables").fields("i")
        page = visitor.post("/payments", [*visitor.choose([owed[-place]]), ("gateway", gateway)])
        number = page.path.removesuffix("/go").rpartition("/")[2]
        if gateway == "payu":
            call(f"{stack.payu_url}/_sim/orders/{page.payu_order()}/pay", {})
        else:
            session = call(f"{stack.przelewy24_url}/_sim/ledger")["transactions"][0]["sessionId"]
            call(f"{stack.przelewy24_url}/_sim/transactions/{session}/pay", {})
        seen = (
            "SELECT b.seen_at FROM booking_lines b JOIN order_lines l ON l.id = b.order_line_id"
            " JOIN payment_orders o ON o.id = l.order_id WHERE o.number = %s AND b.seen_at IS NOT NULL"
        )
        eventually(lambda: ask(seen, number), seconds=60)
        return visitor, number

    return make


def sent_back(stack, gateway):
    """What went back at the gateway, by its own ledger."""
    address = stack.payu_url if gateway == "payu" else stack.przelewy24_url
    return [row["amount"] for row in call(f"{address}/_sim/ledger")["money"] if row["kind"] == "refund"]


def state(ask, refund):
    return ask("SELECT state FROM refunds WHERE id = %s", refund.rpartition("/")[2])[0][0]


def asked(ask, refund):
    return ask("SELECT asked_times FROM refunds WHERE id = %s", refund.rpartition("/")[2])[0][0]


def back_lines(ask, refund):
    return ask(
        "SELECT state, seen_at IS NOT NULL, principal + interest + costs FROM booking_lines WHERE refund_id = %s",
        refund.rpartition("/")[2],
    )


@pytest.mark.parametrize(("gateway", "place"), [("payu", 1), ("przelewy24", 2)])
def test_a_part_goes_back_is_booked_as_a_refund_and_is_owed_again(stack, officials, paid, ask, gateway, place):
    visitor, number = paid(gateway, place)
    owed, before = len(visitor.get("/receivables").fields("i")), sent_back(stack, gateway)
    first, second = officials
    refund = propose(first, number, 1_234)
    assert approve(first, refund).status == 403
    approve(second, refund)

    eventually(lambda: state(ask, refund) == "completed", seconds=60)
    assert sent_back(stack, gateway) == [*before, -1_234]
    assert len(visitor.get("/receivables").fields("i")) == owed + 1
    eventually(lambda: back_lines(ask, refund) == [("booked", True, -1_234)], seconds=60)
    assert len(visitor.get("/receivables").fields("i")) == owed + 1
    ((booking,),) = ask("SELECT id::text FROM booking_lines WHERE refund_id = %s", refund.rpartition("/")[2])
    books = call(f"{stack.puma_url}/_sim/{stack.towns[TOWN].puma_code}/ledger")["operations"]
    assert [row["kind"] for row in books if row["booking"] == booking] == ["refund"]
    assert ask("SELECT count(*) FROM money_equation WHERE captured <> booked + waiting + in_suspense + refunded") == [
        (0,)
    ]


@pytest.mark.parametrize(("gateway", "place"), [("payu", 3), ("przelewy24", 4)])
def test_an_answer_that_was_lost_sends_nothing_twice(stack, officials, paid, ask, fault, gateway, place):
    _visitor, number = paid(gateway, place)
    before = sent_back(stack, gateway)
    if gateway == "payu":
        fault(gateway, "html_error", on="refund")  # a bad gateway on the way there: PayU may have it or not
    else:
        fault(gateway, "timeout_after_refund", value=3)
    refund = propose(officials[0], number, 700)
    approve(officials[1], refund)

    eventually(
        lambda: ask("SELECT asked_times FROM refunds WHERE id = %s", refund.rpartition("/")[2])[0][0], seconds=60
    )
    stack.move_the_clock()
    eventually(lambda: state(ask, refund) == "completed" or stack.move_the_clock(), seconds=90, every=1)
    assert sent_back(stack, gateway) == [*before, -700]


@pytest.mark.parametrize(("gateway", "place"), [("payu", 5), ("przelewy24", 6)])
def test_a_gateway_without_balance_refuses_and_it_is_proposed_anew(stack, officials, paid, ask, fault, gateway, place):
    visitor, number = paid(gateway, place)
    before = sent_back(stack, gateway)
    fault(gateway, "no_balance")
    refused = propose(officials[0], number, 900)
    approve(officials[1], refused)
    eventually(lambda: state(ask, refused) == "rejected", seconds=60)
    assert visitor.get(f"/payments/{number}").steps()[-1][0] == "wrong"
    assert sent_back(stack, gateway) == before

    anew = propose(officials[0], number, 900)
    approve(officials[1], anew)
    eventually(lambda: state(ask, anew) == "completed", seconds=60)
    assert sent_back(stack, gateway) == [*before, -900]
    assert ask("SELECT count(*) FROM differences WHERE closed_at IS NULL AND kind LIKE 'refund%%'") == [(0,)]
