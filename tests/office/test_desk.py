"""At the desk an official makes a registration an account, after comparing an identity document."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text, update

from skarbnik import clock
from skarbnik.accounts import identity_proofing
from skarbnik.accounts.factors import make_recovery_codes, new_app_key, store_app
from skarbnik.accounts.models import (
    ConnectedIdentity,
    PasswordLink,
    Registration,
    SecondFactor,
    User,
    UserKind,
    UserState,
    WebSession,
)
from skarbnik.accounts.pesel import find_by_pesel, hash_pesel
from skarbnik.audit.models import AuditEntry
from skarbnik.errors import NotFound
from skarbnik.plugin_api import Role
from skarbnik.testing.factories import PASSWORD, OfficialFactory, PayerFactory, UserFactory, bound_to

PESEL, OTHER = "44051401359", "02270803624"
COMPARED = {"pesel": PESEL, "compared": "y"}


@pytest.fixture
def at_desk(browse, tenant):
    """`at_desk(Role.ACCOUNTANT)`: an official signed in."""

    def make(role=Role.ACCOUNTANT):
        with tenant.session() as session, bound_to(session):
            email = OfficialFactory(has_roles=[role]).email
        browser = browse("lipowo")
        browser.sign_in(email, PASSWORD, office=True)
        return browser

    return make


def residents(tenant):
    with tenant.session() as session:
        found = select(User).where(User.kind == UserKind.RESIDENT).order_by(User.created_at)
        return session.scalars(found).all()


def acts(tenant):
    with tenant.session() as session:
        return session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()


def topics(lab):
    with lab.as_admin() as connection:
        return [row[0] for row in connection.execute("SELECT topic FROM work.outbox ORDER BY id").fetchall()]


def test_the_official_finds_the_registration_by_its_number_and_confirms_it(
    at_desk,
    registered,
    tenant,
    browse,
    link_in,
    clean,
):
    official = at_desk()
    answer = official.get(f"/office/people/desk?number={registered[:4]}-{registered[4:]}")
    assert answer.headers["Location"] == f"/office/people/desk/{registered}"
    assert "Jan Nowak" in official.get(answer.headers["Location"]).text

    assert official.post(f"/office/people/desk/{registered}", COMPARED).status_code == 303

    (user,) = residents(tenant)
    assert (user.state, user.email, user.name) == (UserState.INVITED, "jan@example.pl", "Jan Nowak")
    assert user.pesel_hash == hash_pesel(tenant, PESEL)
    assert user.terms_version is not None
    assert "account.identified" in topics(clean)
    assert {"registration.viewed", "registration.confirmed", "resident.identified"} <= set(acts(tenant))
    resident = browse("lipowo")
    assert resident.sign_in("jan@example.pl", PASSWORD).status_code == 422
    path = link_in("account.activate")
    resident.get(path)
    assert residents(tenant)[0].state is UserState.INVITED  # opening the link does nothing
    assert resident.post(path).headers["Location"] == "/sign-in"
    assert resident.sign_in("jan@example.pl", PASSWORD).status_code == 303
    assert browse("lipowo").get(path).status_code == 404


def test_the_pesel_stands_nowhere_afterwards(at_desk, registered, tenant, clean):
    at_desk().post(f"/office/people/desk/{registered}", COMPARED)
    with clean.as_admin() as connection:
        tables = connection.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = %s", (tenant.schema,)
        ).fetchall()
        for (table,) in tables:
            found = connection.execute(
                f"SELECT count(*) FROM {tenant.schema}.{table} AS t WHERE t::text LIKE '%{PESEL}%'"
            ).fetchone()
            assert found == (0,), table


@pytest.mark.parametrize(
    "wrong",
    [
        {"pesel": "44051401358", "compared": "y"},
        {"pesel": "4405140135", "compared": "y"},
        {"pesel": "44991401359", "compared": "y"},
        {"pesel": "٤٤٠٥١٤٠١٣٥٩", "compared": "y"},
        {"pesel": "99723100001", "compared": "y"},
        {"pesel": "", "compared": "y"},
        {"pesel": PESEL},
    ],
)
def test_what_was_not_compared_or_is_no_pesel_changes_nothing(at_desk, registered, tenant, wrong):
    assert at_desk().post(f"/office/people/desk/{registered}", wrong).status_code == 422
    assert residents(tenant) == []


@pytest.mark.parametrize("page", ["registered", "new"])
def test_a_pesel_that_is_anothers_in_the_finance_system_is_looked_at_twice(at_desk, registered, tenant, page):
    """One digit read wrongly would open another person's debts."""
    with tenant.session() as session, bound_to(session):
        PayerFactory(
            name="Łuszczak Józef", pesel_hash=hash_pesel(tenant, PESEL), pesel_key=tenant.instance.keys.current
        )
    desk = at_desk()
    path = f"/office/people/desk/{registered if page == 'registered' else 'new'}"
    fields = COMPARED if page == "registered" else COMPARED | {"name": "Jan Nowak", "email": "jan@example.pl"}
    fields = fields | {"language": "pl"}

    answer = desk.post(path, fields)
    assert answer.status_code == 409
    assert "Łuszczak Józef" in answer.text
    assert residents(tenant) == []
    assert "payers.searched" in acts(tenant)

    assert desk.post(path, fields | {"other_name": "y"}).status_code == 303
    assert len(residents(tenant)) == 1


