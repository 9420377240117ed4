"""There is either a whole gmina or none."""

import pytest

from skarbnik.errors import Conflict, Invalid
from skarbnik.tenancy import services
from skarbnik.tenancy.ledger import Text
from skarbnik.tenancy.services import NewTenant, create_tenant, read_tenant_file, rename


def test_a_new_gmina_has_its_own_schema_role_and_tables(scratch, tables, admin):
    made = scratch("nowa")
    found = admin.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = %s::regnamespace AND relkind IN ('r', 'v') ORDER BY 1",
        (made.schema,),
    ).fetchall()

    assert [name for (name,) in found] == tables
    with made.session() as session:
        assert session.connection().exec_driver_sql("SELECT count(*) FROM users").scalar() == 0


def test_a_gmina_that_could_not_be_made_whole_is_not_there_at_all(lab, owner, known, monkeypatch):
    before = known()
    texts = services.core_texts("tenant")
    monkeypatch.setattr(services, "core_texts", lambda place: [*texts, Text(99, "0099_broken.sql", "SELECT 1 / 0")])

    with pytest.raises(Exception, match="division by zero"):
        create_tenant(owner, lab.settings.instance, NewTenant(slug="polowa", name="Gmina Połowa"))

    assert known() == before


def test_a_slug_that_is_taken_is_a_conflict_and_leaves_nothing(lab, owner, known):
    before = known()
    with pytest.raises(Conflict, match="'lipowo'"):
        create_tenant(owner, lab.settings.instance, NewTenant(slug="lipowo", name="Gmina Lipowo II"))

    assert known() == before


def test_a_slug_that_was_another_gminas_host_stays_taken(lab, owner, scratch, known):
    old = scratch("stare-miasto")
    rename(owner, old.id, slug="nowe-miasto", host=lab.settings.host)
    before = known()

    with pytest.raises(Conflict, match="'stare-miasto'"):
        create_tenant(owner, lab.settings.instance, NewTenant(slug="stare-miasto", name="Gmina Inna"))
    with pytest.raises(Conflict, match="'stare-miasto'"):
        rename(owner, lab.tenant("lipowo").id, slug="stare-miasto", host=lab.settings.host)

    assert known() == before


def test_a_gmina_may_go_back_to_its_own_old_name(lab, owner, scratch):
    made = scratch("tam")
    rename(owner, made.id, slug="tam-i-tu", host=lab.settings.host)
    rename(owner, made.id, slug="tam", host=lab.settings.host)
    lab.instance.registry.forget()

    for host in ("tam.skarbnik.test", "tam-i-tu.skarbnik.test"):
        assert lab.instance.registry.find_by_host(host).id == made.id


@pytest.mark.parametrize("slug", ["lipowo", "www", "Wielka", "-x", "a.b", ""])
def test_a_gmina_is_not_renamed_to_a_name_it_cannot_have(lab, owner, known, slug):
    before = known()
    with pytest.raises((Conflict, Invalid)):
        rename(owner, lab.tenant("debina").id, slug=slug, host=lab.settings.host)

    assert known() == before


def test_everything_wrong_in_a_gminas_file_is_named_at_once(tmp_path):
    path = tmp_path / "Www.toml"
    path.write_text('colour = "red"\nemail = 7\nplugins = ["payu", 1]\npassword = "x"\n')

    with pytest.raises(Invalid) as caught:
        read_tenant_file(path)

    assert set(caught.value.problems) == {"name", "colour", "email", "plugins", "password", "slug"}
    assert all(name in str(caught.value) for name in caught.value.problems)


@pytest.mark.parametrize("slug", ["www", "api", "-lipowo", "lipowo-", "li_powo", "Lipowo", "li.powo", "x" * 64, "łęg"])
def test_a_slug_that_cannot_stand_in_a_host_name_is_refused(tmp_path, slug):
    path = tmp_path / f"{slug}.toml"
    path.write_text('name = "Gmina"\n')
    with pytest.raises(Invalid) as caught:
        read_tenant_file(path)
    assert set(caught.value.problems) == {"slug"}


@pytest.mark.parametrize("content", [b"name = ", b"\xff\xfe", b"= 1"])
def test_a_file_that_is_no_toml_is_refused_with_its_name(tmp_path, content):
    path = tmp_path / "lipowo.toml"
    path.write_bytes(content)
    with pytest.raises(Invalid, match=r"lipowo\.toml"):
        read_tenant_file(path)


def test_the_files_of_the_demo_are_right():
    from skarbnik.dev.state import CHECKOUT

    read = {path.stem: read_tenant_file(path) for path in (CHECKOUT / "tenants").glob("*.toml")}

    assert {"lipowo", "debina", "zalesie"} <= set(read)
    assert all({"payu", "puma", "smtp"} <= set(new.plugins) for new in read.values())
