"""A canary in every text of the neighbour: no page, in no role, with no address, ever shows it."""

import json
import re
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from psycopg import sql
from sqlalchemy import select, text

from skarbnik import clock
from skarbnik.accounts.models import PasswordLink, Role, SignInAttempt, SignInOutcome, UserKind, WebSession
from skarbnik.accounts.services import make_api_client
from skarbnik.audit.sealing import seal_batch
from skarbnik.audit.services import keep_for, record_act
from skarbnik.content.models import ArticleKind, Key
from skarbnik.content.services import save_article
from skarbnik.db import Base
from skarbnik.exchange.models import BatchLine, BookingBatch, ImportProblem, ImportRun, ReplacedRow
from skarbnik.exchange.spool import open_spool
from skarbnik.exchange.states import RunState
from skarbnik.mail.services import Paper, send_mail
from skarbnik.money import Money
from skarbnik.payers.models import MandateBasis
from skarbnik.payments import settlements
from skarbnik.payments.links import make_link
from skarbnik.payments.models import (
    BookingLine,
    Difference,
    MerchantAccount,
    Notification,
    PaymentLink,
    PaymentOrder,
    Payout,
    SettlementOrigin,
)
from skarbnik.payments.refunds import propose_refund
from skarbnik.payments.services import open_difference, record_report
from skarbnik.payments.states import RefundKind
from skarbnik.plugin_api import OperationKind, SettlementKind, SettlementLine
from skarbnik.receivables.models import DatedKind, Document, Operation, Overpayment, SwitchName
from skarbnik.receivables.services import set_switch, set_value
from skarbnik.remarks.models import Outcome, Topic
from skarbnik.remarks.services import answer_remark, take_up, write_remark
from skarbnik.testing.factories import (
    PASSWORD,
    InstalmentFactory,
    MandateFactory,
    OfficialFactory,
    PayerFactory,
    SourceFactory,
    TransactionFactory,
    UserFactory,
    bound_to,
    report_on,
)

CANARY = "ZQXJKV"


