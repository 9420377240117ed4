"""Is the trail as it was written? Says in words where the chain breaks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import text

from skarbnik import clock
from skarbnik.audit import chain
from skarbnik.audit.models import LEAST_YEARS
from skarbnik.audit.services import record_act
from skarbnik.tenancy.registry import Tenant

log = structlog.get_logger()

MOST_SAID = 20
AT_ONCE = 500  # seals fetched together
LATE = timedelta(days=1)  # between the seal before and an entry that is older than it, without a remark
WAITS_LONG = timedelta(hours=2)

# Seal after seal by its range of ids, so that a batch is all anybody holds in memory; and how many entries name a seal,
# wherever they are.
_CHAIN = text("""
    SELECT s.number, s.entries, s.first_id, s.last_id, s.sealed_at, s.content, s.digest, s.key_version, s.mark,
        s.removed_at, f.seal AS named, f.entries AS found, c.content AS found_content, f.oldest
    FROM audit_seals s
    FULL JOIN (
        SELECT seal, count(*) AS entries, min(at) AS oldest FROM audit_entries WHERE seal IS NOT NULL GROUP BY seal
    ) AS f ON f.seal = s.number
    LEFT JOIN LATERAL (SELECT audit_content(s.number, s.first_id, s.last_id) AS content) AS c ON f.seal IS NOT NULL
    ORDER BY coalesce(s.number, f.seal)