@pytest.mark.parametrize("name", ["Nowak Jan", "JAN ADAM NOWAK", "Jan Nowak-Wiśniewski"])
def test_the_same_name_written_otherwise_stops_nobody(at_desk, registered, tenant, name):
    with tenant.session() as session, bound_to(session):
        PayerFactory(name=name, pesel_hash=hash_pesel(tenant, PESEL), pesel_key=tenant.instance.keys.current)
    assert at_desk().post(f"/office/people/desk/{registered}", COMPARED).status_code == 303


def test_a_pesel_that_is_proven_already_may_be_the_same_person(
    at_desk,
    registered,
    tenant,
    browse,
    letters,
):
    with tenant.session() as session, bound_to(session):
        old = UserFactory(
            email="stary@example.pl", name="Jan Nowak", pesel_hash=hash_pesel(tenant, PESEL), pesel_key=1,
            acts_for=[PayerFactory()],
        )  # fmt: skip
    signed_in = browse("lipowo")
    signed_in.sign_in("stary@example.pl", PASSWORD)
    official = at_desk()

    answer = official.post(f"/office/people/desk/{registered}", COMPARED)

    assert answer.status_code == 409
    assert "stary@example.pl" in answer.text
    assert "resident.matched" in acts(tenant)
    answer = official.post(f"/office/people/desk/{registered}", {**COMPARED, "move_to": str(old.id)})
    assert answer.status_code == 303
    (user,) = residents(tenant)
    assert (user.id, user.email, user.state) == (old.id, "jan@example.pl", UserState.ACTIVE)
    assert "resident.moved" in acts(tenant)
    assert [each.recipient for each in letters("account.moved")] == ["stary@example.pl"]
    assert signed_in.get("/dashboard").status_code == 303
    assert browse("lipowo").sign_in("jan@example.pl", PASSWORD).status_code == 303
    with tenant.session() as session:
        assert session.scalars(select(Registration)).all() == []


def test_nothing_is_moved_to_an_account_the_official_did_not_see(at_desk, registered, tenant):
    with tenant.session() as session, bound_to(session):
        UserFactory(email="stary@example.pl", pesel_hash=hash_pesel(tenant, PESEL), pesel_key=1)
        stranger = UserFactory(email="obcy@example.pl")
    form = {**COMPARED, "move_to": str(stranger.id)}
    assert at_desk().post(f"/office/people/desk/{registered}", form).status_code == 409
    assert {each.email for each in residents(tenant)} == {"stary@example.pl", "obcy@example.pl"}