def fill(session, tenant, open_account, **settings):
    """One of everything a gmina can have. Ids and numbers by the name they have in addresses."""
    now = clock.now()
    source = SourceFactory()
    payer = PayerFactory(nip="5260001246", email="osoba@example.pl")
    user, official = UserFactory(acts_for=[payer]), OfficialFactory(has_roles=list(Role))
    instalment = InstalmentFactory(payer=payer)
    unpaid = InstalmentFactory(receivable=instalment.receivable, number=2)
    account = open_account(session, tenant, instalment.receivable.kind.creditor_account, **settings)
    transaction = TransactionFactory(started=True, instalment=instalment, merchant_account=account)
    record_report(session, transaction.id, report_on(transaction, "E-1"))
    booking = session.scalars(select(BookingLine)).one()
    order = transaction.order
    order.user_id, order.payer_id = user.id, payer.id
    run = ImportRun(
        source=source.id, file_name="puma-export-000001.xml", state=RunState.REFUSED, message="Plik jest ucięty.",
        registered_at=now, finished_at=now,
    )  # fmt: skip
    batch = BookingBatch(
        source=source.id, number=1, file_name="puma-bookings-000001.xml", content=b"<x/>", sha256="0" * 64, made_at=now
    )
    session.add_all([run, batch])
    session.flush()
    open_difference(session, "overpaid", booking.id, order_id=order.id, amount=Money(1))
    words = {"recipient": "a@b.pl", "subject": "Wpłata", "text": "Wpłata", "paper": Paper("wplata.pdf", b"%PDF")}
    send_mail(session, cause="payment.paid", subject_id=order.id, **words)
    for each in session.scalars(select(MerchantAccount)):
        each.proposal_id, each.proposed_keys = each.id, b"sealed"
        each.proposed_by, each.proposed_at = official.id, now
    look = {"subject": "payer", "subject_id": payer.id, "payers": [payer.id]}
    record_act(session, "payer.viewed", **look, actor="user", actor_id=official.id)
    keep_for(session, 3, by=official.id)
    seal_batch(tenant, session)
    news = Key(ArticleKind.NEWS, "przerwa", "pl")
    save_article(session, news, version=0, title="Przerwa", body="W sobotę.", answers={"a": "b"}, by=official.id)
    client_id, _secret = make_api_client(session, name="Program", scopes=frozenset({"receivables:read"}))
    row = {"source": "puma", "digest": uuid4(), "run_id": run.id}
    session.add_all([
        Notification(
            merchant_account_id=account.id, key="k", transaction_id=transaction.id, headers="{}", body=b"{}",
            received_at=now,
        ),
        ImportProblem(run_id=run.id, position=0, line=3, code="duplicate", message="Numer 7 występuje dwa razy."),
        BatchLine(batch_id=batch.id, booking_line_id=booking.id),
        ReplacedRow(
            replaced_by=run.id, row_id=instalment.id, written_by=uuid4(), title="Podatek", number="1/2026",
            principal=Money(1), closed=False,
        ),
        Overpayment(external_id="NP-1", payer_id=payer.id, amount=Money(5), arose_on=clock.today(), **row),
        Document(
            external_id="D-1", receivable_id=instalment.receivable_id, title="Decyzja", issued_on=clock.today(),
            sha256="0" * 64, size=1000, **row,
        ),
        Operation(
            external_id="O-1", receivable_id=instalment.receivable_id, kind=OperationKind.CHARGE,
            booked_on=clock.today(), happened_on=clock.today(), document="PK 12/2026", principal=Money(1),
            interest=Money(0), costs=Money(0), **row,
        ),
        WebSession(
            token_hash="0" * 64, user_id=user.id, way="local", created_at=now, seen_at=now, expires_at=now,
            ip="127.0.0.1", agent="Mozilla",
        ),
        PasswordLink(
            user_id=official.id, secret_hash="0" * 64, made_by=user.id, created_at=now,
            expires_at=now + timedelta(days=1),
        ),
        SignInAttempt(
            at=now, kind=UserKind.RESIDENT, user_id=user.id, outcome=SignInOutcome.WRONG, way="local", ip="127.0.0.1",
        ),
    ])  # fmt: skip
    session.flush()
    propose_refund(
        session,
        booking.capture_id,
        kind=RefundKind.GATEWAY,
        lines={booking.id: Money(1)},
        reason="nadpłata",
        by=official.id,
    )
    report = SettlementOrigin.REPORT
    told = [
        SettlementLine(SettlementKind.PAYMENT, "E-1", Money(10_000), "PLN", now, payout="W-1"),
        SettlementLine(SettlementKind.PAYOUT, "W-1", Money(10_000), "PLN", now),
    ]
    settlements.keep(session, account.id, told, report)
    settlements.note_told(session, account.id, clock.today(), report)
    settlements.match(session, account.id)
    set_value(session, DatedKind.FREE_DAY, clock.today(), 1, note="dzień wolny urzędu")
    set_switch(session, SwitchName.NAME_CO_OWNERS, on=True, by=official.id)
    right = MandateFactory(user_id=user.id, payer_id=payer.id, basis=MandateBasis.PROXY)
    remark = write_remark(
        session, user_id=user.id, payer_id=payer.id, receivable_id=instalment.receivable_id, topic=Topic.AMOUNT,
        text="Mam 100 m², nie 120.", language="pl",
    )  # fmt: skip
    secret = make_link(session, payer_id=payer.id, user_id=user.id, instalment_ids=[unpaid.id])
    link = session.scalars(select(PaymentLink)).one()
    take_up(session, remark.id, by=official.id)
    answer_remark(session, remark.id, outcome=Outcome.NOT_WRONG, text="Tak jest w ewidencji.", by=official.id)
    session.execute(
        text(
            "INSERT INTO api_tokens (token_hash, client_id, scopes, expires_at)"
            " SELECT repeat('0', 64), id, scopes, :now FROM api_clients WHERE id = CAST(:client AS uuid)"
        ),
        {"now": now, "client": client_id},
    )
    return {
        "user": user, "official": official, "payer": payer, "instalment": instalment, "unpaid": unpaid, "run": run,
        "receivable": instalment.receivable_id, "booking": booking.id, "order": order, "account": account,
        "transaction": transaction, "batch": batch, "kind": instalment.receivable.kind_id,
        "mandate": right.id, "mandate_request": right.request_id,
        "remark": remark.id, "link": link.id, "secret": secret, "merchant_account": account.id,
        "difference": session.scalars(select(Difference.id).limit(1)).one(),
        "payout": session.scalars(select(Payout.id)).one(),
    }  # fmt: skip


