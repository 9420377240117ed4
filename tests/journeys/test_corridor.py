"""From the click to the balance, over HTTP and without a browser; and the ways on which something goes wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from skarbnik.testing.visitor import Visitor, call, eventually

WALK = [
    ("done", "Zlecono"),
    ("done", "Przekazano do PayU"),
    ("done", "Zapłacono"),
    ("done", "Przekazano do księgowości urzędu"),
    ("done", "Zaksięgowano"),
    ("done", "Widoczne w Twoim saldzie"),
]


@pytest.fixture
def order(stack):
    """Order one instalment: the visitor, the order's page, and the order at PayU."""

    def make(slug, who, place=0):
        visitor = Visitor(stack, slug)
        visitor.sign_in(who)
        owed = visitor.get("/receivables").fields("i")
        page = visitor.post("/payments", visitor.choose([owed[place]]))
        return visitor, page.path.removesuffix("/go"), page.payu_order()

    return make


@pytest.fixture
def payer(stack):
    """What the payer does at PayU."""
    return lambda deed, order: call(f"{stack.payu_url}/_sim/orders/{order}/{deed}", {})


@pytest.fixture
def fault(stack):
    """The next times something goes wrong at PayU. Whatever is left of it ends with the test."""
    yield lambda name, times, **more: call(f"{stack.payu_url}/_sim/faults", {"name": name, "next": times, **more})
    call(f"{stack.payu_url}/_sim/faults", {"clear": True})


@pytest.fixture
def equations(stack):
    """The money equation of a gmina's merchant accounts, in grosze."""

    def read(slug):
        with stack.connect() as connection:
            connection.execute(f"SET search_path TO {stack.towns[slug].schema}")
            rows = connection.execute("SELECT captured, booked, waiting, in_suspense, refunded FROM money_equation")
            return [tuple(map(int, row)) for row in rows]

    return read


def walked(visitor, page):
    return eventually(lambda: visitor.get(page).steps() == WALK, seconds=60)


def test_a_payment_walks_from_the_click_to_the_balance(stack, order, payer):
    visitor, page, at_payu = order("lipowo", "anna.kowalska")
    owed = visitor.get("/receivables").fields("i")
    assert visitor.get(page).steps()[-1] == ("now", "Oczekiwanie na płatność")

    payer("pay", at_payu)

    assert walked(visitor, page)
    assert len(visitor.get("/receivables").fields("i")) == len(owed) - 1
    books = call(f"{stack.puma_url}/_sim/PL-LIPOWO/ledger")
    references = [row["document"] for row in books["operations"] if row["booking"]]
    assert any(reference in visitor.get(page).text for reference in references)


def test_who_paid_gets_one_confirmation_and_nobody_else_any(stack, order, payer):
    visitor, page, at_payu = order("lipowo", "nadplata")
    number = page.rpartition("/")[2]

    payer("pay", at_payu)
    walked(visitor, page)

    letters = [each for each in call(f"{stack.mail_url}/_sim/messages") if number in each["subject"]]
    assert [each["to"] for each in letters] == [["nadplata@lipowo.example"]]
    assert f"http://lipowo.localhost:{stack.port}{page}" in letters[0]["text"]


def test_the_neighbour_saw_nothing_of_it(stack, order, payer, equations):
    def letters():
        caught = call(f"{stack.mail_url}/_sim/messages")
        return [each["id"] for each in caught if each["to"][0].endswith("@debina.example")]

    visitor, page, at_payu = order("lipowo", "piekarnia")
    before = letters()
    payer("pay", at_payu)
    walked(visitor, page)

    neighbour = Visitor(stack, "debina")
    neighbour.sign_in("piekarnia")
    stranger = Visitor(stack, "debina")
    stranger.cookies = dict(visitor.cookies)  # a signed-in browser of Lipowo at Dębina's address

    assert neighbour.get(page).status == 404
    assert stranger.get(page).path.startswith("/sign-in")
    assert equations("debina") == [(0, 0, 0, 0, 0)] * 2
    assert letters() == before
    outgoing = Path(stack.towns["debina"].exchange) / "out"
    assert [path for path in outgoing.rglob("*") if path.is_file()] == []


def test_money_of_a_closed_gmina_goes_on_to_its_booking(stack, order, payer, equations):
    visitor, page, at_payu = order("zalesie", "zalegly")
    stack.run_command("tenant", "suspend", "zalesie")
    eventually(lambda: {visitor.get(page).status for _worker in range(8)} == {503})  # each process looks by itself

    payer("pay", at_payu)

    assert "potwierdzane i księgowane jak zwykle" in visitor.get(page).text
    eventually(lambda: any(booked and booked == captured for captured, booked, *_ in equations("zalesie")), seconds=60)
    assert visitor.get(page).status == 503
    stack.run_command("tenant", "resume", "zalesie")
    eventually(lambda: visitor.get(page).status == 200)
    assert walked(visitor, page)


def test_a_payment_that_was_cancelled_and_paid_late_is_paid(order, payer, fault):
    visitor, page, at_payu = order("lipowo", "zalegly")
    fault("cancel_then_paid", 1, value=4)

    payer("cancel", at_payu)

    eventually(lambda: ("wrong", "Nie dokończono") in visitor.get(page).steps())
    assert walked(visitor, page)


def test_a_payment_nobody_told_us_about_is_found_by_asking(stack, order, payer, fault):
    visitor, page, at_payu = order("lipowo", "zalegly", place=1)
    fault("lose_notification", 5)

    payer("pay", at_payu)

    assert visitor.get(page).steps()[-1] == ("now", "Oczekiwanie na płatność")
    stack.move_the_clock()
    assert walked(visitor, page)
