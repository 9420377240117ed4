"""The programs of a gmina: a token for an hour and a scope, strict questions, pages without a gap."""

import json
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from sqlalchemy import text
from tests.payments.refunding import propose

from skarbnik import clock
from skarbnik.accounts.services import TOKEN_LIFE, make_api_client
from skarbnik.cli.office import SCOPES
from skarbnik.payments import api as payments_api
from skarbnik.payments.models import Capture
from skarbnik.payments.refunds import approve_refund, decline_refund
from skarbnik.payments.services import record_report
from skarbnik.payments.states import RefundKind
from skarbnik.testing.factories import (
    PASSWORD,
    InstalmentFactory,
    OfficialFactory,
    PayerFactory,
    TransactionFactory,
    UserFactory,
    bound_to,
    report_on,
)

BASE = "https://lipowo.skarbnik.test"
ALL = frozenset({"receivables:read", "payments:read"})


class Program:
    """A program of the gmina that calls the API."""

    def __init__(self, app, client_id, secret):
        self.client = app.test_client()
        self.client_id = client_id
        self.secret = secret
        self.headers = {}

    def ask_for_token(self, *, scope=None, secret=None, client_id=None, **fields):
        fields = {"grant_type": "client_credentials"} | ({"scope": scope} if scope else {}) | fields
        return self.client.post(
            "/api/v1/oauth/token",
            base_url=BASE,
            auth=(client_id or self.client_id, secret or self.secret),
            data=fields,
        )

    def take_token(self, **words):
        answer = self.ask_for_token(**words)
        assert answer.status_code == 200, answer.text
        self.headers = {"Authorization": f"Bearer {answer.json['access_token']}"}
        return answer.json

    def get(self, path, method="GET", **query):
        address = f"{path}?{urlencode(query, doseq=True)}" if query else path
        return self.client.open(address, method=method, base_url=BASE, headers=self.headers)


@pytest.fixture
def program(app, tenant):
    with tenant.session() as session:
        return Program(app, *make_api_client(session, name="Program", scopes=ALL))


def assert_problem(answer, status):
    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"
    assert answer.json["status"] == status
    assert answer.json["title"]


def test_a_token_is_good_for_an_hour_and_no_longer(program):
    token = program.take_token()
    assert token["token_type"] == "Bearer"
    assert token["expires_in"] == TOKEN_LIFE.total_seconds() == 3600
    assert program.get("/api/v1/receivables").status_code == 200
    with clock.stopped_at(clock.now() + TOKEN_LIFE + timedelta(seconds=1)):
        assert_problem(program.get("/api/v1/receivables"), 401)


def test_only_hashes_of_secrets_and_tokens_are_kept(program, tenant):
    token = program.take_token()["access_token"]
    with tenant.session() as session:
        kept = "".join(session.scalars(text("SELECT to_jsonb(c)::text FROM api_clients c")))
        kept += "".join(session.scalars(text("SELECT to_jsonb(t)::text FROM api_tokens t")))

    assert program.client_id in kept
    assert program.secret not in kept
    assert token not in kept


@pytest.mark.parametrize(
    "words",
    [
        {"secret": "wrong"},
        {"client_id": "01920000-0000-7000-8000-000000000000"},
        {"client_id": "skb"},
        {"client_id": "a\0b"},
    ],
)
def test_who_does_not_prove_itself_gets_no_token(program, words):
    answer = program.ask_for_token(**words)

    assert answer.status_code in (400, 401)
    assert "access_token" not in answer.text


@pytest.mark.parametrize("grant", ["password", "authorization_code", "refresh_token", ""])
def test_no_other_way_to_a_token_exists(program, grant):
    assert program.ask_for_token(grant_type=grant).status_code == 400


def test_a_token_has_the_scopes_it_was_asked_for(program):
    assert program.take_token(scope="receivables:read")["scope"] == "receivables:read"
    assert program.get("/api/v1/receivables").status_code == 200
    assert_problem(program.get("/api/v1/payment-orders/ABCDE-FGHJK"), 403)