def plant(connection, schema):
    """The canary into every text that no rule of the table forbids. Names of columns that carry it."""
    columns = connection.execute(
        "SELECT c.table_name, c.column_name, coalesce(c.character_maximum_length, 200), c.data_type"
        " FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)"
        " WHERE c.table_schema = %s AND t.table_type = 'BASE TABLE'"
        " AND c.data_type IN ('character varying', 'text', 'bytea', 'jsonb')",
        (schema,),
    ).fetchall()
    planted = []
    for table, column, length, kind in columns:
        value = {"bytea": "(%s || n)::bytea", "jsonb": "jsonb_build_object(%s || n, 1)"}.get(kind, "%s || n")
        statement = sql.SQL(
            "UPDATE {table} AS t SET {column} = " + value + " FROM"
            " (SELECT ctid AS place, row_number() OVER () AS n FROM {table}) AS numbered WHERE t.ctid = place"
        ).format(table=sql.Identifier(schema, table), column=sql.Identifier(column))
        try:
            with connection.transaction():
                connection.execute("SET LOCAL session_replication_role = replica")
                connection.execute(statement, (CANARY,))
        except Exception:
            assert length < 8 or kind == "character varying", f"{table}.{column}"
            continue
        planted.append((table, column))
    return planted


@pytest.fixture
def towns(tenant, neighbour, open_account, clean):
    """Both gminas full; in the neighbour every text is the canary."""
    with tenant.session() as session, bound_to(session):
        own = fill(session, tenant, open_account)
    with neighbour.session() as session, bound_to(session):
        foreign = fill(session, neighbour, open_account, pos_id="145227")
        empty = [table.name for table in Base.metadata.sorted_tables if not session.execute(select(table)).first()]
        assert empty == []
    with clean.as_admin() as connection:
        planted = plant(connection, neighbour.schema)
    assert {("payers", "name"), ("users", "email"), ("receivables", "title"), ("payment_orders", "number")} <= set(
        planted
    )
    assert len(planted) > 70
    with neighbour.session() as session:
        foreign["order"] = session.scalars(select(PaymentOrder)).one()
        assert CANARY in foreign["order"].number
    return own, foreign


@pytest.fixture
def people(browse, towns, tenant):
    """Everybody who may look at Lipowo: a stranger, a resident, an official in each role."""
    with tenant.session() as session, bound_to(session):
        officials = {role: OfficialFactory(has_roles=[role]) for role in Role}
    made = {"anonymous": browse("lipowo"), "resident": browse("lipowo")}
    made["resident"].sign_in(towns[0]["user"].email, PASSWORD)
    for role, user in officials.items():
        made[role] = browse("lipowo")
        made[role].sign_in(user.email, PASSWORD, office=True)
    return made


def addresses(app, foreign):
    """Every address that can be read, with the neighbour's ids and numbers where it takes one."""
    ids = [each for name, each in foreign.items() if isinstance(each, UUID)]
    ids += [
        foreign[name].id for name in ("user", "payer", "instalment", "unpaid", "run", "batch", "order", "transaction")
    ]
    for rule in app.url_map.iter_rules():
        if "GET" not in rule.methods or rule.rule.startswith("/static/"):
            continue
        if "<uuid:" in rule.rule:
            for each in ids:
                yield re.sub(r"<uuid:\w+>", str(each), rule.rule)
        elif "<" in rule.rule:
            yield re.sub(r"<\w+>", foreign["order"].number, rule.rule)
        else:
            yield rule.rule
    unpaid = foreign["unpaid"].id
    yield f"/payments/new?i={unpaid}&i={foreign['instalment'].id}"
    yield f"/receivables?kind={foreign['kind']}"
    yield f"/office/payments?before={UUID(int=2**128 - 1)}"
    yield f"/office/exchange?before={UUID(int=2**128 - 1)}"
    yield "/office/payers?q=ZQX"
    yield "/office/payments?state=paid"
    yield f"/office/reconciliation?day={clock.today()}"
    yield f"/office/reconciliation/protocol/csv?day={clock.today()}"
    yield f"/office/reconciliation/payouts/{foreign['payout']}/file/csv"
    yield "/office/differences?state=closed"


def test_no_page_in_any_role_shows_anything_of_the_neighbour(app, people, towns):
    _own, foreign = towns
    seen = {}
    for who, browser in people.items():
        for path in addresses(app, foreign):
            answer = browser.get(path)
            seen.setdefault(who, []).append(answer.status_code)
            assert answer.status_code < 500, (who, path)
            shown = f"{answer.headers}{answer.text}".replace(path, "")  # what was asked may be said again
            assert CANARY not in shown, (who, path)
            if foreign["order"].number in path:
                assert answer.status_code in (303, 401, 404), (who, path)
    assert seen["resident"].count(200) >= 8
    assert seen[Role.ADMINISTRATOR].count(200) >= 8
    assert all(len(codes) > 30 for codes in seen.values())


