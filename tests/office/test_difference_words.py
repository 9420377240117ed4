"""Every difference there can be has words that say what it means and what to do."""

import re

from skarbnik.dev.state import CHECKOUT
from skarbnik.office.difference_words import KINDS, difference_words, resolution_names
from skarbnik.payments.differences import MENDED, QUESTIONS
from skarbnik.payments.models import Difference
from skarbnik.payments.refunds import FOR_A_PERSON, PROPOSED
from skarbnik.payments.services import MISFIT, OF_A_LINE
from skarbnik.plugin_api import TransactionState


def test_every_kind_says_what_it_means_and_what_to_do(app):
    with app.test_request_context():
        words = difference_words()
        assert tuple(words) == KINDS
        assert all(each.title and each.meaning.endswith(".") and each.advice.endswith(".") for each in words.values())
    assert set(QUESTIONS) <= set(KINDS)
    assert all(len(kind) <= Difference.__table__.c.kind.type.length for kind in KINDS)


def test_every_kind_that_is_opened_somewhere_has_words():
    opened = set()
    for path in (CHECKOUT / "core" / "skarbnik").glob("**/*.py"):
        found = re.findall(r"open_difference\(\s*session,\s*([^,]+),", path.read_text())
        opened |= {each.strip('"') for each in found if each.startswith('"')}
    assert {"payment_held", "booking_refused"} <= opened <= set(KINDS)
    assert {MISFIT, *OF_A_LINE, PROPOSED, *FOR_A_PERSON} <= set(KINDS)


def test_every_way_a_difference_ends_by_itself_has_words(app):
    with app.test_request_context():
        names = resolution_names()
    closed = set()
    for path in (CHECKOUT / "core" / "skarbnik").glob("**/*.py"):
        for call in re.findall(r"close_difference\((.*?)\)\n", path.read_text(), re.DOTALL):
            closed |= set(re.findall(r'resolution="(\w+)"', call))
    states = {TransactionState.PENDING, TransactionState.COMPLETED, TransactionState.REJECTED}
    assert "refund_completed" in closed
    assert {*MENDED.values(), "booked", *states, *closed} == set(names)