""")
_TAIL = text("SELECT count(*) AS entries, min(at) AS oldest FROM audit_entries WHERE seal IS NULL")


@dataclass
class Verdict:
    """What was found. `broken` says what cannot be unless somebody tampered; `remarks` what a person should know."""

    broken: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    seals: int = 0
    entries: int = 0
    removed: int = 0
    waiting: int = 0
    newest: chain.Anchor | None = None
    sealed_at: datetime | None = None

    @property
    def holds(self) -> bool:
        return not self.broken

    def lines(self) -> Iterator[str]:
        """For a person at a terminal."""
        yield from (f"BROKEN: {each}" for each in self.broken[:MOST_SAID])
        if len(self.broken) > MOST_SAID:
            yield f"BROKEN: and {len(self.broken) - MOST_SAID} times more"
        yield from (f"remark: {each}" for each in self.remarks[:MOST_SAID])
        if len(self.remarks) > MOST_SAID:
            yield f"remark: and {len(self.remarks) - MOST_SAID} times more"
        yield f"{self.seals} seals, {self.entries} entries under them; of {self.removed} seals the entries were removed"
        yield f"{self.waiting} entries wait for a seal"
        yield f"newest seal {self.newest}" if self.newest else "there is no seal yet"
        yield "the chain holds" if self.holds else "THE CHAIN IS BROKEN"


def verify(tenant: Tenant, anchors: Iterable[chain.Anchor] = ()) -> Verdict:
    """Look at every entry and every seal, and compare with anchors: the kept one, and those a person has on paper."""
    known = {each.number: each for each in anchors}
    verdict = Verdict()
    try:
        kept = chain.find_kept_anchor(tenant)
    except ValueError:
        kept = None
        verdict.broken.append("the file that keeps the newest seal cannot be read: changed")
    if kept is not None and kept.number not in known:
        known[kept.number] = kept
    checking = _Checking(tenant, known, verdict)
    with tenant.session() as session:
        tail = session.execute(_TAIL).one()
        for row in session.execute(_CHAIN, execution_options={"yield_per": AT_ONCE}):
            checking.look(row)
    return checking.finish(tail)


class _Checking:
    """One walk along the chain."""

    def __init__(self, tenant: Tenant, anchors: dict[int, chain.Anchor], verdict: Verdict) -> None:
        self.tenant, self.anchors, self.verdict = tenant, anchors, verdict
        self._before: Any = None
        self._unremoved: int | None = None

    def look(self, row: Any) -> None:
        if row.number is None:
            self._say(f"{row.found} entries are under seal {row.named}, and there is no such seal: it was deleted")
            return
        self.verdict.seals += 1
        self._follows(row)
        self._is_ours(row)
        self._holds(row)
        self._is_known(row)
        self._before = row

    def finish(self, tail: Any) -> Verdict:
        verdict, last = self.verdict, self._before
        if last is not None:
            verdict.newest, verdict.sealed_at = chain.Anchor(last.number, last.digest), last.sealed_at
        end = last.number if last is not None else 0
        for number in sorted(each for each in self.anchors if each > end):
            self._say(f"the chain ends with seal {end}, and seal {number} was made: its end was cut off")
        verdict.waiting = tail.entries
        if tail.oldest is not None and tail.oldest < clock.now() - WAITS_LONG:
            verdict.remarks.append(f"an entry of {_words(tail.oldest)} has no seal yet: is the worker running?")
        return verdict

    def _say(self, words: str) -> None:
        self.verdict.broken.append(words)

    def _follows(self, row: Any) -> None:
        expected = self._before.number + 1 if self._before is not None else 1
        if row.number != expected:
            missing = f"seal {expected}" if row.number == expected + 1 else f"seals {expected} to {row.number - 1}"
            self._say(f"{missing} missing before seal {row.number}: deleted")
        header = chain.Header(
            number=row.number,
            previous=self._before.digest if self._before is not None else "",
            entries=row.entries,
            first_id=row.first_id,
            last_id=row.last_id,
            sealed_at=row.sealed_at,
            content=row.content,
        )
        if header.digest() != row.digest:
            self._say(f"seal {row.number} of {_words(row.sealed_at)} does not follow from the one before: changed")

    def _is_ours(self, row: Any) -> None:
        try:
            if chain.mark_of(self.tenant, row.digest, version=row.key_version) != row.mark:
                self._say(f"seal {row.number} was not made by this portal: its mark is of another key")
        except KeyError:
            self.verdict.remarks.append(
                f"seal {row.number} has a mark of key {row.key_version}, which is not in the ring any more"
            )

    def _holds(self, row: Any) -> None:
        words = f"under seal {row.number} of {_words(row.sealed_at)}"
        if row.removed_at is not None:
            self._was_removed(row)
            return
        self._unremoved = self._unremoved or row.number
        found = row.found or 0
        self.verdict.entries += found
        if found < row.entries:
            self._say(f"{row.entries - found} of {row.entries} entries {words} are gone: deleted or moved away")
        elif found > row.entries:
            self._say(f"{found - row.entries} entries {words} are too many: put in later")
        elif row.found_content != row.content:
            self._say(f"{found} entries are {words}, as many as there were, and do not say what they said: changed")
        elif self._before is not None and row.oldest < self._before.sealed_at - LATE:
            self.verdict.remarks.append(
                f"an entry {words} is of {_words(row.oldest)}: it came late, or was put in before it was sealed"
            )

    def _was_removed(self, row: Any) -> None:
        self.verdict.removed += 1
        if row.found:
            self._say(f"{row.found} entries are under seal {row.number}, whose entries were removed: put in later")
        if row.removed_at < _years_after(row.sealed_at):
            self._say(f"the entries of seal {row.number} were removed before {LEAST_YEARS} years were over")
        if self._unremoved is not None:
            self._say(f"the entries of seal {row.number} were removed and those of seal {self._unremoved} were not")

    def _is_known(self, row: Any) -> None:
        anchor = self.anchors.get(row.number)
        if anchor is not None and anchor.digest != row.digest:
            self._say(f"seal {row.number} is not the one that was made: the chain was written anew")


def _years_after(moment: datetime) -> datetime:
    """As PostgreSQL counts years: of 29 February the 28th."""
    try:
        return moment.replace(year=moment.year + LEAST_YEARS)
    except ValueError:
        return moment.replace(year=moment.year + LEAST_YEARS, day=28)


def _words(moment: datetime) -> str:
    return moment.astimezone(clock.WARSAW).strftime("%d.%m.%Y %H:%M")


def verify_and_tell(tenant: Tenant, *, actor: str = "system", anchors: Iterable[chain.Anchor] = ()) -> Verdict:
    """The same, written into the trail itself, so that the office sees when it was looked at last."""
    verdict = verify(tenant, anchors)
    with tenant.session() as session:
        if verdict.holds:
            record_act(session, "audit.verified", subject="audit", subject_id=None, actor=actor)
        else:
            record_act(session, "audit.broken", subject="audit", subject_id=None, actor=actor)
            log.error("audit.broken", tenant=tenant.id, what=verdict.broken[:MOST_SAID])
    return verdict