def test_the_neighbours_own_pages_do_show_the_canary(browse, towns, neighbour):
    """The other way round: if this fails, the tests above look for the wrong word."""
    with neighbour.session() as session, bound_to(session):
        official = OfficialFactory(has_roles=[Role.ACCOUNTANT])
    browser = browse("debina")
    browser.sign_in(official.email, PASSWORD, office=True)

    for path in (
        "/office/payments",
        "/office/payers?q=ZQX",
        "/office/exchange",
        f"/office/exchange/batches/{towns[1]['batch'].id}",
        "/office/remarks?state=answered",
        "/office/people/requests?state=confirmed",
        f"/office/people/requests/{towns[1]['mandate_request']}",
        "/office/residents",
        f"/office/residents/{towns[1]['user'].id}",
        f"/office/reconciliation?day={clock.today()}",
        "/office/reconciliation/payouts",
        f"/office/reconciliation/payouts/{towns[1]['payout']}",
        "/office/differences",
        f"/office/remarks/{towns[1]['remark']}",
        f"/office/payers/{towns[1]['payer'].id}",
    ):
        assert CANARY in browser.get(path).text


def checksum(connection, schema):
    tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s ORDER BY 1", (schema,))
    digest = sql.SQL("SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {} AS t")
    return {
        table: connection.execute(digest.format(sql.Identifier(schema, table))).fetchone()
        for (table,) in tables.fetchall()
    }


def test_no_form_with_the_neighbours_ids_changes_anything_there(people, towns, neighbour, clean):
    _own, foreign = towns
    unpaid = foreign["unpaid"]
    with clean.as_admin() as connection:
        before = checksum(connection, neighbour.schema)
    order = {"request_key": str(uuid4()), "i": str(unpaid.id), "p": "10000", "n": "0", "k": "0"}
    decision = {"payer": str(foreign["payer"].id), "basis": "proxy", "what_for": "pay", "from_on": "2026-11-01"}
    reason = {"reason": "x"}
    forms = [
        ("resident", "/payments", order, 409),
        ("resident", f"/payments/{foreign['order'].number}/pay", {}, 404),
        ("resident", "/acting", {"payer": str(foreign["payer"].id)}, 404),
        (Role.ACCOUNTANT, f"/office/differences/{foreign['booking']}/book", {}, 404),
        (Role.ACCOUNTANT, f"/office/differences/{foreign['difference']}/take", {}, 404),
        (Role.ACCOUNTANT, f"/office/differences/{foreign['difference']}/give-back", {}, 404),
        (Role.ACCOUNTANT, f"/office/differences/{foreign['difference']}/note", {"note": "x"}, 404),
        (Role.ACCOUNTANT, f"/office/differences/{foreign['difference']}/close", {"resolution": "x"}, 404),
        ("resident", f"/remarks/{foreign['remark']}/withdraw", {}, 404),
        ("resident", f"/acting/requests/{foreign['mandate_request']}/withdraw", {}, 404),
        ("resident", f"/acting/mandates/{foreign['mandate']}/give-up", {}, 404),
        ("resident", f"/acting/given/{foreign['mandate']}/end", {}, 404),
        (Role.ACCOUNTANT, f"/office/people/requests/{foreign['mandate_request']}/confirm", decision, 404),
        (Role.ACCOUNTANT, f"/office/people/requests/{foreign['mandate_request']}/refuse", {"reason": "x"}, 404),
        (Role.ACCOUNTANT, f"/office/residents/{foreign['user'].id}/mandates/{foreign['mandate']}/end", reason, 404),
        (Role.ADMINISTRATOR, f"/office/residents/{foreign['user'].id}/block", {"cause": "asked"}, 404),
        (Role.ADMINISTRATOR, f"/office/residents/{foreign['user'].id}/unblock", {"cause": "asked"}, 404),
        (Role.ADMINISTRATOR, f"/office/residents/{foreign['user'].id}/sign-out", {}, 404),
        ("resident", f"/payments/links/{foreign['link']}/revoke", {}, 404),
        ("resident", "/payments/links", {"instalment": str(unpaid.id)}, 303),
        ("resident", f"/pay/{foreign['secret']}", order | {"pay": str(unpaid.id)}, 404),
        (Role.ACCOUNTANT, f"/office/gateways/{foreign['merchant_account']}", {"title": "x"}, 404),
        (Role.ACCOUNTANT, f"/office/remarks/{foreign['remark']}/take", {}, 404),
        (Role.ACCOUNTANT, f"/office/remarks/{foreign['remark']}/answer", {"outcome": "not_wrong", "text": "x"}, 404),
    ]
    for who, path, fields, status in forms:
        people[who].get("/acting" if who == "resident" else "/office/differences")
        answer = people[who].post(path, fields)
        assert (path, answer.status_code) == (path, status)
        assert CANARY not in answer.text

    with clean.as_admin() as connection:
        assert checksum(connection, neighbour.schema) == before


