"""The models and the numbered SQL texts describe the same tables, to the last check and index."""

import pkgutil
from importlib import import_module

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, make_url, text

import skarbnik
from skarbnik.db import Base

for module in pkgutil.walk_packages(skarbnik.__path__, "skarbnik."):
    if module.name.endswith(".models"):
        import_module(module.name)

COLUMNS = """
    SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid)
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace
"""
CONSTRAINTS = """
    SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE connamespace = current_schema()::regnamespace AND contype <> 't'
"""
INDEXES = """
    SELECT tablename, indexname, replace(indexdef, schemaname || '.', '') FROM pg_indexes
    WHERE schemaname = current_schema()
"""


@pytest.fixture
def connection(lab):
    engine = create_engine(make_url(lab.admin_url).set(drivername="postgresql+psycopg"))
    with engine.connect() as opened:
        yield opened
        opened.rollback()
    engine.dispose()


def test_alembic_finds_nothing_to_draft(connection, lab):
    connection.execute(text(f"SET LOCAL search_path TO {lab.tenant('lipowo').schema}"))
    context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})

    assert compare_metadata(context, Base.metadata) == []


@pytest.mark.parametrize("query", [COLUMNS, CONSTRAINTS, INDEXES], ids=["columns", "constraints", "indexes"])
def test_tables_made_from_the_models_are_those_made_by_the_texts(connection, lab, query):
    connection.execute(text(f"SET LOCAL search_path TO {lab.tenant('lipowo').schema}"))
    migrated = {tuple(row) for row in connection.execute(text(query))}
    connection.execute(text("CREATE SCHEMA t_models"))
    connection.execute(text("SET LOCAL search_path TO t_models"))
    Base.metadata.create_all(connection, checkfirst=False)
    modelled = {tuple(row) for row in connection.execute(text(query))}

    assert len(modelled) > 30
    assert modelled - migrated == set()
    assert migrated - modelled == set()