def test_a_scope_the_program_does_not_have_is_not_given(program):
    answer = program.ask_for_token(scope="receivables:read everything:write")

    assert answer.status_code == 400
    assert answer.json["error"] == "invalid_scope"


def test_a_revoked_program_is_out_at_once(program, tenant):
    program.take_token()
    with tenant.session() as session:
        session.execute(text("UPDATE api_clients SET revoked_at = now()"))

    assert_problem(program.get("/api/v1/receivables"), 401)
    assert program.ask_for_token().status_code == 401


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer ", "Bearer forged", "Basic eDp5", "forged"])
def test_without_a_good_token_one_is_told_what_is_needed(program, authorization):
    program.headers = {} if authorization is None else {"Authorization": authorization}
    answer = program.get("/api/v1/receivables")

    assert_problem(answer, 401)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("path", ["/api/v1/receivables", "/api/v1/payment-orders/ABCDE-FGHJK"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_what_can_only_be_read_says_so(program, path, method):
    program.take_token()
    answer = program.get(path, method=method)

    assert_problem(answer, 405)
    assert "GET" in answer.headers["Allow"]


@pytest.mark.parametrize(
    "query",
    [{"tenant": "debina"}, {"limit": 0}, {"limit": 201}, {"limit": "x"}, {"after": "x"}, {"limit": 5, "offset": 5},
     {"after": "\0"}],
)  # fmt: skip
def test_a_question_with_anything_unknown_or_unfit_is_refused(program, query):
    program.take_token()
    answer = program.get("/api/v1/receivables", **query)

    assert_problem(answer, 422)
    assert set(answer.json["errors"]["query"]) & set(query)


@pytest.mark.parametrize("limit", [1, 3, 7, 50])
def test_the_pages_cover_every_receivable_once(program, tenant, limit):
    with tenant.session() as session, bound_to(session):
        expected = {InstalmentFactory().receivable.external_id for _ in range(7)}
    program.take_token()
    seen, after = [], None
    for _ in range(20):
        page = program.get("/api/v1/receivables", limit=limit, **({"after": after} if after else {})).json
        assert len(page["items"]) <= limit
        seen += [item["external_id"] for item in page["items"]]
        after = page["next"]
        if after is None:
            break

    assert sorted(seen) == sorted(expected)


def test_a_receivable_is_told_with_what_is_left_in_grosze(program, tenant):
    with tenant.session() as session, bound_to(session):
        instalment = InstalmentFactory(overdue=True)
        InstalmentFactory(receivable=instalment.receivable, number=2, closed_at=clock.now())
    program.take_token()
    (item,) = program.get("/api/v1/receivables").json["items"]

    assert [each["external_id"] for each in item["instalments"]] == [instalment.external_id]
    assert item["instalments"][0]["left"] == {"principal": 10_000, "interest": 900, "costs": 0}


def test_a_payment_order_is_told_with_its_lines_and_the_look_is_written_down(program, tenant):
    with tenant.session() as session, bound_to(session):
        order = TransactionFactory(started=True).order
        number = order.number
    program.take_token()
    told = program.get(f"/api/v1/payment-orders/{number}").json

    assert (told["number"], told["state"], told["amount"]) == (number, "started", 10_000)
    assert [line["amounts"]["principal"] for line in told["lines"]] == [10_000]
    assert program.get("/api/v1/receivables").status_code == 200
    with tenant.session() as session:
        acts = session.execute(
            text("SELECT action, subject_id, ip, length(request_id) FROM audit_entries WHERE actor = 'api' ORDER BY id")
        ).all()
    assert acts == [("payment.viewed", order.id, "127.0.0.1", 32), ("receivables.listed", None, "127.0.0.1", 32)]


def test_a_payment_order_is_told_with_what_went_back_and_what_is_on_its_way(program, tenant):
    with tenant.session() as session, bound_to(session):
        asks, decides = OfficialFactory(), OfficialFactory()
        order = TransactionFactory(started=True).order
        (capture,) = record_report(session, order.transactions[0].id, report_on(order.transactions[0])).captures
        waiting, gone, going, declined = [
            propose(session, capture, asks, grosze, kind=kind)
            for grosze, kind in (
                (100, RefundKind.OUTSIDE),
                (2_000, RefundKind.OUTSIDE),
                (3_000, RefundKind.GATEWAY),
                (400, RefundKind.OUTSIDE),
            )
        ]
        for each in (gone, going):
            approve_refund(session, each.id, by=decides.id)
        decline_refund(session, declined.id, by=decides.id, reason="nie")
        number, ids, today = order.number, [gone.id, going.id], clock.today()
    program.take_token()

    told = program.get(f"/api/v1/payment-orders/{number}").json

    assert (told["state"], told["amount"]) == ("paid", 10_000)
    assert [each["id"] for each in told["refunds"]] == [str(each) for each in ids]
    assert [(each["amount"], each["currency"], each["state"]) for each in told["refunds"]] == [
        (2_000, "PLN", "completed"),
        (3_000, "PLN", "approved"),
    ]
    went, not_yet = [each["went_back_at"] for each in told["refunds"]]
    assert (went[:10], not_yet) == (str(today), None)
    assert all(each["decided_at"] for each in told["refunds"])
    assert "nadpłata" not in json.dumps(told, ensure_ascii=False)  # the reason is the office's own
    assert str(waiting.id) not in json.dumps(told)


def test_an_order_without_refunds_says_so_and_very_many_are_not_told_at_once(program, tenant, monkeypatch):
    with tenant.session() as session, bound_to(session):
        asks, decides = OfficialFactory(), OfficialFactory()
        order = TransactionFactory(started=True).order
        (capture,) = record_report(session, order.transactions[0].id, report_on(order.transactions[0])).captures
        number = order.number
    program.take_token()
    assert program.get(f"/api/v1/payment-orders/{number}").json["refunds"] == []

    monkeypatch.setattr(payments_api, "MOST", 2)
    with tenant.session() as session, bound_to(session):
        for grosze in (100, 200, 300):
            refund = propose(session, session.get_one(Capture, capture.id), asks, grosze)
            approve_refund(session, refund.id, by=decides.id)
    assert [each["amount"] for each in program.get(f"/api/v1/payment-orders/{number}").json["refunds"]] == [200, 300]


def test_an_order_that_does_not_exist_is_a_problem_and_no_page(program):
    program.take_token()
    for number in ("ABCDE-FGHJK", "%00", "x" * 500):
        answer = program.get(f"/api/v1/payment-orders/{number}")
        assert answer.status_code in (400, 404)
        assert answer.content_type == "application/problem+json"
    assert_problem(program.get("/api/v1/nowhere"), 404)


def test_the_api_describes_itself(program):
    described = program.get("/api/v1/openapi.json").json

    assert described["openapi"].startswith("3.")
    assert {"/api/v1/receivables", "/api/v1/payment-orders/{number}"} <= set(described["paths"])
    flow = described["components"]["securitySchemes"]["token"]["flows"]["clientCredentials"]
    assert set(flow["scopes"]) == set(SCOPES)
    for path in described["paths"].values():
        for method in set(path) & {"get", "post", "put", "patch", "delete"}:
            assert set(path[method]["security"][0]["token"]) <= set(SCOPES)


def test_a_browser_session_is_no_access_token(browse, tenant):
    with tenant.session() as session, bound_to(session):
        user = UserFactory(acts_for=[PayerFactory()])
    browser = browse("lipowo")
    browser.sign_in(user.email, PASSWORD)

    assert browser.get("/api/v1/receivables").status_code == 401
