"""What the bare programs share: a connection of its own for each thread of the server."""

from __future__ import annotations

import os
import threading

import psycopg

local = threading.local()


def connection() -> psycopg.Connection:
    if not hasattr(local, "connection"):
        local.connection = psycopg.connect(os.environ["DATABASE_URL"])
    return local.connection
