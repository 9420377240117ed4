"""Links by which somebody else pays, and codes of decisions: what opens them, for how long, and for whom."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select, text

from skarbnik import clock
from skarbnik.audit.models import AuditEntry
from skarbnik.errors import Conflict, Invalid, NotFound
from skarbnik.money import Money
from skarbnik.payers.models import MandateBasis
from skarbnik.payments import links
from skarbnik.payments.models import PaymentLink, PaymentOrder
from skarbnik.payments.ordering import Chosen, NotLiable, order_payment
from skarbnik.payments.states import LinkOrigin
from skarbnik.receivables.models import Liability
from skarbnik.testing.factories import (
    InstalmentFactory,
    KindFactory,
    LiabilityFactory,
    MandateFactory,
    PayerFactory,
    ReceivableFactory,
    UserFactory,
)

CODE = "K7QP2M9XW4AB"


@pytest.fixture
def payer(session):
    return PayerFactory()


@pytest.fixture
def owed(session, payer):
    return InstalmentFactory(payer=payer, receivable=ReceivableFactory(payment_code=CODE, title="Dom, ul. Długa 5"))


@pytest.fixture
def make(session, payer, owed):
    user = UserFactory(acts_for=[payer])

    def link(*instalments, **words):
        words = {"payer_id": payer.id, "user_id": user.id} | words
        return links.make_link(session, instalment_ids=[each.id for each in instalments or [owed]], **words)

    return link


@pytest.fixture
def order(session, payer, owed):
    def make_order(secret, **words):
        link = links.open_link(session, secret)
        chosen = [Chosen(owed.id, owed.balance)]
        words = {"request_key": uuid4(), "payer_id": payer.id, "user_id": None, "email": None, "language": "pl"} | words
        return order_payment(session, link_id=link.id, chosen=chosen, **words)

    return make_order


def test_only_a_hash_of_the_secret_is_kept(session, make):
    secret = make()

    (link,) = session.scalars(select(PaymentLink))
    assert len(secret) == 64
    assert secret not in str(vars(link))
    assert links.open_link(session, secret).id == link.id
    assert link.expires_at - link.created_at == timedelta(days=14)


@pytest.mark.parametrize("wrong", ["", "0" * 64, "x", "'", "\u0105" * 64])
def test_a_wrong_secret_opens_nothing(session, make, wrong):
    make()
    with pytest.raises(NotFound):
        links.open_link(session, wrong)


def test_after_a_fortnight_a_link_is_over(session, make):
    secret = make()
    with clock.stopped_at(clock.now() + timedelta(days=14, seconds=1)), pytest.raises(NotFound):
        links.open_link(session, secret)


def test_a_link_that_was_taken_back_opens_nothing_and_says_the_same_as_a_wrong_one(session, make, payer):
    secret = make()
    links.revoke_link(session, session.scalars(select(PaymentLink.id)).one(), payer_id=payer.id, user_id=uuid4())

    said = []
    for each in (secret, "0" * 64):
        with pytest.raises(NotFound) as told:
            links.open_link(session, each)
        said.append(str(told.value))
    assert said[0] == said[1]


def test_somebody_elses_link_is_not_taken_back(session, make):
    make()
    with pytest.raises(NotFound):
        links.revoke_link(
            session, session.scalars(select(PaymentLink.id)).one(), payer_id=PayerFactory().id, user_id=uuid4()
        )
    assert session.scalars(select(PaymentLink.revoked_at)).one() is None


def test_only_what_is_the_payers_today_is_in_a_link(session, make, owed):
    foreign = InstalmentFactory(payer=PayerFactory())
    for chosen in ([foreign], [owed, foreign]):
        with pytest.raises(NotLiable):
            make(*chosen)
    with pytest.raises(NotLiable):
        make(InstalmentFactory.build(id=uuid4()))
    assert session.scalar(select(func.count()).select_from(PaymentLink)) == 0


def test_nothing_and_too_much_are_no_link(session, make, payer):
    for ids in ([], [uuid4() for _ in range(201)]):
        with pytest.raises(Invalid):
            links.make_link(session, payer_id=payer.id, user_id=uuid4(), instalment_ids=ids)


def test_a_payer_has_so_many_good_links_and_no_more(session, make, payer):
    for _ in range(links.MOST_LINKS):
        make()
    with pytest.raises(links.TooManyLinks):
        make()
    first = session.scalars(select(PaymentLink.id).limit(1)).one()
    links.revoke_link(session, first, payer_id=payer.id, user_id=uuid4())
    assert make()


def test_links_that_were_taken_back_do_not_hide_those_that_are_good(session, make, payer):
    """Whoever makes and takes back long enough has no more than anybody else."""
    for _ in range(links.MOST_LINKS):
        make()
    (good,) = session.scalars(select(PaymentLink).limit(1))
    session.add_all(
        PaymentLink(
            secret_hash=uuid4().hex, origin=LinkOrigin.LINK, payer_id=payer.id, created_by=good.created_by,
            instalment_ids=good.instalment_ids, created_at=clock.now() + timedelta(seconds=1),
            expires_at=clock.now() + timedelta(days=1), revoked_at=clock.now(),
        )
        for _ in range(250)
    )  # fmt: skip
    session.flush()

    with pytest.raises(links.TooManyLinks):
        make()


@pytest.fixture
def proxy(session, payer):
    """Somebody else's mandate for the payer, which ends today."""
    return MandateFactory(user_id=UserFactory().id, payer_id=payer.id, basis=MandateBasis.PROXY, until_on=clock.today())


