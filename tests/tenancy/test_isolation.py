"""A canary in every text of the neighbour: no page, in no role, with no address, ever shows it."""

import json
import re
from uuid import UUID, uuid4

import pytest
from psycopg import sql
from sqlalchemy import select, text
from tests.tenancy.filling import fill

from skarbnik import clock
from skarbnik.accounts.services import make_api_client
from skarbnik.db import Base
from skarbnik.exchange.spool import open_spool
from skarbnik.payments.models import (
    Difference,
    PaymentOrder,
)
from skarbnik.plugin_api import Role
from skarbnik.testing.factories import (
    PASSWORD,
    OfficialFactory,
    PayerFactory,
    UserFactory,
    bound_to,
)

CANARY = "ZQXJKV"


# Documents whose shape the database or the code relies on: the canary stands where somebody wrote a text.
INTO = {
    ("surveys_surveys", "questions"): "jsonb_set(t.questions, '{{0,text}}', to_jsonb(%s || n))",
    ("surveys_sheets", "answers"): "jsonb_set(t.answers, '{{q3}}', to_jsonb(%s || n))",
}


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
        usual = {"bytea": "(%s || n)::bytea", "jsonb": "jsonb_build_object(%s || n, 1)"}.get(kind, "%s || n")
        value = INTO.get((table, column), usual)
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
