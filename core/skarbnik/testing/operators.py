"""Operators for tests: made with a second factor, and signed in, without walking through the door."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text

from skarbnik.accounts.codes import new_app_key
from skarbnik.operator.services import give_factor, make_operator
from skarbnik.operator.sign_in import Operator, open_session
from skarbnik.tenancy.instance import Instance

PASSWORD = "twelve letters at least"  # of tests


def add_operator(instance: Instance, *, email: str, name: str) -> tuple[Operator, str]:
    """An operator, and the secret of the second factor."""
    owner, secret = instance.owner_engine(), new_app_key()
    make_operator(owner, email=email, name=name, password=PASSWORD)
    give_factor(owner, instance.keys, email=email, secret=secret)
    with owner.begin() as connection:
        operator_id: UUID = connection.execute(
            text("SELECT id FROM platform.operators WHERE email = :email"), {"email": email}
        ).scalar_one()
    owner.dispose()
    return Operator(operator_id, name, email), secret


def sign_operator_in(instance: Instance, operator: Operator) -> str:
    """A session's token for the cookie `operator` of the bare host."""
    with instance.engine.begin() as connection:
        return open_session(connection, operator.id, ip="127.0.0.1", agent="Mozilla/5.0 Firefox/150.0")
