"""Every page of the office that shows somebody's data stands in the trail: asked of the map of routes, one by one.

A new page has to say `@records("what.it_writes")` or `@impersonal("why")` beside its `@requires`. The first is held to
its word by looking, the second by names and texts of residents that no such page may show.
"""

import inspect
import re

import pytest
from psycopg import sql
from sqlalchemy import select, text
from tests.tenancy.filling import fill
from tests.tenancy.surveys import TEXT, survey_of

from skarbnik import clock
from skarbnik.audit.models import AuditEntry
from skarbnik.db import new_id
from skarbnik.payments.models import Notification
from skarbnik.plugin_api import Role
from skarbnik.receivables.models import Document
from skarbnik.testing.factories import PASSWORD, OfficialFactory, bound_to
from skarbnik.web.access import find_access, find_trail

CANARY = "ZQXJKV"
OF_PEOPLE = {
    "payers": ("name", "street", "city", "postal_code", "email", "phone", "nip", "regon"),
    "users": ("name", "email", "phone"),
    "remarks": ("text",),
    "registrations": ("name", "email"),
    "mandate_requests": ("name", "document", "reason"),
    "mails": ("recipient",),
    "notifications": ("body",),
}
QUERIES = {
    "office.payers": f"q={CANARY}",
    "office.search": f"q={CANARY}",
    "office_remarks.queue": "state=answered",
    "desk.find": "number=87654321",
    "requests.queue": "state=confirmed",
    "reconciliation.days": f"day={clock.today()}",
    "reconciliation.day_file": f"day={clock.today()}",
}


def office_routes(app):
    """Pages only officials see: those whose permission no resident has."""
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        access = find_access(app, rule.endpoint)
        permission = access.permission if access else None
        if permission is not None and permission.roles and not permission.residents and "GET" in rule.methods:
            yield rule


def test_every_page_of_the_office_says_whether_it_shows_people(app):
    routes = list(office_routes(app))

    assert len(routes) > 40
    assert [rule.endpoint for rule in routes if find_trail(app, rule.endpoint) is None] == []


def said_by(view):
    """The text of a view and of all it calls in its own file."""
    module, waiting, texts = inspect.getmodule(inspect.unwrap(view)), [inspect.unwrap(view)], {}
    while waiting:
        function = waiting.pop()
        texts[function] = inspect.getsource(function)
        called = (getattr(module, name, None) for name in re.findall(r"\b(\w+)\(", texts[function]))
        waiting += [
            each
            for each in called
            if inspect.isfunction(each) and inspect.getmodule(each) is module and each not in texts
        ]
    return "".join(texts.values())


def test_every_form_of_the_office_writes_down_what_was_done(app):
    silent, forms = [], 0
    for rule in app.url_map.iter_rules():
        access = find_access(app, rule.endpoint)
        permission = access.permission if access else None
        if permission is None or not permission.roles or permission.residents or "POST" not in rule.methods:
            continue
        forms += 1
        if not re.search(r"\brecord_(own_)?act\(", said_by(app.view_functions[rule.endpoint])):
            silent.append(rule.endpoint)
    assert forms > 25
    assert silent == ["editing.new"]  # only asks for a title, and keeps nothing


def plant(connection, schema):
    """A word into everything that is of people."""
    for table, columns in OF_PEOPLE.items():
        found = connection.execute(
            "SELECT column_name, coalesce(character_maximum_length, 99), data_type FROM information_schema.columns"
            " WHERE table_schema = %s AND table_name = %s AND column_name = ANY (%s)", (schema, table, list(columns)),
        ).fetchall()  # fmt: skip
        assert found, table
        for column, length, kind in found:
            value = "(%s || n)::bytea" if kind == "bytea" else "left(%s || n, " + str(length) + ")"
            connection.execute(
                sql.SQL(
                    "UPDATE {table} AS t SET {column} = " + value + " FROM"
                    " (SELECT ctid AS place, row_number() OVER () AS n FROM {table}) AS numbered WHERE t.ctid = place"
                    + (" AND t.kind = 'resident'" if table == "users" else "")
                ).format(table=sql.Identifier(schema, table), column=sql.Identifier(column)),
                (CANARY,),
            )


@pytest.fixture
def town(tenant, open_account, clean):
    with tenant.session() as session, bound_to(session):
        made = fill(session, tenant, open_account)
        looker = OfficialFactory(has_roles=list(Role))
        made["looker"] = looker
        made["document"] = session.scalars(select(Document.id)).one()
        made["notification"] = session.scalars(select(Notification.id)).one()
        made["refund"] = session.scalar(text("SELECT id FROM refunds"))
        made["capture"] = session.scalar(text("SELECT capture_id FROM refunds"))
        session.execute(text("UPDATE documents SET arrived_at = now()"))
        session.execute(
            text(
                "UPDATE merchant_accounts SET proposal_id = NULL, proposed_keys = NULL, proposed_by = NULL,"
                " proposed_at = NULL"
            )
        )
    with clean.as_admin() as connection:
        connection.execute("SET session_replication_role = replica")
        plant(connection, tenant.schema)
    return made