def test_nothing_is_moved_to_a_blocked_account(at_desk, registered, tenant):
    with tenant.session() as session, bound_to(session):
        old = UserFactory(state=UserState.BLOCKED, pesel_hash=hash_pesel(tenant, PESEL), pesel_key=1)
    form = {**COMPARED, "move_to": str(old.id)}
    assert at_desk().post(f"/office/people/desk/{registered}", form).status_code == 409
    assert residents(tenant)[0].email == old.email


def test_two_officials_confirm_the_same_registration_and_one_account_is_made(
    at_desk,
    registered,
    tenant,
):
    first, second = at_desk(), at_desk(Role.ADMINISTRATOR)
    second.get(f"/office/people/desk/{registered}")
    first.post(f"/office/people/desk/{registered}", COMPARED)

    assert second.post(f"/office/people/desk/{registered}", COMPARED).status_code == 404
    assert len(residents(tenant)) == 1


def test_in_the_same_moment_one_of_two_officials_waits_and_finds_nothing(registered, tenant):
    from concurrent.futures import ThreadPoolExecutor

    with tenant.session() as session, bound_to(session):
        by = OfficialFactory().id

    def confirm(_number):
        try:
            with tenant.session() as session:
                identity_proofing.confirm_registration(session, tenant, registered, pesel=PESEL, by=by)
                session.execute(text("SELECT pg_sleep(0.2)"))
        except NotFound:
            return "gone"
        return "made"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(confirm, range(2))) == ["gone", "made"]
    assert len(residents(tenant)) == 1


def test_two_desks_with_the_same_person_make_one_account(tenant):
    from concurrent.futures import ThreadPoolExecutor

    with tenant.session() as session, bound_to(session):
        by = OfficialFactory().id

    def make(email):
        words = {"name": "Jan Nowak", "email": email, "pesel": PESEL, "language": "pl", "by": by}
        try:
            with tenant.session() as session:
                identity_proofing.open_account(session, tenant, **words)
                session.execute(text("SELECT pg_sleep(0.2)"))
        except identity_proofing.AlreadyProven:
            return "known"
        return "made"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(make, ["a@example.pl", "b@example.pl"])) == ["known", "made"]
    assert len(residents(tenant)) == 1


def test_an_account_is_made_at_the_desk_for_who_did_not_register(
    at_desk,
    tenant,
    browse,
    link_in,
):
    form = {**COMPARED, "name": "Olga Petrenko", "email": "Olga@example.pl", "language": "uk"}
    official = at_desk()
    official.get("/office/people/desk/new")
    assert official.post("/office/people/desk/new", form).status_code == 303

    path = link_in("account.invite")
    browser = browse("lipowo")
    assert "olga@example.pl" in browser.get(path).text
    browser.post(path, {"password": PASSWORD, "again": PASSWORD, "pesel": f" {PESEL} "})
    (user,) = residents(tenant)
    assert (user.state, user.language) == (UserState.ACTIVE, "uk")
    assert browser.sign_in("olga@example.pl", PASSWORD).status_code == 303


def test_a_stranger_whose_address_was_typed_by_mistake_does_not_get_the_account(
    at_desk, tenant, browse, link_in, limits
):
    form = {**COMPARED, "name": "Olga Petrenko", "email": "stranger@example.pl", "language": "pl"}
    official = at_desk()
    official.get("/office/people/desk/new")
    official.post("/office/people/desk/new", form)
    path, browser = link_in("account.invite"), browse("lipowo")
    browser.get(path)
    for pesel in ("", OTHER, "44051401358", "x" * 11):
        assert browser.post(path, {"password": PASSWORD, "again": PASSWORD, "pesel": pesel}).status_code == 422
    for _guess in range(6):
        browser.post(path, {"password": PASSWORD, "again": PASSWORD, "pesel": OTHER})

    assert browser.post(path, {"password": PASSWORD, "again": PASSWORD, "pesel": PESEL}).status_code == 429
    (user,) = residents(tenant)
    assert (user.state, user.password_hash) == (UserState.INVITED, None)


