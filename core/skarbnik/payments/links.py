"""Paying for somebody: a payer's private link, and the code printed on a decision. Only a hash of a secret is kept."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import LiteralString
from uuid import UUID

from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from skarbnik import clock
from skarbnik.audit.services import record_act
from skarbnik.crypto import new_secret
from skarbnik.db import TenantSession
from skarbnik.errors import Conflict, Invalid, NotFound
from skarbnik.payers.queries import GOOD_ON
from skarbnik.payments.models import PaymentLink, PaymentOrder
from skarbnik.payments.ordering import MOST_LINES, NotLiable
from skarbnik.payments.queries import with_merged
from skarbnik.payments.states import LinkOrigin
from skarbnik.receivables.models import Instalment
from skarbnik.receivables.queries import IN_FORCE, list_liable

GOOD_FOR = {LinkOrigin.LINK: timedelta(days=14), LinkOrigin.CODE: timedelta(hours=2)}
FOLLOWED = timedelta(days=14)  # so long whoever paid still sees what became of it, whatever became of the link
MOST_LINKS = 20  # of one payer, open at the same time
SWEPT = 20  # forgotten codes that a new one takes away

CODE = re.compile(r"[0-9A-Z]{8,32}")
LONGEST_CODE_TYPED = 80


class TooManyLinks(Conflict):
    """A payer has as many open links as anybody needs."""


def make_link(session: TenantSession, *, payer_id: UUID, user_id: UUID, instalment_ids: Sequence[UUID]) -> str:
    """A link for somebody else who pays these instalments. Its secret, which is told this once.

    NotLiable when one of them is not the payer's today. Invalid for none of them or too many.
    """
    wanted = list(dict.fromkeys(instalment_ids))
    if not 0 < len(wanted) <= MOST_LINES:
        raise Invalid(f"a link is for 1 to {MOST_LINES} instalments")
    receivables = set(session.scalars(select(Instalment.receivable_id).where(Instalment.id.in_(wanted))))
    known = session.scalars(select(Instalment.id).where(Instalment.id.in_(wanted))).all()
    liable = list_liable(session, receivables, payer_id=payer_id, today=clock.today())
    if len(known) != len(wanted) or receivables != liable:
        raise NotLiable(f"payer {payer_id} is not liable today for each chosen instalment")
    session.execute(  # they are counted, so one after another
        text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"), {"key": f"links/{payer_id}"}
    )
    count = session.scalars(_COUNT, {"payer": payer_id, "now": clock.now()}).one()
    if count >= MOST_LINKS:
        raise TooManyLinks(f"payer {payer_id} has {count} links that were not taken back")
    return _keep(session, LinkOrigin.LINK, payer_id=payer_id, user_id=user_id, instalment_ids=wanted)


def _keep(
    session: Session, origin: LinkOrigin, *, payer_id: UUID, user_id: UUID | None, instalment_ids: list[UUID]
) -> str:
    secret, now = new_secret(), clock.now()
    link = PaymentLink(
        secret_hash=hash_secret(secret),
        origin=origin,
        payer_id=payer_id,
        created_by=user_id,
        instalment_ids=instalment_ids,
        created_at=now,
        expires_at=now + GOOD_FOR[origin],
    )
    session.add(link)
    session.flush()
    if origin is LinkOrigin.LINK:
        record_act(session, "link.made", subject="payment_link", subject_id=link.id, actor="user", actor_id=user_id)
    return secret


def hash_secret(secret: str) -> str:
    """A random secret has too much entropy for a slow hash to matter."""
    return hashlib.sha256(secret.encode()).hexdigest()


def open_link(session: Session, secret: str) -> PaymentLink:
    """The link of a secret while it is good. NotFound for one that is wrong, too old, taken back, or made by somebody
    who may not pay for the payer any more, without a word which."""
    words = {"hash": hash_secret(secret), "now": clock.now(), "today": clock.today()}
    link: PaymentLink | None = session.scalars(select(PaymentLink).from_statement(_GOOD), words).one_or_none()
    if link is None:
        raise NotFound("no good link")
    return link


def _find(session: Session, secret: str) -> PaymentLink | None:
    return session.scalars(select(PaymentLink).where(PaymentLink.secret_hash == hash_secret(secret))).one_or_none()


def get_followed(session: Session, secret: str, number: str) -> tuple[PaymentLink, PaymentOrder]:
    """An order that was made by a link, for who has its secret: also when the link is over, for money is on its way.

    NotFound for an order of another link, whoever knows its number.
    """
    link = _find(session, secret)
    order = session.scalars(select(PaymentOrder).where(PaymentOrder.number == number)).one_or_none()
    if link is None or order is None or order.link_id != link.id or order.ordered_at + FOLLOWED <= clock.now():
        raise NotFound("no such order of this link")
    return link, order


def get_returned(session: Session, number: str, secret: str) -> PaymentOrder:
    """An order that was made by a link, for who comes back from the gateway with the secret of this order alone.

    NotFound for every other secret, that of the link among them, and when the order is followed no more.
    """
    order = session.scalars(select(PaymentOrder).where(PaymentOrder.number == number)).one_or_none()
    known = order is not None and order.return_secret is not None and _is_same(order.return_secret, secret)
    if order is None or not known or order.ordered_at + FOLLOWED <= clock.now():
        raise NotFound("no such order to come back to")
    return order


def _is_same(secret: str, said: str) -> bool:
    return hmac.compare_digest(secret.encode(), said.encode())


def revoke_link(session: Session, link_id: UUID, *, payer_id: UUID, user_id: UUID) -> None:
    """From now on it opens nothing. Payments that were begun by it go on. NotFound when it is not this payer's."""
    link = session.scalars(
        select(PaymentLink)
        .where(
            PaymentLink.id == link_id,
            PaymentLink.origin == LinkOrigin.LINK,
            PaymentLink.payer_id.in_(with_merged([payer_id])),
        )
        .with_for_update()
    ).one_or_none()
    if link is None:
        raise NotFound(f"no link {link_id}")
    if link.revoked_at is None:
        link.revoked_at = clock.now()
        record_act(session, "link.revoked", subject="payment_link", subject_id=link.id, actor="user", actor_id=user_id)


