"""A gmina with all that a page may have to show: nothing, one, many, long names, arrears of years, money astray.

And the people who look at it. What is written here is committed, so that a real server shows it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session
from tests.walk.files import LONG_WORD, REAL, make_runs
from tests.walk.looking import NOBODY, OPERATOR, Example, Town, Walker
from tests.walk.looks import look_often
from tests.walk.mandates import act_for_others
from tests.walk.money import settle
from tests.walk.refunds import refund_some
from tests.walk.remarks import write_remarks
from tests.walk.residents import WAITING, register_some
from tests.walk.support import ask_often
from tests.walk.surveys import TEXT, write_surveys
from tests.walk.ways import BANK, NODE, USE, connect_ways

from skarbnik import clock
from skarbnik.accounts.models import User, WebSession
from skarbnik.accounts.password_links import make_password_link
from skarbnik.accounts.services import hash_token
from skarbnik.content.models import MAIN, ArticleKind, Key
from skarbnik.content.services import save_article
from skarbnik.content.standard import FORMAL_SERVICE, STANDARD_TERMS
from skarbnik.crypto import new_secret
from skarbnik.exchange.documents import place_of
from skarbnik.exchange.spool import open_spool
from skarbnik.exchange.states import RunState
from skarbnik.money import Amounts, Money
from skarbnik.payers.models import Payer
from skarbnik.payments.links import make_link
from skarbnik.payments.models import MerchantAccount, Notification, PaymentLink, PaymentOrder, Transaction
from skarbnik.payments.ordering import Chosen, open_transaction, order_payment
from skarbnik.payments.services import mark_started, record_report
from skarbnik.payments.states import CommissionPayer
from skarbnik.plugin_api import GatewayReport, LiabilityRole, OperationKind, PayerKind, Role, TransactionState
from skarbnik.portal.calendar import feed_path
from skarbnik.receivables.models import DocumentTrouble, Instalment, Operation, Overpayment
from skarbnik.tenancy.models import SwitchName
from skarbnik.tenancy.registry import Tenant
from skarbnik.tenancy.switches import set_switch
from skarbnik.testing.factories import (
    DocumentFactory,
    InstalmentFactory,
    KindFactory,
    LiabilityFactory,
    OfficialFactory,
    PayerFactory,
    ReceivableFactory,
    UserFactory,
    bound_to,
)
from skarbnik.testing.operators import add_operator, sign_operator_in

OURS = "walk"  # the finance system of these debts; its imports never come, so nothing here moves by itself
LONG_NAME = (
    "Międzygminne Przedsiębiorstwo Gospodarki Komunalnej i Mieszkaniowej „Konstantynopolitańczykowianeczka”"
    " Brzęczyszczykiewicz-Chrząszczyżewoszycka i Wspólnicy Spółka z ograniczoną odpowiedzialnością"
)
RICH, EMPTY, NO_PAYER = "resident", "resident with nothing to pay", "resident without a payer"
FILES = ("pdf", "csv")
MANY = 60  # more than a page of the list holds


def fill_town(tenant: Tenant, payu_url: str) -> Town:
    operator, _secret = add_operator(tenant.instance, email="operator@skarbnik.example", name=f"Olga {LONG_WORD[:70]}")
    token = sign_operator_in(tenant.instance, operator)
    with tenant.session() as session, bound_to(session):
        rich = _Rich(session, payu_url)
        runs, batch = make_runs(session)
        document_id = _documents(session, tenant, rich.receivable_id, runs[RunState.APPLIED])
        looker = Walker(OPERATOR, OPERATOR, token=token)
        people = {
            NOBODY: Walker(NOBODY, NOBODY),
            OPERATOR: looker,
            **dict(_people(session, rich)),
        }
        _texts(session, rich.user.id)
        remarks = write_remarks(session, rich.user.id, rich.payer.id, rich.receivable_id, LONG_NAME)
        surveys = write_surveys(session, rich.user.id, LONG_NAME)
        acting = act_for_others(session, rich.user, rich.payer.id, LONG_NAME)
        money = settle(session, rich.account)
        set_switch(session, SwitchName.NAME_CO_OWNERS, on=True, by=rich.user.id)
        official = OfficialFactory(password_hash=None, has_roles=[Role.AUDITOR])
        administrator = OfficialFactory(password_hash=None, has_roles=[Role.ADMINISTRATOR])
        lets_in = ask_often(session, tenant, operator, administrator.id, LONG_NAME)
        welcome = make_password_link(session, official, by=None)
        look_often(session, rich.payer.id, rich.second.id)
        connect_ways(session, tenant)
        coming = register_some(session, rich.user)
    mine = {"owner": RICH}
    return Town(
        walkers=people,
        arguments={
            "receivable_id": rich.receivable_id,
            "payer_id": rich.payer.id,
            "kind_id": rich.kind_id,
            "wanted": "csv",
            "size": 180,
            "tenant_id": tenant.id,
            "user_id": rich.user.id,
            "official_id": official.id,
            "provider_id": BANK,
            "use": USE,
            "mark": feed_path(tenant, rich.user.id, rich.payer.id, 1).rpartition("/")[2].removesuffix(".ics"),
            "run_id": runs[RunState.REFUSED],
            "document_id": document_id,
            "batch_id": batch,
            "source_id": REAL,
            "payout_id": money["payouts"][0],
            "difference_id": money["differences"][0],
            "remark_id": remarks["answered"],
            "resident_id": rich.user.id,
            "request_id": acting["requests"][0],
            "mandate_id": acting["mandate"],
            "number": rich.orders["paid"],
            "capture_id": rich.back.capture_id,
            "refund_id": rich.back.refunds["proposed"],
            "notification_id": rich.back.notification_id,
            "booking_id": rich.back.booking_id,
            "account_id": rich.account_id,
            "secret": rich.secret,
            "survey_id": surveys["draft"],
            "question_id": TEXT,
            "language": "en",
            "theme": "dark",
        },
        examples={
            "portal.receivables": [
                Example(best_as=EMPTY),
                Example(best_as=RICH),
                Example(query="page=2", best_as=RICH),
                Example(query="state=overdue", best_as=RICH),
                Example(query="sort=due&q=podatek", best_as=RICH),
                Example(query=f"day={clock.today() + timedelta(days=40)}", best_as=RICH),
                Example(query="q=nie-ma-takiej", best_as=RICH),
            ],
            "portal.receivable": [
                *(Example({"receivable_id": each}, **mine) for each in rich.receivables),
                Example(query=f"day={clock.today() + timedelta(days=40)}", **mine),
                Example({"receivable_id": rich.receivables[2]}, query="page=2", **mine),
            ],
            "history.closed": [
                Example(best_as=EMPTY),
                Example(best_as=RICH),
                Example(query="page=2", best_as=RICH),
                Example(query=f"year={clock.today().year - 1}&kind={rich.kind_id}", best_as=RICH),
            ],
            "doors.come_back": [Example({"provider_id": BANK}, query="state=nobody&code=none", status=403)],
            "identity.show": [Example({"provider_id": each}) for each in (BANK, NODE)],
            "identity.certificate_request": [Example({"provider_id": NODE, "use": USE})],
            "remarks.own": [Example(best_as=EMPTY), Example(best_as=RICH)],
            "remarks.new": [Example(best_as=RICH), Example(query=f"receivable={rich.receivable_id}", **mine)],
            "remarks.show": [Example({"remark_id": each}, **mine) for each in remarks.values()],
            "office_remarks.queue": [Example(), Example(query="state=answered"), Example(query="state=withdrawn")],
            "office_remarks.show": [Example({"remark_id": each}) for each in remarks.values()],
            "surveys.listed": [Example(best_as=EMPTY), Example(best_as=RICH)],
            "surveys.show": [
                Example({"survey_id": surveys["answered"]}, best_as=RICH),
                *(Example({"survey_id": surveys[each]}, best_as=EMPTY) for each in ("open", "long", "over", "few")),
            ],
            "surveys_office.show": [Example({"survey_id": each}) for each in surveys.values()],
            "surveys_office.preview": [Example({"survey_id": surveys[each]}) for each in ("draft", "long")],
            "surveys_office.close": [Example({"survey_id": surveys["open"]})],
            "surveys_office.show_results": [Example({"survey_id": surveys[each]}) for each in ("open", "few", "many")],
            "surveys_office.show_texts": [Example({"survey_id": surveys["many"]})],
            "surveys_office.results_file": [Example({"survey_id": surveys["many"]})],
            "portal.acting": [Example(best_as=EMPTY), Example(best_as=RICH), Example(query="q=nie-ma", best_as=RICH)],
            "mandates.ask": [Example(query=each, best_as=RICH) for each in ("", "kind=company", "kind=proxy")],
            "requests.queue": [Example(), Example(query="state=refused"), Example(query="state=ended")],
            "requests.show": [
                Example(query="q=Mi%C4%99dzygminne"),
                *(Example({"request_id": each}) for each in acting["requests"]),
            ],
            "residents.listed": [Example(), Example(query="q=nobody+is+called+so"), Example(query="state=blocked")],
            "residents.show": [Example(), Example({"resident_id": acting["blocked"]})],
            "office.payer": [Example(), Example(query="page=2")],
            "documents.document": [Example({"receivable_id": rich.receivable_id}, **mine)],
            "payer_documents.listed": [Example(), Example(query="page=2")],
            "welcome.choose": [Example({"secret": welcome}), Example({"secret": coming["activate"]})],
            "registration.prove": [Example({"secret": coming[each]}) for each in ("waiting", "unproven")],
            "registration.declaration": [Example({"secret": coming["waiting"]})],
            "own.take_email": [Example({"secret": coming["email"]})],
            "own.agreed": [Example(best_as=NO_PAYER), Example(best_as=RICH)],
            "desk.find": [Example(), Example(query="number=0000+0000")],
            "desk.show": [Example({"number": WAITING})],
            "portal.payment": [Example({"number": each}, **mine) for each in rich.orders.values()],
            "portal.go": [Example({"number": rich.orders["started"]}, **mine)],
            "papers.confirmation": [Example({"number": rich.orders["paid"]}, **mine)],
            "papers.transfer_orders": [Example(query="&".join(f"i={each}" for each in rich.payable), **mine)],
            "portal.review": [
                Example(query="&".join(f"i={each}" for each in rich.payable), **mine),
                Example(query=f"i={rich.payable[-1]}", **mine),
                Example(query=f"i={rich.payable[0]}&a-{rich.payable[0]}=50,25", **mine),
                Example(query=f"i={rich.payable[0]}&a-{rich.payable[0]}={'9' * 15}", **mine),
            ],
            "links.listed": [Example(best_as=EMPTY), Example(best_as=RICH)],
            "public.order": [Example({"number": each["number"]}) for each in rich.public_orders],
            "public.returned": [Example(each) for each in rich.public_orders],
            "public.go": [Example({"number": rich.public_orders[0]["number"]})],
            "looks.listed": [Example(best_as=EMPTY), Example(best_as=RICH)],
            "office.audit": [
                Example(),
                Example(query=f"act=people&of={rich.orders['paid']}"),
                Example(query="of=nobody+is+called+so"),
            ],
            "support.enter": [Example(lets_in)],
            "portal.dashboard": [Example(best_as=EMPTY), Example(best_as=RICH)],
            "portal.payments": [Example(best_as=EMPTY), Example(best_as=RICH), Example(query="state=refunded")],
            "office.payment": [Example({"number": each}) for each in rich.orders.values()],
            "office.payments_list": [
                Example(),
                Example(query=f"payer=Mi%C4%99dzygminne&state=paid&gateway=payu&from={clock.today()}"),
                Example(query="payer=nobody+is+called+so"),
            ],
            "refunds.show": [Example({"refund_id": each}) for each in rich.back.refunds.values()],
            "refunds.propose_form": [
                Example(),
                Example({"number": rich.orders["in suspense"], "capture_id": rich.back.unfit_id}),
            ],
            "exchange.run": [Example({"run_id": each}) for each in runs.values()],
            "exchange.missing": [Example(), Example(query="trouble=checksum"), Example(query="trouble=missing")],
            "exchange.overview": [Example(), Example(query="state=refused"), Example(query="state=running")],
            "reconciliation.days": [
                Example(),
                Example(query=f"day={clock.today()}"),
                Example(query=f"day={clock.today()}&lines=differing"),
                Example(query=f"day={clock.today() - timedelta(days=400)}"),
            ],
            "reconciliation.day_file": [Example({"wanted": each}, query=f"day={clock.today()}") for each in FILES],
            "reconciliation.payout": [Example({"payout_id": each}) for each in money["payouts"]],
            "office.differences": [
                Example(),
                Example(query="kind=chargeback"),
                Example(query="state=closed"),
                Example(query="kind=portal_only&age=30&owner=mine"),
            ],
            "differences.show": [Example({"difference_id": each}) for each in money["differences"]],
            "office.payers": [Example(), Example(query="q=Kowal"), Example(query="q=nobody+is+called+so")],
            "content.news_item": [Example({"slug": "walk"}), Example({"slug": "walk-warning"})],
            "content.page": [Example({"slug": FORMAL_SERVICE})],
            "content.terms_version": [Example({"version": STANDARD_TERMS})],
            "editing.new": [Example({"kind": "news"}), Example({"kind": "page"})],
            "editing.edit": [
                Example({"kind": "front", "slug": MAIN, "language": "pl"}),
                Example({"kind": "news", "slug": "walk", "language": "pl"}),
                Example({"kind": "news", "slug": "walk", "language": "uk"}),
                Example({"kind": "terms", "slug": "1", "language": "en"}),
            ],
            "editing.delete": [Example({"kind": "news", "slug": "walk"})],
            "office.search": [Example(query="q=Mi%C4%99dzygminne"), Example(query="q=nobody+is+called+so")],
        },
    )


class _Rich:
    """A payer with every kind of debt and every end a payment can come to."""

    def __init__(self, session: Session, payu_url: str) -> None:
        self.session, self.payu_url = session, payu_url
        self.account = session.scalars(select(MerchantAccount).order_by(MerchantAccount.merchant)).first()
        self.payer: Payer = PayerFactory(
            source=OURS, name=LONG_NAME, kind=PayerKind.COMPANY, street="ulica Zażółcona 1/2", city="Lipowo"
        )
        self.second: Payer = PayerFactory(source=OURS, name="Jan Oo")
        self.user: User = UserFactory(
            name=f"Konstancja {LONG_WORD[:80]}", password_hash=None, acts_for=[self.payer, self.second]
        )
        assert self.account is not None
        self.account.commission_payer, self.account.commission_rate, self.account.blik = CommissionPayer.PAYER, 99, True
        self.account_id = self.account.id
        tax = KindFactory(
            source=OURS, creditor_account=self.account.creditor_account, in_parts=True, resolution="XII/123/2025"
        )
        lease = KindFactory(source=OURS, creditor_account=None, title="Użytkowanie wieczyste gruntu", position=20)
        self.kind_id = tax.id
        self.receivables = self._debts(tax, lease)
        self.receivable_id = self.receivables[0]
        self._history()
        self.orders = self._payments(tax)
        self.back = refund_some(session, paid=self.orders["paid"], unfit=self.orders["in suspense"], text=LONG_NAME)
        self.secret, self.public_orders = self._link(tax)

    def _debt(self, kind: Any, title: str = "Podatek od nieruchomości 2026", **more: Any) -> Instalment:
        receivable = ReceivableFactory(
            source=OURS, kind=kind, title=title, account="1" * 26, basis="Uchwała nr XV/123/2025 Rady Gminy"
        )
        made: Instalment = InstalmentFactory(source=OURS, receivable=receivable, payer=self.payer, **more)
        return made

    def _debts(self, tax: Any, lease: Any) -> list[Any]:
        years_ago = clock.today() - timedelta(days=7 * 365)
        old = self._debt(tax, due_on=years_ago, interest=Money(987_654), costs=Money(1_600))
        wide = self._debt(tax, LONG_WORD, principal=Money(99_999_999_99), charged=Money(99_999_999_99), overdue=True)
        begun = self._debt(tax, LONG_NAME[:200], charged=Money(100_000), principal=Money(1))
        paid = self._debt(tax, principal=Money(0))
        offline = self._debt(lease, overdue=True)
        for number in range(2, MANY):
            InstalmentFactory(source=OURS, receivable=begun.receivable, number=number)
        self.payable = [old.id, wide.id, offline.id, begun.id]
        closed = self._ended(tax)
        self._beside(old, tax)
        return [*(each.receivable_id for each in (old, wide, begun, paid, offline)), closed]

    def _ended(self, kind: Any) -> Any:
        """More settled receivables of past years than a page holds, and one that was closed with a debt."""
        last = clock.today().year - 1
        for number in range(MANY):
            words = {"title": f"Podatek {number} {LONG_WORD[:number]}", "period_from": date(last - number // 8, 1, 1)}
            made = ReceivableFactory(source=OURS, kind=kind, period_until=date(last - number // 8, 12, 31), **words)
            InstalmentFactory(source=OURS, receivable=made, payer=self.payer, principal=Money(0))
        made.closed_at = clock.now()
        return made.id

    def _beside(self, old: Instalment, kind: Any) -> None:
        """Others who are liable for the oldest debt, and the cost of a reminder for it."""
        cost = ReceivableFactory(
            source=OURS, kind=kind, parent_id=old.receivable_id, title=f"Koszty upomnienia {LONG_WORD[:60]}"
        )
        InstalmentFactory(source=OURS, receivable=cost, payer=self.payer, overdue=True)
        for payer, role in (
            (self.second, LiabilityRole.CO_OWNER),
            (PayerFactory(source=OURS, name=LONG_NAME), LiabilityRole.USER),
        ):
            LiabilityFactory(
                receivable_id=old.receivable_id, payer_id=payer.id, role=role, share_part=1, share_whole=1000
            )

    def _history(self) -> None:
        """What the finance system booked, and money that pays for nothing yet."""
        for number, kind in enumerate(OperationKind):
            self.session.add(
                Operation(
                    source=OURS,
                    external_id=f"W-{number}",
                    receivable_id=self.receivable_id,
                    kind=kind,
                    booked_on=clock.today(),
                    happened_on=clock.today() - timedelta(days=400 * number),
                    document=f"KP/{number}/2026/{LONG_WORD[:40]}",
                    principal=Money(-10_000 * number),
                    interest=Money(0),
                    costs=Money(number),
                    digest=uuid4(),
                    run_id=uuid4(),
                )
            )
        self.session.add(
            Overpayment(
                source=OURS,
                external_id="W-1",
                payer_id=self.payer.id,
                amount=Money(12_345),
                arose_on=clock.today(),
                digest=uuid4(),
                run_id=uuid4(),
            )
        )

    def _payments(self, tax: Any) -> dict[str, str]:
        """The numbers of orders by what became of them."""
        completed, rejected = TransactionState.COMPLETED, TransactionState.REJECTED
        made = {
            "created": self._order(tax, started=False),
            "started": self._order(tax),
            "abandoned": self._order(tax, (rejected, 0)),
            "paid": self._order(tax, (completed, 0)),
            "in suspense": self._order(tax, (completed, -1)),
        }
        made["paid twice"] = self._order(tax, (completed, 0), (completed, 0))
        old = self._order(tax)
        old.ordered_on -= timedelta(days=1)
        made["of yesterday"] = old
        return {name: order.number for name, order in made.items()}

    def _link(self, kind: Any) -> tuple[str, list[dict[str, Any]]]:
        """A link that is good, one that was taken back, and payments somebody made by the first."""
        first, second = self._debt(kind, overdue=True), self._debt(kind, LONG_WORD)
        words = {"payer_id": self.payer.id, "user_id": self.user.id, "instalment_ids": [first.id, second.id]}
        make_link(self.session, **words)
        self.session.scalars(select(PaymentLink)).one().revoked_at = clock.now()
        secret = make_link(self.session, **words)
        link = self.session.scalars(select(PaymentLink).where(PaymentLink.revoked_at.is_(None))).one()
        orders = [self._order(kind), self._order(kind, (TransactionState.COMPLETED, 0))]
        for order in orders:
            order.link_id, order.user_id, order.return_secret = link.id, None, new_secret()
        return secret, [{"number": order.number, "secret": order.return_secret} for order in orders]

    def _attempt(self, order: PaymentOrder) -> Transaction:
        """One at the gateway that has not said yet where its page is, so that the next is another one."""
        assert self.account is not None
        attempt = open_transaction(self.session, order, self.account)
        return mark_started(self.session, attempt.id, external_id=f"WALK-{attempt.id.hex[:12]}", redirect_url=None)

    def _order(self, kind: Any, *ends: tuple[TransactionState, int], started: bool = True) -> PaymentOrder:
        """An order, and an attempt for each end: how it ended, and by how many grosze the money was wrong."""
        session, account = self.session, self.account
        assert account is not None
        instalment = self._debt(kind, "Opłata za gospodarowanie odpadami")
        chosen = [Chosen(instalment.id, Amounts(instalment.principal, instalment.interest, instalment.costs))]
        order = order_payment(
            session,
            request_key=uuid4(),
            payer_id=self.payer.id,
            user_id=self.user.id,
            chosen=chosen,
            email=self.user.email,
            language="pl",
        )
        session.refresh(order)
        attempts = [self._attempt(order) for _each in ends or range(started)]
        for attempt in attempts:
            number = f"WALK-{attempt.id.hex[:12]}"
            mark_started(session, attempt.id, external_id=number, redirect_url=f"{self.payu_url}/pay/{number}")
        for attempt, (state, wrong) in zip(attempts, ends, strict=False):
            amount = Money(attempt.amount.grosze + wrong)
            said = GatewayReport(attempt.id, attempt.external_id or "", amount, "PLN", state, merchant=account.merchant)
            record_report(session, attempt.id, said)
            session.add(
                Notification(
                    merchant_account_id=account.id,
                    key=attempt.id.hex,
                    transaction_id=attempt.id,
                    headers="{}",
                    body=b'{"order": {"status": "COMPLETED"}}',
                    received_at=clock.now(),
                )
            )
        session.flush()
        return order


def _documents(session: Session, tenant: Tenant, receivable_id: Any, run_id: Any) -> Any:
    """One that can be read, and one whose file did not come."""
    content = b"%PDF-1.7\n%%EOF\n"
    sha256 = hashlib.sha256(content).hexdigest()
    kept = place_of(open_spool(tenant.instance.settings.files, tenant.id, OURS), sha256)
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_bytes(content)
    shared = {"source": OURS, "receivable_id": receivable_id, "run_id": run_id}
    for source in (OURS, REAL):
        words = shared | {"source": source}
        DocumentFactory(title=f"Umowa {LONG_WORD[:90]}", trouble=DocumentTrouble.CHECKSUM, **words)
    here = DocumentFactory(sha256=sha256, size=len(content), arrived_at=clock.now(), **shared)
    return here.id


def _texts(session: Session, by: Any) -> None:
    """What the office wrote: news with all that a text may hold, and a warning."""
    body = f"## {LONG_WORD}\n\n{LONG_NAME}\n\n* jeden\n* **dwa**\n\n1. [strona](/help)\n\n> cytat\n"
    for kind, slug in ((ArticleKind.NEWS, "walk"), (ArticleKind.WARNING, "walk-warning")):
        title = f"{LONG_WORD[:90]} {slug}"
        save_article(session, Key(kind, slug, "pl"), version=0, title=title, body=body, by=by)


def _people(session: Session, rich: _Rich) -> Iterator[tuple[str, Walker]]:
    """Residents of three kinds, an official for each role there is and one without any."""
    users = {
        RICH: rich.user,
        EMPTY: UserFactory(password_hash=None, acts_for=[PayerFactory(source=OURS, name="Ó")], terms_version=None),
        NO_PAYER: UserFactory(password_hash=None),
        **{str(role): OfficialFactory(password_hash=None, has_roles=[role]) for role in Role},
        "official without a role": OfficialFactory(password_hash=None),
    }
    users["official without a role"].roles = ""
    session.flush()
    session.expire_all()
    for name, user in users.items():
        token = uuid4().hex
        session.add(
            WebSession(
                token_hash=hash_token(token),
                user_id=user.id,
                way="local",
                payer_id=rich.payer.id if name == RICH else None,
                second_at=clock.now() + timedelta(hours=1),  # nobody is asked again, however long the walk takes
                created_at=clock.now(),
                seen_at=clock.now(),
                expires_at=clock.now() + timedelta(days=1),
                ip="127.0.0.1",
                agent="Mozilla/5.0 Firefox/150.0",
            )
        )
        roles = frozenset(user.roles.split())
        yield name, Walker(name, user.kind, roles, token)
