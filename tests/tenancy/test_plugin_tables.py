"""A plugin's tables exist in the gminas that chose it, and nowhere else."""

from sqlalchemy import text

from skarbnik.tenancy.ledger import Names, Text, migrate_tenants
from skarbnik.tenancy.services import NewTenant, create_tenant, enable_plugin

FIRST = Text(1, "0001_answers.sql", "-- Answers.\nCREATE TABLE polls_answers (id uuid PRIMARY KEY, words varchar(80))")
SECOND = Text(2, "0002_when.sql", "-- When.\nALTER TABLE polls_answers ADD COLUMN given_on date")


def has_table(lab, tenant):
    with lab.as_admin() as connection:
        row = connection.execute("SELECT to_regclass(%s) IS NOT NULL", (f"{tenant.schema}.polls_answers",)).fetchone()
    return row[0]


def test_choosing_a_plugin_makes_its_tables_in_that_gmina_only(clean):
    chosen, other = clean.make_tenant("wybrana"), clean.make_tenant("inna")

    enable_plugin(clean.instance.owner_engine(), clean.settings.instance, chosen.id, "polls", [FIRST])

    assert has_table(clean, chosen)
    assert not has_table(clean, other)
    with chosen.session() as session:  # the gmina's role may use it without a grant in the text
        session.execute(text("INSERT INTO polls_answers VALUES (gen_random_uuid(), 'tak')"))


def test_a_later_text_of_the_plugin_reaches_only_the_gminas_that_chose_it(clean):
    owner, chosen = clean.instance.owner_engine(), clean.make_tenant("pozniejsza")
    enable_plugin(owner, clean.settings.instance, chosen.id, "later", [FIRST])

    applied = migrate_tenants(owner, Names(clean.settings.instance), "later", [FIRST, SECOND])

    assert applied == 1
    with chosen.session() as session:
        session.execute(text("SELECT given_on FROM polls_answers"))


def test_a_gmina_made_with_a_plugin_has_its_tables_from_the_start(clean):
    new = NewTenant(slug="od-razu", name="Gmina Od Razu", plugins=("polls",))

    tenant_id = create_tenant(
        clean.instance.owner_engine(), clean.settings.instance, new, plugin_texts={"polls": [FIRST, SECOND]}
    )

    clean.instance.registry.forget()
    assert has_table(clean, clean.instance.registry.get(tenant_id))
