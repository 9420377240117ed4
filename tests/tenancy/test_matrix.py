"""Every route that asks for a permission, every role, whose thing: one's own, another person's, the neighbour's.

The routes come from the application itself. One with a new argument fails here until it is said whose thing that is.
"""

import re

import pytest
from sqlalchemy import select, text
from tests.tenancy.filling import fill
from tests.tenancy.surveys import TEXT, survey_of

from skarbnik.accounts.models import ConnectedIdentity
from skarbnik.operator.models import SupportAccess
from skarbnik.payments.models import MerchantAccount, Notification
from skarbnik.plugin_api import Limited, Role
from skarbnik.receivables.models import Document, OfficialScope
from skarbnik.testing.factories import PASSWORD, KindFactory, OfficialFactory, PayerFactory, UserFactory, bound_to
from skarbnik.web.access import find_access

# What an argument names: a thing of the gmina, by the name it has in `things`.
THINGS = {
    "access_id": "access", "account_id": "account", "batch_id": "batch", "booking_id": "booking",
    "capture_id": "capture", "difference_id": "difference", "document_id": "document", "kind_id": "kind",
    "link_id": "link", "mandate_id": "mandate", "notification_id": "notification", "number": "number",
    "official_id": "official", "payer_id": "payer", "payout_id": "payout", "receivable_id": "receivable",
    "refund_id": "refund", "remark_id": "remark", "request_id": "mandate_request", "resident_id": "user",
    "run_id": "run", "survey_id": "survey",
}  # fmt: skip
# What is no thing of anybody: a choice among some, or a name that is the same in every gmina.
CHOICES = {
    "kind": "news", "slug": "przerwa", "language": "pl", "provider_id": "epuap", "use": "signing", "wanted": "csv",
    "what": "apply", "source_id": "puma", "purpose": "email_notices", "day": "2026-01-01", "key": "0" * 64,
    "mark": "0" * 64, "question_id": TEXT,
}  # fmt: skip
OTHER_NUMBER = {"desk.show": "12345678", "desk.confirm": "12345678", "desk.remove": "12345678"}  # of a registration
NO_FILE = {"documents.document", "payer_documents.document"}  # its bytes are not here
GONE = {400, 404, 409, 415, 422}  # of a form with nothing in it: whatever it is, it was not done
RESIDENTS_ONE = {"portal.receivable", "portal.payment", "remarks.show", "papers.confirmation", "surveys.show"}
EVERY_RESIDENTS = {"surveys.show", "surveys.answer"}  # of the gmina, and of nobody in it


def things(session, town):
    """Ids of one gmina by the names above."""
    found = {name: getattr(value, "id", value) for name, value in town.items()}
    found["number"] = town["order"].number
    found["document"] = session.scalars(select(Document.id)).one()
    found["notification"] = session.scalars(select(Notification.id)).one()
    found["refund"], found["capture"] = session.execute(text("SELECT id, capture_id FROM refunds")).one()
    found["access"] = session.scalars(select(SupportAccess.id)).one()
    return found


@pytest.fixture
def towns(tenant, neighbour, open_account, clean):
    made = []
    for gmina, pos_id in ((tenant, "300746"), (neighbour, "145227")):
        with gmina.session() as session, bound_to(session):
            town = fill(session, gmina, open_account, pos_id=pos_id)
            if gmina is neighbour:
                town["order"].number = "ZZZZZ-ZZZZZ"  # numbers are told apart, as ids are
            for account in session.scalars(select(MerchantAccount)):  # keys that nobody could open
                account.proposal_id = account.proposed_keys = account.proposed_by = account.proposed_at = None
            session.flush()
            made.append(things(session, town))
    return made


@pytest.fixture
def everybody(browse, tenant, towns):
    """At Lipowo: nobody, the person whose things they are, another resident, and an official of each role."""
    with tenant.session() as session, bound_to(session):
        stranger = UserFactory(acts_for=[PayerFactory()])
        officials = {role: OfficialFactory(has_roles=[role]) for role in Role}
        owner = session.execute(text("SELECT email FROM users WHERE id = :id"), {"id": towns[0]["user"]}).scalar_one()
    made = {who: browse("lipowo") for who in ("anonymous", "owner", "stranger", *officials)}
    made["owner"].sign_in(owner, PASSWORD)
    made["stranger"].sign_in(stranger.email, PASSWORD)
    for role, official in officials.items():
        made[role].sign_in(official.email, PASSWORD, office=True)
    return made


@pytest.fixture
def limited(browse, tenant, towns):
    """An official with every role that can be limited, who works with a kind that none of the gmina's things is of."""
    with tenant.session() as session, bound_to(session):
        official = OfficialFactory(has_roles=sorted(set(Role) - {Role.ADMINISTRATOR}))
        session.add(OfficialScope(user_id=official.id, kind_id=KindFactory(title="Opłata targowa").id))
    browser = browse("lipowo")
    browser.sign_in(official.email, PASSWORD, office=True)
    return browser


def routes(app):
    """Each route that names something and asks for a permission: rule, method, permission, the names of its things."""
    for rule in sorted(app.url_map.iter_rules(), key=lambda each: each.rule):
        access = find_access(app, rule.endpoint)
        if access is None or access.permission is None or not rule.arguments:
            continue
        unknown = rule.arguments - THINGS.keys() - CHOICES.keys()
        assert not unknown, f"{rule.rule}: say in THINGS or CHOICES what {unknown} is"
        for method in sorted(rule.methods & {"GET", "POST"}):
            yield rule, method, access.permission, sorted(rule.arguments & THINGS.keys())


