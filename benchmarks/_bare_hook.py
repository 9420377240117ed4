"""The barest endpoint that keeps what is posted to it: Flask, psycopg, one INSERT, COMMIT.

`granian --interface wsgi _bare_hook:app`, with the database's address in the environment.
"""

from __future__ import annotations

import os
import threading
from datetime import UTC, datetime
from uuid import uuid4

import psycopg
from flask import Flask, request

local = threading.local()
app = Flask(__name__, static_folder=None)


def connection() -> psycopg.Connection:
    if not hasattr(local, "connection"):
        local.connection = psycopg.connect(os.environ["DATABASE_URL"])
    return local.connection


@app.post("/hook")
def keep() -> str:
    opened = connection()
    opened.execute("INSERT INTO bare_hooks VALUES (%s, %s, %s)", (uuid4(), request.get_data(), datetime.now(UTC)))
    opened.commit()
    return "OK"