@pytest.fixture
def official(browse, town):
    browser = browse("lipowo")
    browser.sign_in(town["looker"].email, PASSWORD, office=True)
    return browser


def path_of(rule, town):
    """Its address, with what this town has."""
    values = {
        "payer_id": town["payer"].id,
        "number": town["order"].number,
        "notification_id": town["notification"],
        "document_id": town["document"],
        "capture_id": town["capture"],
        "refund_id": town["refund"],
        "remark_id": town["remark"],
        "difference_id": town["difference"],
        "payout_id": town["payout"],
        "run_id": town["run"].id,
        "batch_id": town["batch"].id,
        "source_id": town["run"].source,
        "kind_id": town["kind"],
        "account_id": town["account"].id,
        "wanted": "csv",
        "kind": "news",
        "slug": "przerwa",
        "language": "pl",
        "official_id": town["official"].id,
        "provider_id": "epuap",
        "use": "signing",
        "resident_id": town["user"].id,
        "mandate_id": town["mandate"],
        "request_id": town["mandate_request"],
        "booking_id": new_id(),
        "access_id": new_id(),
        "day": clock.today(),
        "what": "nothing",
    }
    values |= {"survey_id": town[survey_of(rule.endpoint)], "question_id": TEXT}
    if rule.endpoint.startswith("desk."):
        values["number"] = "12345678"
    path = re.sub(r"<(?:\w+:)?(\w+)>", lambda found: str(values[found[1]]), rule.rule)
    query = QUERIES.get(rule.endpoint)
    return f"{path}?{query}" if query else path


def written(tenant):
    with tenant.session() as session:
        rows = session.execute(select(AuditEntry.id, AuditEntry.action, AuditEntry.payers, AuditEntry.actor_id)).all()
    return {row.id: row for row in rows}


NO_FILE = {"payer_documents.document"}  # its bytes are not here; who asked for them is written down all the same
# Many payers at once, by numbers only; or somebody who is no payer yet.
OF_NOBODY = {"audit.searched", "audit.exported", "exchange.batch_taken", "registration.viewed", "surveys.texts_read"}


def test_a_page_that_shows_people_writes_who_looked_and_at_whom(app, official, town, tenant):
    seen = 0
    for rule in office_routes(app):
        trail = find_trail(app, rule.endpoint)
        if not trail.actions:
            continue
        before = written(tenant)
        answer = official.get(path_of(rule, town))
        assert answer.status_code == 200 or rule.endpoint in NO_FILE, (rule.endpoint, answer.status_code)
        if rule.endpoint in NO_FILE and answer.status_code != 200:
            continue
        new = [each for key, each in written(tenant).items() if key not in before]
        assert {each.action for each in new} == set(trail.actions), rule.endpoint
        assert {each.actor_id for each in new} == {town["looker"].id}
        if not set(trail.actions) <= OF_NOBODY:
            assert any(town["payer"].id in each.payers for each in new), rule.endpoint
        seen += 1
    assert seen >= 12


def test_a_form_that_comes_back_refused_writes_who_looked_and_at_whom(app, official, town, tenant):
    """Whoever sends an empty form to see the page around it stands in the trail as who asked for the page."""
    shown = set()
    for rule in app.url_map.iter_rules():
        access = find_access(app, rule.endpoint)
        permission = access.permission if access else None
        if permission is None or not permission.roles or permission.residents or "POST" not in rule.methods:
            continue
        before = written(tenant)
        answer = official.post(path_of(rule, town))
        if answer.status_code == 303 or CANARY not in answer.text.partition("<main")[2]:
            continue
        shown.add(rule.endpoint)
        new = [each for key, each in written(tenant).items() if key not in before]
        assert {each.actor_id for each in new} == {town["looker"].id}, rule.endpoint
        if not {each.action for each in new} <= OF_NOBODY:
            assert any(town["payer"].id in each.payers for each in new), rule.endpoint
    assert {"office_remarks.answer", "requests.confirm", "residents.block"} <= shown


def test_a_page_that_says_it_names_nobody_names_nobody(app, official, town):
    seen = 0
    for rule in office_routes(app):
        trail = find_trail(app, rule.endpoint)
        if trail.actions:
            continue
        assert trail.reason
        answer = official.get(path_of(rule, town))
        assert answer.status_code in {200, 404, 409}, (rule.endpoint, answer.status_code)
        assert CANARY not in answer.text, rule.endpoint
        seen += answer.status_code == 200
    assert seen >= 20


def test_the_canary_is_seen_where_people_are_shown(app, official, town):
    """The other way round: if this fails, the test above looks for the wrong word."""
    shown = [
        rule.endpoint
        for rule in office_routes(app)
        if find_trail(app, rule.endpoint).actions and CANARY in official.get(path_of(rule, town)).text
    ]
    assert {"office.payers", "office.payer", "office.payments_list", "office.payment", "office_remarks.show"} <= set(
        shown
    )
