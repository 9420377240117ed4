"""The barest endpoint that keeps what is posted to it: Flask, psycopg, one INSERT, COMMIT.

`granian --interface wsgi _bare_hook:app`, with the database's address in the environment.
"""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

from _bare import connection
from flask import Flask, request

app = Flask(__name__, static_folder=None)


@app.post("/hook")
def keep() -> str:
    opened = connection()
    opened.execute("INSERT INTO bare_hooks VALUES (%s, %s, %s)", (uuid4(), request.get_data(), datetime.now(UTC)))
    opened.commit()
    return "OK"