def test_an_address_that_has_an_account_gets_no_second_one(at_desk, tenant):
    with tenant.session() as session, bound_to(session):
        UserFactory(email="jan@example.pl")
    form = {**COMPARED, "name": "Jan Nowak", "email": "jan@example.pl", "language": "pl"}
    official = at_desk()
    official.get("/office/people/desk/new")
    assert official.post("/office/people/desk/new", form).status_code == 409
    assert len(residents(tenant)) == 1


def test_what_does_not_fit_is_removed(at_desk, registered, tenant):
    official = at_desk()
    official.get(f"/office/people/desk/{registered}")
    assert official.post(f"/office/people/desk/{registered}/remove").status_code == 303
    with tenant.session() as session:
        assert session.scalars(select(Registration)).all() == []
    assert "registration.removed" in acts(tenant)


@pytest.mark.parametrize("role", [Role.COMMUNICATIONS, Role.SURVEYS, Role.AUDITOR])
def test_who_does_not_serve_residents_finds_no_desk(at_desk, registered, role):
    official = at_desk(role)
    assert official.get("/office/people/desk").status_code == 404
    assert official.post(f"/office/people/desk/{registered}", COMPARED).status_code == 404


def test_a_number_of_nobody_says_so(at_desk):
    official = at_desk()
    assert official.get("/office/people/desk?number=0000 0000").status_code == 200
    assert official.get("/office/people/desk/00000000").status_code == 404


def test_the_same_person_has_an_account_in_each_gmina(tenant, neighbour):
    for each in (tenant, neighbour):
        with each.session() as session, bound_to(session):
            by = OfficialFactory().id
            words = {"name": "Jan Nowak", "email": "jan@example.pl", "pesel": OTHER, "language": "pl"}
            identity_proofing.open_account(session, each, by=by, **words)
    with tenant.session() as session:
        assert find_by_pesel(session, tenant, OTHER, kind=UserKind.RESIDENT) is not None
        assert find_by_pesel(session, neighbour, OTHER, kind=UserKind.RESIDENT) is None


def test_who_came_in_before_a_move_does_not_come_in_after_it(at_desk, registered, tenant, browse, link_in):
    """The document was compared: a link, a code, a passkey or an identity that somebody else may hold opens nothing."""
    with tenant.session() as session, bound_to(session):
        old = UserFactory(email="stary@example.pl", pesel_hash=hash_pesel(tenant, PESEL), pesel_key=1)
        store_app(session, tenant, old.id, new_app_key())
        make_recovery_codes(session, old.id)
        words = {"provider": "oidc", "proves_pesel": False, "created_at": clock.now(), "used_at": clock.now()}
        session.add(ConnectedIdentity(subject_hash="a" * 64, user_id=old.id, **words))
    stranger = browse("lipowo")
    stranger.get("/forgot")
    stranger.post("/forgot", {"email": "stary@example.pl"})
    path = link_in("account.forgot")

    at_desk().post(f"/office/people/desk/{registered}", {**COMPARED, "move_to": str(old.id)})

    assert stranger.get(path).status_code == 404
    with tenant.session() as session:
        for table in (PasswordLink, SecondFactor, ConnectedIdentity):
            assert session.scalars(select(table)).all() == []
        assert session.get_one(User, old.id).feed_version == old.feed_version + 1  # no calendar of before goes on
    answer = browse("lipowo").sign_in("jan@example.pl", PASSWORD)
    assert (answer.status_code, "/sign-in/second" in answer.location) == (303, False)


@pytest.mark.parametrize("path", ["/office/people/desk/{number}", "/office/people/desk/new"])
def test_a_browser_left_open_at_the_desk_gives_no_account_away(at_desk, registered, tenant, path):
    official = at_desk()
    with tenant.session() as session:
        session.execute(update(WebSession).values(second_at=clock.now() - timedelta(minutes=11)))
    form = {**COMPARED, "name": "Jan", "email": "jan@example.pl", "language": "pl"}

    answer = official.post(path.format(number=registered), form)

    assert answer.status_code == 401  # the page that asks for the second step
    assert PESEL not in answer.text
    assert residents(tenant) == []
