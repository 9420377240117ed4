from __future__ import annotations

import os
import signal

import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from skarbnik.dev.processes import DidNotStart, Supervisor
from skarbnik.dev.servers import make_database, start_servers, with_database, with_login
from skarbnik.dev.valkey import EmbeddedValkey, find_binary


def test_valkey_wants_a_password_and_never_drops_a_key_silently(supervisor, state):
    server = EmbeddedValkey(state, find_binary(os.environ))
    supervisor.start(server.program())
    client = redis.Redis.from_url(server.url())

    assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=server.port, retry=Retry(NoBackoff(), 0)).ping()


def test_a_killed_valkey_comes_back(supervisor, state, eventually):
    server = EmbeddedValkey(state, find_binary(os.environ))
    supervisor.start(server.program())
    first = supervisor.children[0].process.pid
    os.kill(first, signal.SIGKILL)

    def back() -> bool:
        supervisor.tend()
        return supervisor.children[0].process.pid != first and server.program().ready()

    assert eventually(back)


def test_given_addresses_take_precedence(supervisor, state):
    own = start_servers(supervisor, state, {}, durable=False)
    given = {"DATABASE_URL": own.admin_url, "REDIS_URL": own.redis_url}

    again = start_servers(Supervisor(type(state)(state.folder / "second")), state, given)

    assert (again.admin_url, again.redis_url) == (own.admin_url, own.redis_url)
    assert len(supervisor.children) == 2
    make_database(own.admin_url, "second")
    psycopg.connect(with_database(own.admin_url, "second")).close()


def test_a_given_address_that_does_not_answer_is_named(supervisor, state):
    with pytest.raises(DidNotStart, match="DATABASE_URL"):
        start_servers(supervisor, state, {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"})


def test_another_login_on_the_same_server():
    assert with_login("postgresql://a:b@h:1/c", "x", "y", "z") == "postgresql://x:y@h:1/z"
