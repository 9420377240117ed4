"""What an official works with: all kinds of receivables, or some of them (their scope of work, zakres czynności).

Tax data are seen by who needs them for their work (art. 295 pkt 1 Ordynacji podatkowej), and by nobody else in the
office (art. 5 ust. 1 lit. c RODO). What a scope lets see is read at each request, in `accounts.signed_in`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import LiteralString
from uuid import UUID

from sqlalchemy import delete, func, insert, or_, select
from sqlalchemy.orm import Session

from skarbnik.accounts.models import User
from skarbnik.errors import Conflict, NotFound
from skarbnik.receivables.models import CreditorAccount, Kind, OfficialScope

# A receivable `r` of the kinds somebody works with. The parameter is NULL for who works with all.
IN_SCOPE: LiteralString = "(CAST(:kinds AS uuid[]) IS NULL OR r.kind_id = ANY (CAST(:kinds AS uuid[])))"


@dataclass(frozen=True)
class ScopeOfWork:
    """Kinds, and accounts all of whose kinds, somebody works with. Empty: with all there are."""

    kinds: frozenset[UUID] = frozenset()
    accounts: frozenset[UUID] = frozenset()

    @property
    def codes(self) -> frozenset[str]:
        """What is in it, as the trail calls it: `kind:` or `unit:` and the id in hexadecimal digits."""
        return frozenset(
            [*(f"kind:{each.hex}" for each in self.kinds), *(f"unit:{each.hex}" for each in self.accounts)]
        )

    @property
    def mark(self) -> str:
        """The same for the same scope: by it a form tells whether somebody changed it meanwhile."""
        return hashlib.sha256(",".join(sorted(self.codes)).encode()).hexdigest()[:16]


EVERYTHING = ScopeOfWork()


class ScopeChanged(Conflict):
    """Somebody else changed the scope meanwhile."""


def get_scope(session: Session, user_id: UUID) -> ScopeOfWork:
    rows = session.execute(
        select(OfficialScope.kind_id, OfficialScope.creditor_account_id).where(OfficialScope.user_id == user_id)
    ).all()
    return ScopeOfWork(
        kinds=frozenset(row.kind_id for row in rows if row.kind_id),
        accounts=frozenset(row.creditor_account_id for row in rows if row.creditor_account_id),
    )


def set_scope(session: Session, user_id: UUID, wanted: ScopeOfWork, *, before: str | None = None) -> ScopeOfWork:
    """It holds from this person's next click on. The scope of until now, which may be the same.

    `before` is the mark of the scope that whoever changes it saw: ScopeChanged when it is another one by now, since an
    old form would else give back what was just taken away. NotFound for a kind or an account the gmina does not have.
    """
    # One after another: two changes at once must not add up to more than either.
    session.execute(select(User.id).where(User.id == user_id).with_for_update())
    now = get_scope(session, user_id)
    if now == wanted:
        return now
    if before is not None and before != now.mark:
        raise ScopeChanged(f"the scope of {user_id} was changed meanwhile")
    _check_known(wanted.kinds, session.scalars(select(Kind.id).where(Kind.id.in_(wanted.kinds))))
    _check_known(
        wanted.accounts, session.scalars(select(CreditorAccount.id).where(CreditorAccount.id.in_(wanted.accounts)))
    )
    session.execute(delete(OfficialScope).where(OfficialScope.user_id == user_id))
    rows = [{"kind_id": each, "creditor_account_id": None} for each in sorted(wanted.kinds)]
    rows += [{"kind_id": None, "creditor_account_id": each} for each in sorted(wanted.accounts)]
    if rows:
        session.execute(insert(OfficialScope), [{"user_id": user_id, **row} for row in rows])
    return now


def list_limited(session: Session, user_ids: Sequence[UUID]) -> set[UUID]:
    """Those of some officials who do not work with everything."""
    return set(session.scalars(select(OfficialScope.user_id).where(OfficialScope.user_id.in_(user_ids))))


def list_units(session: Session, *, also: Collection[UUID] = ()) -> Sequence[tuple[CreditorAccount, int]]:
    """Accounts some kind is paid to, by whose they are, and how many kinds that is.

    `also` others, to which none is paid any more: one that stands in a scope and not on its form would be lost with the
    next change, and a scope of nothing else would become everything.
    """
    query = select(CreditorAccount, func.count(Kind.id)).outerjoin(Kind, Kind.creditor_account_id == CreditorAccount.id)
    grouped = query.group_by(CreditorAccount.id).having(or_(func.count(Kind.id) > 0, CreditorAccount.id.in_(also)))
    ordered = grouped.order_by(CreditorAccount.owner, CreditorAccount.nrb)
    return [(row[0], row[1]) for row in session.execute(ordered)]


def _check_known(wanted: frozenset[UUID], known: Iterable[UUID]) -> None:
    missing = wanted - set(known)
    if missing:
        raise NotFound(f"no kind or account {sorted(missing)[0]}")
