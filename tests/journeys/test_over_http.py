"""The finance system of Zalesie is asked over HTTP: scheduler, worker and simulator as processes."""

import json
import urllib.request

import pytest
from psycopg import sql

from skarbnik.testing.visitor import eventually


@pytest.fixture
def look(stack):
    """`look("SELECT …")`: the first row of a statement in the gmina's schema; None when there is none."""
    schema = stack.towns["zalesie"].schema

    def go(statement, *words):
        with stack.connect() as connection:
            connection.execute(sql.SQL("SET search_path TO {}").format(sql.Identifier(schema)))
            found = connection.execute(statement, words)
            return found.fetchone() if found.description else None

    return go


def test_a_new_file_of_the_finance_system_is_fetched_and_read(stack, look):
    eventually(lambda: look("SELECT fetched_at FROM sources WHERE fetched_at IS NOT NULL AND fetch_error IS NULL"))
    address = f"{stack.puma_url}/_sim/{stack.towns['zalesie'].puma_code}/export?kind=full"
    with urllib.request.urlopen(urllib.request.Request(address, b""), timeout=20) as answer:
        made = json.load(answer)

    look("UPDATE sources SET next_fetch_at = now()")  # ten minutes have passed
    stack.move_the_clock()

    eventually(lambda: look("SELECT 1 FROM sources WHERE last_import = %s", made["number"]))
    found = look("SELECT origin, state FROM import_runs WHERE file_name = %s", made["file"])
    assert found == ("fetch", "applied")
    with stack.connect() as connection:
        chains = connection.execute("SELECT count(*) FROM work.outbox WHERE topic = 'exchange.fetch'").fetchone()
    assert chains == (1,)
