"""The second factor of operators: codes by time (RFC 6238), and recovery codes for when the telephone is gone.

The secret is sealed with the key ring. A code counts once: the time step it is of is written down.
"""

from __future__ import annotations

import hmac
import io
import secrets
from typing import Any
from uuid import UUID

import pyotp
import segno
from sqlalchemy import Connection, Engine, Row, text

from skarbnik import clock
from skarbnik.accounts.services import hash_token
from skarbnik.crypto import KeyRing

BARE, PURPOSE = "-", "operator-factor"  # the instance's own, of no gmina
STEP = 30  # seconds
EITHER_SIDE = 1  # steps a telephone's clock may be off
RECOVERY_CODES = 10
LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"


def new_factor() -> str:
    """A secret as applications take it: 160 bits in base32."""
    return pyotp.random_base32()


def address_of(secret: str, email: str, host: str) -> str:
    """What the square holds that a telephone reads."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=f"Skarbnik {host}")


def draw_square(address: str) -> str:
    """The address as SVG, dark on light in every theme, since cameras read no other; at most some 285 points wide."""
    drawn = io.BytesIO()
    square = segno.make_qr(address, error="l", boost_error=False)
    square.save(drawn, kind="svg", scale=5, border=4, light="#ffffff", xmldecl=False, nl=False)
    return drawn.getvalue().decode()


def code_of(secret: str) -> str:
    """The code of this moment."""
    return pyotp.TOTP(secret).at(int(clock.now().timestamp()))


def find_step(secret: str, code: str, *, after: int = 0) -> int | None:
    """The time step this code is of, when it is one of now and later than `after`."""
    given, now = code.replace(" ", ""), int(clock.now().timestamp()) // STEP
    for step in range(now - EITHER_SIDE, now + EITHER_SIDE + 1):
        if hmac.compare_digest(pyotp.TOTP(secret).at(step * STEP).encode(), given.encode()) and step > after:
            return step
    return None


def seal_factor(keys: KeyRing, operator_id: UUID, secret: str) -> bytes:
    return keys.seal(BARE, f"{PURPOSE}:{operator_id}", secret.encode())


def open_factor(keys: KeyRing, operator_id: UUID, sealed: bytes) -> str:
    """The secret again. CannotOpen when it is another operator's."""
    return keys.open(BARE, f"{PURPOSE}:{operator_id}", sealed).decode()


def keep_factor(connection: Connection, keys: KeyRing, operator_id: UUID, secret: str, *, step: int) -> list[str]:
    """This is the operator's factor from now on. Ten recovery codes, told this once; those of before are nothing."""
    connection.execute(
        text("UPDATE platform.operators SET factor = :factor, factor_step = :step WHERE id = :id"),
        {"factor": seal_factor(keys, operator_id, secret), "step": step, "id": operator_id},
    )
    codes = [_recovery_code() for _number in range(RECOVERY_CODES)]
    connection.execute(
        text("DELETE FROM platform.operator_recovery_codes WHERE operator_id = :id"), {"id": operator_id}
    )
    connection.execute(
        text("INSERT INTO platform.operator_recovery_codes (operator_id, code_hash) VALUES (:id, :hash)"),
        [{"id": operator_id, "hash": _hash(code)} for code in codes],
    )
    return codes


def use_code(connection: Connection, keys: KeyRing, operator: Row[Any], code: str) -> bool:
    """Whether it is a code of now that was not used yet, or a recovery code; either is used up.

    The row of the operator is locked by the caller, so that one code does not count for two.
    """
    secret = open_factor(keys, operator.id, operator.factor)
    step = find_step(secret, code, after=operator.factor_step)
    if step is not None:
        words = {"step": step, "id": operator.id}
        connection.execute(text("UPDATE platform.operators SET factor_step = :step WHERE id = :id"), words)
        return True
    used = connection.execute(
        text("DELETE FROM platform.operator_recovery_codes WHERE operator_id = :id AND code_hash = :hash"),
        {"id": operator.id, "hash": _hash(code)},
    )
    return used.rowcount == 1


def _recovery_code() -> str:
    letters = "".join(secrets.choice(LETTERS) for _place in range(16))  # 79 bits: no slow hash is needed
    return "-".join(letters[start : start + 4] for start in range(0, 16, 4))


def _hash(code: str) -> str:
    return hash_token("".join(code.lower().replace("-", "").split()))


def count_recovery_codes(engine: Engine, operator_id: UUID) -> int:
    """How many are left."""
    counted = text("SELECT count(*) FROM platform.operator_recovery_codes WHERE operator_id = :id")
    with engine.begin() as connection:
        return int(connection.execute(counted, {"id": operator_id}).scalar_one())