def shown(session, payer):
    return [(each.is_open, each.is_good) for each in links.list_links(session, payer_id=payer.id, page=1, size=5)]


def test_a_link_ends_with_the_mandate_of_who_made_it(session, make, order, payer, proxy):
    secret, own = make(user_id=proxy.user_id), make()
    made = order(secret)

    with clock.stopped_at(clock.now() + timedelta(days=1)):
        with pytest.raises(NotFound):
            links.open_link(session, secret)
        assert links.open_link(session, own)
        assert links.get_followed(session, secret, made.number)[1].id == made.id  # its money may be on its way
        assert sorted(shown(session, payer)) == [(True, False), (True, True)]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE mandates SET may_pay = false",
        "UPDATE mandates SET from_on = current_date + 9, until_on = NULL",
        "UPDATE users SET state = 'blocked'",
        "DELETE FROM mandates",
    ],
)
def test_a_link_is_good_as_long_as_who_made_it_may_pay_themselves(session, make, payer, proxy, change):
    secret = make(user_id=proxy.user_id)
    assert links.open_link(session, secret)
    session.execute(text(change))

    with pytest.raises(NotFound):
        links.open_link(session, secret)
    assert shown(session, payer) == [(True, False)]


def test_a_mandate_for_another_payer_keeps_no_link(session, make, payer, proxy):
    secret = make(user_id=proxy.user_id)
    proxy.payer_id = PayerFactory().id
    session.flush()

    with pytest.raises(NotFound):
        links.open_link(session, secret)


@pytest.mark.parametrize("merged", ["who is liable", "whom the mandate names"])
def test_a_link_goes_on_when_its_payer_was_merged(session, make, payer, proxy, merged):
    other = PayerFactory()
    secret = make(user_id=proxy.user_id)
    if merged == "who is liable":
        gone, kept = payer, other
    else:
        proxy.payer_id, gone, kept = other.id, other, payer
    gone.merged_into, kept.merged_from = kept.id, [gone.id]
    session.flush()

    assert links.open_link(session, secret)
    assert shown(session, kept) == [(True, True)]


def test_a_code_needs_nobodys_mandate(session, owed):
    secret = links.open_code(session, CODE, today=clock.today())
    session.execute(text("DELETE FROM mandates"))
    assert links.open_link(session, secret)


def test_the_trail_says_who_made_a_link_and_who_took_it_back(session, make, payer):
    make()
    links.revoke_link(session, session.scalars(select(PaymentLink.id)).one(), payer_id=payer.id, user_id=uuid4())

    assert set(session.scalars(select(AuditEntry.action))) >= {"link.made", "link.revoked"}


def test_an_order_by_a_link_is_the_payers_and_nobodys_and_says_no_title(session, make, order, payer):
    made = order(make(), email="ktos@example.pl")
    session.refresh(made)

    assert (made.payer_id, made.user_id) == (payer.id, None)
    assert [line.title for line in made.lines] == ["Podatek od nieruchomości, rata 1"]


def test_the_key_of_an_order_by_a_link_is_worth_nothing_elsewhere(session, make, order, payer, owed):
    key = uuid4()
    order(make(), request_key=key)

    with pytest.raises(Conflict):
        order(make(), request_key=key)
    with pytest.raises(Conflict):
        order_payment(
            session,
            request_key=key,
            payer_id=payer.id,
            user_id=None,
            chosen=[Chosen(owed.id, owed.balance)],
            email=None,
            language="pl",
        )


def test_an_order_is_followed_with_the_secret_of_its_own_link_only(session, make, order):
    first, second = make(), make()
    made = order(first)

    assert links.get_followed(session, first, made.number)[1].id == made.id
    for secret in (second, "0" * 64, ""):
        with pytest.raises(NotFound):
            links.get_followed(session, secret, made.number)
    with pytest.raises(NotFound):
        links.get_followed(session, first, "ABCDE-FGHJK")


