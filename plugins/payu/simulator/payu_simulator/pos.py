"""Points of payment (POS): who may call, and with which key their notifications are signed."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from dataclasses import dataclass

ALGORITHMS = {"MD5": "md5", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}


@dataclass(frozen=True)
class Pos:
    pos_id: str
    client_id: str
    client_secret: str
    second_key: str
    name: str

    @classmethod
    def parse(cls, text: str) -> Pos:
        parts = text.split(":", 4)
        if len(parts) != 5 or not all(parts):
            raise ValueError("a POS is written POSID:CLIENT_ID:CLIENT_SECRET:SECOND_KEY:NAME")
        return cls(*parts)


# PayU publishes this one for everybody's tests.
SANDBOX = Pos(
    pos_id="300746",
    client_id="300746",
    client_secret="2ee86a66e5d97e3fadc400c9f19b065d",
    second_key="b6ca15b0d1020e8094d9b5f8d163db54",
    name="Publiczny punkt testowy",
)


def put_pos(db: sqlite3.Connection, pos: Pos) -> None:
    db.execute(
        "INSERT INTO pos (pos_id, client_id, client_secret, second_key, name) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT (pos_id) DO UPDATE SET client_id = excluded.client_id, client_secret = excluded.client_secret, "
        "second_key = excluded.second_key, name = excluded.name",
        (pos.pos_id, pos.client_id, pos.client_secret, pos.second_key, pos.name),
    )


def get_pos(db: sqlite3.Connection, pos_id: str) -> sqlite3.Row:
    return db.execute("SELECT * FROM pos WHERE pos_id = ?", (pos_id,)).fetchone()


def sign(body: bytes, second_key: str, algorithm: str) -> dict[str, str]:
    """The headers of a notification: the hash of the body followed by the key, said twice."""
    digest = hashlib.new(ALGORITHMS[algorithm])
    digest.update(body)
    digest.update(second_key.encode())
    line = f"sender=checkout;signature={digest.hexdigest()};algorithm={algorithm};content=DOCUMENT"
    return {"OpenPayu-Signature": line, "X-OpenPayU-Signature": line}


def as_json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
