"""The models and the SQL text describe the same tables, as those of the core do."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, make_url, text
from tests.tenancy.test_models import COLUMNS, CONSTRAINTS, INDEXES

from skarbnik.plugin_api import Base

TABLES = [table for table in Base.metadata.sorted_tables if table.name.startswith("surveys_")]


@pytest.fixture
def connection(lab, town):
    engine = create_engine(make_url(lab.admin_url).set(drivername="postgresql+psycopg"))
    with engine.connect() as opened:
        opened.execute(text(f"SET LOCAL search_path TO {town.schema}"))
        yield opened
        opened.rollback()
    engine.dispose()


def test_alembic_finds_nothing_to_draft(connection):
    def is_ours(found, name, kind, is_reflected, compared_to):
        return kind != "table" or name.startswith("surveys_")

    opts = {"compare_type": True, "compare_server_default": True, "include_object": is_ours}

    assert compare_metadata(MigrationContext.configure(connection, opts=opts), Base.metadata) == []


@pytest.mark.parametrize("query", [COLUMNS, CONSTRAINTS, INDEXES], ids=["columns", "constraints", "indexes"])
def test_tables_made_from_the_models_are_those_made_by_the_text(connection, query):
    def ours():
        return {tuple(row) for row in connection.execute(text(query)) if row[0].startswith("surveys_")}

    migrated = ours()
    connection.execute(text("CREATE SCHEMA t_surveys_models"))
    connection.execute(text("SET LOCAL search_path TO t_surveys_models"))
    Base.metadata.create_all(connection, tables=TABLES, checkfirst=False)

    assert len(TABLES) == 3
    assert ours() == migrated
    assert migrated