def test_a_session_of_one_gmina_is_worth_nothing_at_another(people, towns, app):
    browser = people["resident"]
    cookies = "; ".join(f"{cookie.key}={cookie.value}" for cookie in browser.client._cookies.values())
    assert "session" in cookies

    there = app.test_client(use_cookies=False).get(
        "/dashboard", base_url="https://debina.skarbnik.test", headers={"Cookie": cookies}
    )
    here = app.test_client(use_cookies=False).get(
        "/dashboard", base_url="https://lipowo.skarbnik.test", headers={"Cookie": cookies}
    )
    assert (here.status_code, there.status_code) == (200, 303)


def test_a_form_token_of_one_gmina_is_worth_nothing_at_another(browse, app):
    browser = browse("debina")
    token = browser.token()
    cookies = "; ".join(f"{cookie.key}={cookie.value}" for cookie in browser.client._cookies.values())
    sent = {"csrf_token": token, "email": "a@b.pl", "password": "x"}

    def post(slug):
        base = f"https://{slug}.skarbnik.test"
        client = app.test_client(use_cookies=False)
        return client.post(
            "/sign-in", base_url=base, data=sent, headers={"Cookie": cookies, "Origin": base}
        ).status_code

    assert (post("debina"), post("lipowo")) == (422, 400)


def test_an_access_token_of_one_gmina_is_worth_nothing_at_another(app, tenant, neighbour):
    with tenant.session() as session:
        client_id, secret = make_api_client(session, name="Program", scopes=frozenset({"receivables:read"}))
    client = app.test_client()

    def ask(slug):
        return client.post(
            "/api/v1/oauth/token", base_url=f"https://{slug}.skarbnik.test", auth=(client_id, secret),
            data={"grant_type": "client_credentials"},
        )  # fmt: skip

    token = ask("lipowo").json["access_token"]
    assert ask("debina").status_code == 401
    answers = [
        client.get(
            "/api/v1/receivables",
            base_url=f"https://{slug}.skarbnik.test",
            headers={"Authorization": f"Bearer {token}"},
        ).status_code
        for slug in ("lipowo", "debina")
    ]
    assert answers == [200, 401]


def test_the_api_answers_with_ones_own_things_only(app, tenant, towns):
    with tenant.session() as session:
        scopes = frozenset({"receivables:read", "payments:read"})
        client_id, secret = make_api_client(session, name="Program", scopes=scopes)
    client, base = app.test_client(), "https://lipowo.skarbnik.test"
    token = client.post(
        "/api/v1/oauth/token", base_url=base, auth=(client_id, secret), data={"grant_type": "client_credentials"}
    ).json["access_token"]
    headers = {"Authorization": f"Bearer {token}"}

    listed = client.get("/api/v1/receivables", base_url=base, headers=headers)
    assert len(listed.json["items"]) == 1
    assert CANARY not in json.dumps(listed.json)
    number = towns[1]["order"].number
    assert client.get(f"/api/v1/payment-orders/{number}", base_url=base, headers=headers).status_code == 404
    assert (
        client.get(f"/api/v1/payment-orders/{towns[0]['order'].number}", base_url=base, headers=headers).status_code
        == 200
    )


def test_another_residents_things_do_not_exist_for_me(people, towns, tenant, browse):
    own, _foreign = towns
    with tenant.session() as session, bound_to(session):
        other = UserFactory(acts_for=[PayerFactory()])
    browser = browse("lipowo")
    browser.sign_in(other.email, PASSWORD)
    for path in (f"/receivables/{own['receivable']}", f"/payments/{own['order'].number}"):
        assert people["resident"].get(path).status_code == 200
        assert browser.get(path).status_code == 404
    assert "Podatek" not in browser.get(f"/payments/new?i={own['unpaid'].id}", follow_redirects=True).text


def test_files_of_a_gmina_lie_under_its_id_and_not_its_slug(clean, tenant, neighbour):
    roots = {each.slug: open_spool(clean.settings.files, each.id, "puma").root for each in (tenant, neighbour)}

    assert len(set(roots.values())) == 2
    for each in (tenant, neighbour):
        assert each.id in roots[each.slug].parts
        assert each.slug not in roots[each.slug].parts


def test_money_of_the_neighbour_is_not_in_ones_own_equation(towns, tenant, neighbour):
    for each in (tenant, neighbour):
        with each.session() as session:
            assert session.scalar(text("SELECT sum(captured) FROM money_equation")) == 10_000
            assert session.scalar(select(Difference.order_id)) is not None