@dataclass(frozen=True)
class LinkRow:
    """A link as its payer sees it: the address itself is told only when it is made."""

    id: UUID
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    instalments: int
    title: str  # of the first receivable
    orders: list[str]  # numbers, the newest first
    is_open: bool  # neither taken back nor over
    is_good: bool  # it is open, and who made it may still pay for the payer


# A mandate is looked at each time a link is used, as it is for who signs in: who acted for a payer and does so no more
# leaves nothing behind that acts on.
_IS_OPEN = "l.revoked_at IS NULL AND l.expires_at > :now"
_IS_GOOD = f"""
    {_IS_OPEN} AND (l.origin = 'code' OR EXISTS (
        SELECT FROM mandates m JOIN users u ON u.id = m.user_id AND u.state = 'active'
        JOIN payers n ON n.id = m.payer_id JOIN payers p ON p.id = l.payer_id
        WHERE m.user_id = l.created_by AND m.may_pay AND {GOOD_ON}
            AND coalesce(n.merged_into, n.id) = coalesce(p.merged_into, p.id)
    ))
"""  # our own words
_GOOD = text(f"SELECT l.* FROM payment_links l WHERE l.secret_hash = :hash AND {_IS_GOOD}")  # noqa: S608  # our words
_OF_PAYER = """
    l.origin = 'link' AND l.payer_id IN (SELECT unnest(p.merged_from || p.id) FROM payers p WHERE p.id = :payer)
"""
_COUNT = text(f"SELECT count(*) FROM payment_links l WHERE {_OF_PAYER} AND {_IS_OPEN}")  # noqa: S608  # our own words
_LINKS = text(f"""
    SELECT l.id, l.created_at, l.expires_at, l.revoked_at, cardinality(l.instalment_ids) AS instalments,
        (SELECT r.title FROM instalments i JOIN receivables r ON r.id = i.receivable_id
         WHERE i.id = l.instalment_ids[1]) AS title,
        array(
            SELECT o.number FROM payment_orders o WHERE o.link_id = l.id ORDER BY o.ordered_at DESC LIMIT 5
        ) AS orders,
        {_IS_OPEN} AS is_open, {_IS_GOOD} AS is_good
    FROM payment_links l
    WHERE {_OF_PAYER} ORDER BY l.created_at DESC, l.id DESC LIMIT :most OFFSET :skipped
""")  # noqa: S608  # our own words


def list_links(session: Session, *, payer_id: UUID, page: int, size: int) -> list[LinkRow]:
    """The newest first."""
    words = {"payer": payer_id, "now": clock.now(), "today": clock.today(), "most": size, "skipped": (page - 1) * size}
    return [LinkRow(*row) for row in session.execute(_LINKS, words)]


def plain_code(typed: str) -> str | None:
    """A payment code without what people put between its letters; None when it cannot be one."""
    code = re.sub(r"[\s\u2010-\u2015\-./]", "", typed[:LONGEST_CODE_TYPED]).upper()
    return code if CODE.fullmatch(code) else None


# One statement for a good code and for every bad one: what is unknown, closed, paid or another's costs the same.
_BY_CODE: LiteralString = f"""
    SELECT r.id, i.id AS instalment_id, (
        SELECT coalesce(p.merged_into, p.id) FROM liabilities l JOIN payers p ON p.id = l.payer_id
        WHERE l.receivable_id = r.id AND {IN_FORCE} ORDER BY l.role <> 'owner', l.payer_id LIMIT 1
    ) AS payer_id
    FROM receivables r JOIN kinds k ON k.id = r.kind_id AND k.online AND k.creditor_account_id IS NOT NULL
    JOIN instalments i ON i.receivable_id = r.id AND i.closed_at IS NULL AND i.principal + i.interest + i.costs > 0
    WHERE r.payment_code = %(code)s AND r.closed_at IS NULL ORDER BY i.due_on, i.number LIMIT %(most)s
"""  # noqa: S608  # our own words


def open_code(session: TenantSession, code: str | None, *, today: date) -> str:
    """A secret, as of a link, for who typed the code of a decision. NotFound for every other code, in the same words.

    Two finance systems of a gmina may have given one code twice: then it is nobody's.
    """
    rows = session.read(_BY_CODE, code=code or "", today=today, most=MOST_LINES)
    if len({row.id for row in rows}) != 1 or rows[0].payer_id is None:
        raise NotFound("nothing to pay by this code")
    _sweep(session)
    ids = [row.instalment_id for row in rows]
    return _keep(session, LinkOrigin.CODE, payer_id=rows[0].payer_id, user_id=None, instalment_ids=ids)


def _sweep(session: Session) -> None:
    """Each code that is typed leaves a row and takes away some that nobody ordered by: the table stays small."""
    forgotten = (
        select(PaymentLink.id)
        .where(
            PaymentLink.origin == LinkOrigin.CODE,
            PaymentLink.expires_at < clock.now(),
            ~select(PaymentOrder.id).where(PaymentOrder.link_id == PaymentLink.id).exists(),
        )
        .limit(SWEPT)
        .with_for_update(skip_locked=True)
    ).cte("forgotten")
    session.execute(
        delete(PaymentLink)
        .where(PaymentLink.id.in_(select(forgotten.c.id)))
        .execution_options(synchronize_session=False)
    )
