"""The second factor of operators: codes of an app, and recovery codes for when the telephone is gone.

The secret is sealed with the key ring. A code counts once: the time step it is of is written down.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine, Row, text

from skarbnik.accounts.codes import in_fours, new_recovery_codes, read_code, steps_of
from skarbnik.accounts.services import hash_token
from skarbnik.crypto import INSTANCE, KeyRing

PURPOSE = "operator-factor"


def find_step(secret: str, code: str, *, after: int = 0) -> int | None:
    """The time step this code is of, when it is one of now and later than `after`."""
    return next((step for step in steps_of(secret, code.replace(" ", "")) if step > after), None)


def seal_factor(keys: KeyRing, operator_id: UUID, secret: str) -> bytes:
    return keys.seal(INSTANCE, f"{PURPOSE}:{operator_id}", secret.encode())


def open_factor(keys: KeyRing, operator_id: UUID, sealed: bytes) -> str:
    """The secret again. CannotOpen when it is another operator's."""
    return keys.open(INSTANCE, f"{PURPOSE}:{operator_id}", sealed).decode()


def keep_factor(connection: Connection, keys: KeyRing, operator_id: UUID, secret: str, *, step: int) -> list[str]:
    """This is the operator's factor from now on. Ten recovery codes, told this once; those of before are nothing."""
    connection.execute(
        text("UPDATE platform.operators SET factor = :factor, factor_step = :step WHERE id = :id"),
        {"factor": seal_factor(keys, operator_id, secret), "step": step, "id": operator_id},
    )
    codes = [in_fours(code) for code in new_recovery_codes()]
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


def _hash(code: str) -> str:
    return hash_token(read_code(code))


def count_recovery_codes(engine: Engine, operator_id: UUID) -> int:
    """How many are left."""
    counted = text("SELECT count(*) FROM platform.operator_recovery_codes WHERE operator_id = :id")
    with engine.begin() as connection:
        return int(connection.execute(counted, {"id": operator_id}).scalar_one())