def test_who_paid_still_sees_it_when_the_link_is_over_but_not_for_ever(session, make, order, payer):
    secret = make()
    made = order(secret)
    links.revoke_link(session, made.link_id, payer_id=payer.id, user_id=uuid4())

    assert links.get_followed(session, secret, made.number)[1].id == made.id
    with clock.stopped_at(clock.now() + timedelta(days=15)), pytest.raises(NotFound):
        links.get_followed(session, secret, made.number)


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        (CODE, CODE),
        ("k7qp 2m9x w4ab", CODE),
        ("K7QP-2M9X-W4AB", CODE),
        (" K7QP\u00a02M9X\u2013W4AB\n", CODE),
        ("12345678", "12345678"),
        ("A" * 32, "A" * 32),
        ("A" * 33, None),
        ("1234567", None),
        ("", None),
        ("ŻÓŁĆŻÓŁĆ", None),
        ("K7QP2M9X' OR 1=1", None),
        ("A" * 5000, None),
        ("\x00" * 12, None),
    ],
)
def test_a_code_is_read_as_people_type_it(typed, code):
    assert links.plain_code(typed) == code


def test_a_code_opens_what_is_left_of_its_receivable(session, owed, payer):
    InstalmentFactory(receivable=owed.receivable, number=2, principal=Money(0))
    later = InstalmentFactory(receivable=owed.receivable, number=3, due_on=owed.due_on + timedelta(days=60))

    link = links.open_link(session, links.open_code(session, CODE, today=clock.today()))
    assert link.instalment_ids == [owed.id, later.id]
    assert (link.payer_id, link.origin, link.created_by) == (payer.id, LinkOrigin.CODE, None)
    assert link.expires_at - link.created_at == timedelta(hours=2)


def test_every_bad_code_is_answered_alike(session, owed):
    closed = InstalmentFactory(
        payer=PayerFactory(), receivable=ReceivableFactory(payment_code="CLOSED00", closed_at=clock.now())
    )
    paid = InstalmentFactory(
        payer=PayerFactory(), principal=Money(0), receivable=ReceivableFactory(payment_code="PAID0000")
    )
    nobodys = InstalmentFactory(receivable=ReceivableFactory(payment_code="NOBODYS0"))
    offline = InstalmentFactory(
        payer=PayerFactory(), receivable=ReceivableFactory(payment_code="OFFLINE0", kind=KindFactory(online=False))
    )
    said = set()
    for code in (None, "UNKNOWN0", *(each.receivable.payment_code for each in (closed, paid, nobodys, offline))):
        with pytest.raises(NotFound) as told:
            links.open_code(session, code, today=clock.today())
        said.add(str(told.value))
    assert len(said) == 1
    assert session.scalar(select(func.count()).select_from(PaymentLink)) == 0


def test_a_code_two_finance_systems_gave_is_nobodys(session, owed):
    InstalmentFactory(payer=PayerFactory(), receivable=ReceivableFactory(source="csv", payment_code=CODE))

    with pytest.raises(NotFound):
        links.open_code(session, CODE, today=clock.today())


def test_an_owner_is_paid_for_before_a_co_owner(session, owed, payer):
    LiabilityFactory(receivable_id=owed.receivable_id, payer_id=PayerFactory().id, role="co_owner")
    link = links.open_link(session, links.open_code(session, CODE, today=clock.today()))
    assert link.payer_id == payer.id

    session.scalars(select(Liability).where(Liability.payer_id == payer.id)).one().closed_at = clock.now()
    session.flush()
    assert links.open_link(session, links.open_code(session, CODE, today=clock.today())).payer_id != payer.id


def test_codes_that_were_typed_and_forgotten_do_not_pile_up(session, owed, order):
    kept = links.open_code(session, CODE, today=clock.today())
    order(kept)
    for _ in range(3):
        links.open_code(session, CODE, today=clock.today())
    with clock.stopped_at(clock.now() + timedelta(hours=3)):
        links.open_code(session, CODE, today=clock.today())

    rows = session.scalars(select(PaymentLink)).all()
    assert len(rows) == 2
    assert session.scalars(select(PaymentOrder.link_id)).one() in {row.id for row in rows}


def test_the_database_knows_that_a_link_has_a_maker_and_a_code_has_none(session, make):
    make()
    with pytest.raises(Exception, match="payment_links_origin_check"):
        session.execute(text("UPDATE payment_links SET created_by = NULL"))