def path_of(rule, owned):
    values = {**CHOICES, **{argument: owned[name] for argument, name in THINGS.items()}}
    values["survey_id"] = owned[survey_of(rule.endpoint)]
    if rule.endpoint in OTHER_NUMBER:
        values["number"] = OTHER_NUMBER[rule.endpoint]
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda found: str(values[found[1]]), rule.rule)


def may(who, permission):
    return permission.residents if who in {"owner", "stranger"} else who in permission.roles


def ask(browser, method, path, token):
    return browser.get(path) if method == "GET" else browser.post(path, {"csrf_token": token})


def test_nobody_reaches_a_thing_of_the_neighbour(app, everybody, towns):
    _own, foreign = towns
    tried = 0
    for who, browser in everybody.items():
        browser.get("/sign-in")
        token = browser.token()
        for rule, method, permission, named in routes(app):
            if not named or rule.endpoint in OTHER_NUMBER:
                continue
            answer = ask(browser, method, path_of(rule, foreign), token)
            tried += 1
            if who == "anonymous":
                assert answer.status_code == 303, (method, rule.rule)
                assert "/sign-in" in answer.location, (method, rule.rule)
            elif not may(who, permission):
                assert answer.status_code == 404, (who, method, rule.rule, answer.status_code)
            else:
                assert answer.status_code in GONE, (who, method, rule.rule, answer.status_code)
                assert method == "POST" or answer.status_code == 404, (who, rule.rule, answer.status_code)
    assert tried > 500


def test_another_residents_things_do_not_exist_for_a_resident(app, everybody, towns):
    own, _foreign = towns
    tried = 0
    browser = everybody["stranger"]
    browser.get("/sign-in")
    token = browser.token()
    for rule, method, permission, named in routes(app):
        if not permission.residents or not named or rule.endpoint in EVERY_RESIDENTS:
            continue
        answer = ask(browser, method, path_of(rule, own), token)
        tried += 1
        assert answer.status_code in GONE, (method, rule.rule, answer.status_code)
        assert method == "POST" or answer.status_code == 404, (rule.rule, answer.status_code)
    assert tried > 8


def test_ones_own_things_are_there_for_who_may_see_them(app, everybody, towns):
    """Else the two above would also pass if nothing were there for anybody."""
    own, _foreign = towns
    seen = set()
    for who, browser in everybody.items():
        for rule, method, permission, named in routes(app):
            if method != "GET" or who in {"anonymous", "stranger"} or not may(who, permission):
                continue
            if not named or (who == "owner" and rule.endpoint not in RESIDENTS_ONE):
                continue
            answer = browser.get(path_of(rule, own))
            if rule.endpoint in NO_FILE and answer.status_code == 404:
                continue
            assert answer.status_code in {200, 303}, (who, rule.rule, answer.status_code)
            seen.add(rule.endpoint)
    assert {"portal.receivable", "portal.payment", "office.payment", "people.show", "residents.show"} <= seen
    assert len(seen) > 25


def test_who_may_not_is_told_that_nothing_is_there(app, everybody, towns):
    own, _foreign = towns
    for who, browser in everybody.items():
        browser.get("/sign-in")
        token = browser.token()
        for rule, method, permission, _named in routes(app):
            if who != "anonymous" and may(who, permission):
                continue
            answer = ask(browser, method, path_of(rule, own), token)
            expected = 303 if who == "anonymous" else 404
            assert answer.status_code == expected, (who, method, rule.rule, answer.status_code)


def test_who_works_with_other_kinds_finds_nothing_of_these(app, limited, towns):
    own, _foreign = towns
    limited.get("/office/")
    token, tried = limited.token(), 0
    for rule, method, permission, named in routes(app):
        if not permission.roles or permission.roles == {Role.ADMINISTRATOR}:
            continue
        if permission.limited is None or (permission.limited is Limited.KINDS and named):
            answer = ask(limited, method, path_of(rule, own), token)
            tried += 1
            assert answer.status_code == 404, (method, rule.rule, answer.status_code)
    assert tried > 50


def test_no_page_shows_who_works_with_other_kinds_a_payer_or_a_payment_of_these(app, limited, tenant, towns):
    with tenant.session() as session:
        payer = session.execute(text("SELECT name, external_id FROM payers WHERE id = :payer"), towns[0]).one()
        number, decision = session.execute(text("SELECT external_id, number FROM receivables LIMIT 1")).one()
    order = towns[0]["number"]
    words = (payer.name, payer.external_id, number, decision, order)
    seen = 0
    for rule in app.url_map.iter_rules():
        access = find_access(app, rule.endpoint)
        if rule.arguments or "GET" not in rule.methods or access is None or access.permission is None:
            continue
        if not access.permission.roles or access.permission.limited is None:
            continue
        for searched in ("", *words):
            page = limited.get(rule.rule, query_string={"q": searched}).text
            for word in set(words) - {searched}:  # the page repeats what was searched for
                assert word not in page, (rule.rule, searched, word)
            seen += 1
    assert seen > 40


def test_what_is_kept_to_find_somebody_by_is_readable_by_nobody(tenant, towns):
    with tenant.session() as session:
        kept = session.scalars(select(ConnectedIdentity.subject_hash)).all()
    assert all(re.fullmatch(r"[0-9a-f]{64}", each) for each in kept)
