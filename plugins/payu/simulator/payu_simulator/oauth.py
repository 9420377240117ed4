"""Access tokens."""

from __future__ import annotations

import sqlite3
import time
from hmac import compare_digest
from uuid import uuid4

from flask import Blueprint, Response, jsonify, request

from payu_simulator import answers
from payu_simulator.context import simulator

LASTS = 43199
blueprint = Blueprint("oauth", __name__)


@blueprint.post("/pl/standard/user/oauth/authorize")
def authorize() -> Response:
    sim = simulator()
    form = request.form
    with sim.ledger.change() as db:
        pos = db.execute("SELECT * FROM pos WHERE client_id = ?", (form.get("client_id", ""),)).fetchone()
        pos_id = pos["pos_id"] if pos else ""
        for name, answer in answers_instead().items():
            if sim.faults.draw(db, name, pos_id, "oauth") is not None:
                return answer()
        if form.get("grant_type") != "client_credentials":
            return answers.oauth_refusal(400, "unsupported_grant_type", "Unsupported grant type")
        if pos is None or not compare_digest(form.get("client_secret", "").encode(), pos["client_secret"].encode()):
            return answers.oauth_refusal(401, "invalid_client", "Bad client credentials")
        token = str(uuid4())
        db.execute("INSERT INTO tokens VALUES (?, ?, ?)", (token, pos_id, time.time() + LASTS))
    return jsonify(
        {"access_token": token, "token_type": "bearer", "expires_in": LASTS, "grant_type": "client_credentials"}
    )


def answers_instead() -> dict:
    """The faults that answer in place of the call."""
    return {
        "rate_limit": lambda: Response("Too many requests", 429, content_type="text/plain"),
        "error_500": lambda: answers.refuse(500, "GENERAL_ERROR"),
        "html_error": answers.html_error,
        "bare_status": answers.bare_status,
    }


def find_pos_id(db: sqlite3.Connection, token: str) -> str | None:
    row = db.execute("SELECT pos_id FROM tokens WHERE token = ? AND expires_at > ?", (token, time.time())).fetchone()
    return row["pos_id"] if row else None
