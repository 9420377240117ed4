"""Points of sale: who may call, and with which key things are signed."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True)
class Point:
    merchant_id: int
    pos_id: int
    api_key: str
    crc: str
    name: str

    @classmethod
    def parse(cls, text: str) -> Point:
        parts = text.split(":", 4)
        if len(parts) != 5 or not all(parts):
            raise ValueError("a point is written MERCHANTID:POSID:API_KEY:CRC:NAME")
        return cls(int(parts[0]), int(parts[1]), *parts[2:])


TEST = Point(99001, 99001, "0123456789abcdef0123456789abcdef", "fedcba9876543210", "Punkt testowy")


def put_point(db: sqlite3.Connection, point: Point) -> None:
    db.execute(
        "INSERT INTO points (pos_id, merchant_id, api_key, crc, name) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT (pos_id) DO UPDATE SET merchant_id = excluded.merchant_id, api_key = excluded.api_key, "
        "crc = excluded.crc, name = excluded.name",
        (point.pos_id, point.merchant_id, point.api_key, point.crc, point.name),
    )


def get_point(db: sqlite3.Connection, pos_id: int) -> sqlite3.Row:
    return db.execute("SELECT * FROM points WHERE pos_id = ?", (pos_id,)).fetchone()
