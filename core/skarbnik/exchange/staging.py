"""Rows of a file into temporary tables, as fast as COPY takes them.

Each row becomes one line of COPY text; the same text, keyed, is the row's digest, so an unchanged row is recognised
without comparing its columns. Amounts are whole grosze, `line` is the line of the file for the report.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from hashlib import blake2b
from operator import itemgetter, sub
from typing import Any

import psycopg
from uuid_utils import uuid7

from skarbnik.accounts.pesel import hash_pesel, seal_pesel
from skarbnik.exchange.blocks import Blocks
from skarbnik.plugin_api import (
    Block,
    DocumentRow,
    InstalmentRow,
    KindRow,
    LiabilityRow,
    OperationRow,
    OverpaymentRow,
    PayerRow,
    ReceivableRow,
    Row,
    Totals,
)
from skarbnik.tenancy.registry import Tenant

PIECE = 2 * 1024 * 1024  # characters of rows that travel together
PIECES_WAITING = 2  # so the memory an import takes does not grow with its file

TABLES = {
    "kinds": "code varchar, title varchar, regime varchar, account varchar",
    "payers": (
        "external_id varchar, kind varchar, name varchar, nip varchar, regon varchar, street varchar,"
        " postal_code varchar, city varchar, email varchar, phone varchar, merged_into varchar, pesel_hash uuid,"
        " digest uuid, id uuid, pesel_sealed varchar"
    ),
    "receivables": (
        "external_id varchar, kind varchar, parent varchar, title varchar, number varchar, period_from date,"
        " period_until date, basis varchar, account varchar, closed boolean, payment_code varchar, digest uuid,"
        " id uuid, block uuid, totals bigint[]"
    ),
    "liabilities": (
        "receivable varchar, payer varchar, role varchar, share_part integer, share_whole integer, from_on date,"
        " until_on date, digest uuid, receivable_id uuid"
    ),
    "instalments": (
        "external_id varchar, receivable varchar, number integer, due_on date, charged bigint, principal bigint,"
        " interest bigint, costs bigint, closed boolean, digest uuid, id uuid, receivable_id uuid"
    ),
    "operations": (
        "external_id varchar, receivable varchar, instalment varchar, kind varchar, booked_on date, happened_on date,"
        " document varchar, principal bigint, interest bigint, costs bigint, counterpart varchar, booking_id uuid,"
        " digest uuid, id uuid, receivable_id uuid"
    ),
    "overpayments": (
        "external_id varchar, payer varchar, receivable varchar, amount bigint, arose_on date, closed boolean,"
        " digest uuid, id uuid"
    ),
    "documents": (
        "external_id varchar, receivable varchar, title varchar, issued_on date, sha256 varchar, size bigint,"
        " digest uuid, id uuid, receivable_id uuid"
    ),
}

# What may stand in a block, for all of it is known with it; and what is counted there, in the order of `block_totals`.
PARTS = {LiabilityRow, InstalmentRow, OperationRow, DocumentRow}
INSIDE = (
    "liabilities",
    "instalments",
    "operations",
    "documents",
    "principal",
    "interest",
    "costs",
    "operations_amount",
)

# Receivables whose block is the known one: by their id in the file, and by ours with what stands in them.
SAME = "same"
NAMED = """
    CREATE TEMP TABLE stage_named ON COMMIT DROP AS
    SELECT r.id, count(*) AS times, r.block_totals AS totals
    FROM stage_same s JOIN receivables r ON r.source = %s AND r.external_id = s.external_id GROUP BY r.id
"""
NAMED_TOTALS = f"""
    SELECT coalesce(sum(times), 0)::bigint,
        {", ".join(f"coalesce(sum(times * totals[{place}]), 0)::bigint" for place in range(1, len(INSIDE) + 1))}
    FROM stage_named
"""  # our own words

# What identifies a row within its source.
KEYS = {
    "kinds": "code",
    "payers": "external_id",
    "receivables": "external_id",
    "liabilities": "receivable, payer, role",
    "instalments": "external_id",
    "operations": "external_id",
    "overpayments": "external_id",
    "documents": "external_id",
}


class Counted:
    """What was really in the file, to be compared with what its manifest says: rows of each table, sums in grosze."""

    def __init__(self) -> None:
        self.numbers = dict.fromkeys([*TABLES, *INSIDE, "overpayments_amount"], 0)
        self.inside = partial(itemgetter(*INSIDE), self.numbers)  # how much of what may stand in a block, until now

    def totals(self) -> Totals:
        return Totals(**self.numbers)


class Stage:
    """Temporary tables of one import, gone with its transaction.

    One thread reads and writes rows as text, another gives them to PostgreSQL piece by piece, so both processors work.
    While `fill` runs the connection belongs to that second thread.
    """

    def __init__(
        self,
        connection: psycopg.Connection,
        tenant: Tenant,
        source: str,
        known: Blocks | None = None,
        *,
        reading: int = 1,
    ) -> None:
        """With `known` blocks are compared first, and those that are known are only named.

        `reading` is of the plugin: with another one, or other columns, nothing is known that was read before.
        """
        self.connection = connection
        self.tenant = tenant
        self.source = source
        self.known = known
        self.counted = Counted()
        self._named = 0
        self._latest = ("", NULL)  # external id and id of the receivable whose parts usually follow it
        self._key = tenant.instance.keys.digest_key(tenant.id, "import/digest")
        self._reader = blake2b(repr((reading, TABLES)).encode(), digest_size=blake2b.PERSON_SIZE).digest()
        self._writers: dict[type, Callable[[Any], tuple[str, str]]] = {
            KindRow: self._kind,
            PayerRow: self._payer,
            ReceivableRow: self._receivable,
            LiabilityRow: self._liability,
            InstalmentRow: self._instalment,
            OperationRow: self._operation,
            DocumentRow: self._document,
            OverpaymentRow: self._overpayment,
        }
        for table, columns in TABLES.items():
            self._make(f"stage_{table}", columns)
        self._make(f"stage_{SAME}", "external_id varchar")

    def fill(
        self,
        rows: Iterable[Row | Block],
        *,
        early: Callable[[dict[str, int]], None] | None = None,
        each_piece: Callable[[], None] = lambda: None,
    ) -> None:
        """Take all rows in, telling `each_piece` when one was read. What the reader raises passes through.

        With `early` each piece lies in the tables `fresh_*` first; it is called with how many rows there are of what.
        """
        if early is not None:
            for table, columns in TABLES.items():
                self._make(f"fresh_{table}", columns)
        waiting: deque[Future[None]] = deque()
        with ThreadPoolExecutor(1, "import") as writer:
            for piece in self._pieces(rows):
                if len(waiting) == PIECES_WAITING:
                    waiting.popleft().result()
                waiting.append(writer.submit(self._take, piece, early))
                each_piece()
            for each in waiting:
                each.result()
        if early is None:
            for table, key in KEYS.items():  # what may be looked up row by row must not be scanned each time
                self.connection.execute(f"CREATE INDEX ON stage_{table} ({key}); ANALYZE stage_{table}".encode())
        self.connection.execute(NAMED, [self.source])
        self.connection.execute("ANALYZE stage_named")
        self._count_named()

    def _count_named(self) -> None:
        row = self.connection.execute(NAMED_TOTALS.encode()).fetchone()
        assert row is not None
        named, *inside = row
        if named != self._named:
            raise ValueError(f"{self._named} blocks are known, of {named} receivables")
        numbers = self.counted.numbers
        numbers["receivables"] += named
        for name, number in zip(INSIDE, inside, strict=True):
            numbers[name] += number

    def _pieces(self, rows: Iterable[Row | Block]) -> Iterator[dict[str, list[str]]]:
        writers = self._writers
        piece, size = _new_piece(), 0
        for row in rows:
            size += self._row(row, piece) if type(row) in writers else self._block(row, piece)
            if size > PIECE:
                yield piece
                piece, size = _new_piece(), 0
        yield piece

    def _row(self, row: Any, piece: dict[str, list[str]]) -> int:
        """How many characters it took."""
        table, text = self._writers[type(row)](row)
        piece[table].append(text)
        self.counted.numbers[table] += 1
        return len(text)

    def _block(self, block: Any, piece: dict[str, list[str]]) -> int:
        """A receivable and what stands in it, or its name only. How many characters it took."""
        if self.known is None:
            size = 0
            for row in block.rows():
                size += self._row(row, piece)
            return size
        digest = blake2b(block.content(), digest_size=16, key=self._key, person=self._reader).digest()
        if digest in self.known:
            self._named += 1
            piece[SAME].append(f"{block.line}\t{_text(block.external_id)}\n")
            return len(block.external_id)
        rows = block.rows()
        head = next(rows, None)
        if head is None:
            return 0
        if type(head) is not ReceivableRow or head.external_id != block.external_id:
            raise ValueError(f"the block of {block.external_id} does not begin with it")
        self._latest = (head.external_id, str(uuid7()))
        before, size = self.counted.inside(), 0
        for row in rows:
            if type(row) not in PARTS or row.receivable != head.external_id:
                raise ValueError(f"what is no part of {head.external_id} stands in its block")
            size += self._row(row, piece)
        totals = ",".join(map(str, map(sub, self.counted.inside(), before)))
        text = self._head(head, digest.hex(), f"{{{totals}}}")
        piece["receivables"].append(text)
        self.counted.numbers["receivables"] += 1
        return size + len(text)

    def _make(self, name: str, columns: str) -> None:
        self.connection.execute(f"CREATE TEMP TABLE {name} (line integer, {columns}) ON COMMIT DROP".encode())

    def _take(self, piece: dict[str, list[str]], early: Callable[[dict[str, int]], None] | None) -> None:
        filled = {table: texts for table, texts in piece.items() if texts}
        place = "stage" if early is None else "fresh"
        for table, texts in filled.items():
            with self.connection.cursor().copy(f"COPY {place}_{table} FROM STDIN".encode()) as copy:
                copy.write("".join(texts))
        if early is not None:
            early({table: len(texts) for table, texts in filled.items()})
            for table in filled:
                move = f"INSERT INTO stage_{table} SELECT * FROM fresh_{table}; TRUNCATE fresh_{table}"
                self.connection.execute(move.encode())

    def _digest(self, text: str) -> str:
        return blake2b(text.encode(), digest_size=16, key=self._key).hexdigest()

    def _id_of(self, receivable: str) -> str:
        """The id the receivable just read gets if it is new."""
        external_id, own_id = self._latest
        return own_id if external_id == receivable else NULL

    def _kind(self, row: KindRow) -> tuple[str, str]:
        return "kinds", f"{row.line}\t{_text(row.code)}\t{_text(row.title)}\t{row.regime}\t{_text(row.account)}\n"

    def _payer(self, row: PayerRow) -> tuple[str, str]:
        pesel_hash = sealed = "\\N"
        if row.pesel is not None:
            pesel_hash = str(hash_pesel(self.tenant, row.pesel))
            sealed = seal_pesel(self.tenant, row.pesel)
        text = "\t".join(
            _text(each)
            for each in (
                row.external_id,
                row.kind,
                row.name,
                row.nip,
                row.regon,
                row.street,
                row.postal_code,
                row.city,
                row.email,
                row.phone,
                row.merged_into,
            )
        )
        text = f"{text}\t{pesel_hash}"
        return "payers", f"{row.line}\t{text}\t{self._digest(text)}\t{uuid7()}\t{sealed}\n"

    def _receivable(self, row: ReceivableRow) -> tuple[str, str]:
        """One that is no block: what stands in it may come anywhere, so the next full file looks at it again."""
        self._latest = (row.external_id, str(uuid7()))
        return "receivables", self._head(row, NULL, NULL)

    def _head(self, row: ReceivableRow, block: str, totals: str) -> str:
        line, external_id, kind, parent, title, number, period_from, period_until, basis, account, closed, code = row
        text = (
            f"{_text(external_id)}\t{_text(kind)}\t{_text(parent)}\t{_text(title)}\t{_text(number)}"
            f"\t{period_from or NULL}\t{period_until or NULL}\t{_text(basis)}\t{account or NULL}\t{closed}"
            f"\t{code or NULL}"
        )
        return f"{line}\t{text}\t{self._digest(text)}\t{self._latest[1]}\t{block}\t{totals}\n"

    def _liability(self, row: LiabilityRow) -> tuple[str, str]:
        line, receivable, payer, role, part, whole, from_on, until_on = row
        text = f"{_text(receivable)}\t{_text(payer)}\t{role}\t{part}\t{whole}\t{from_on or NULL}\t{until_on or NULL}"
        return "liabilities", f"{line}\t{text}\t{self._digest(text)}\t{self._id_of(receivable)}\n"

    def _instalment(self, row: InstalmentRow) -> tuple[str, str]:
        line, external_id, receivable, number, due_on, charged, principal, interest, costs, closed = row
        numbers = self.counted.numbers
        numbers["principal"] += principal
        numbers["interest"] += interest
        numbers["costs"] += costs
        text = (
            f"{_text(external_id)}\t{_text(receivable)}\t{number}\t{due_on}\t{charged}\t{principal}\t{interest}"
            f"\t{costs}\t{closed}"
        )
        return "instalments", f"{line}\t{text}\t{self._digest(text)}\t{uuid7()}\t{self._id_of(receivable)}\n"

    def _operation(self, row: OperationRow) -> tuple[str, str]:
        self.counted.numbers["operations_amount"] += row.principal + row.interest + row.costs
        text = (
            f"{_text(row.external_id)}\t{_text(row.receivable)}\t{_text(row.instalment)}\t{row.kind}\t{row.booked_on}"
            f"\t{row.happened_on}\t{_text(row.document)}\t{row.principal}\t{row.interest}\t{row.costs}"
            f"\t{_text(row.counterpart)}\t{row.booking_id or NULL}"
        )
        return "operations", f"{row.line}\t{text}\t{self._digest(text)}\t{uuid7()}\t{self._id_of(row.receivable)}\n"

    def _document(self, row: DocumentRow) -> tuple[str, str]:
        text = (
            f"{_text(row.external_id)}\t{_text(row.receivable)}\t{_text(row.title)}\t{row.issued_on}"
            f"\t{_text(row.sha256)}\t{row.size}"
        )
        return "documents", f"{row.line}\t{text}\t{self._digest(text)}\t{uuid7()}\t{self._id_of(row.receivable)}\n"

    def _overpayment(self, row: OverpaymentRow) -> tuple[str, str]:
        self.counted.numbers["overpayments_amount"] += row.amount
        text = (
            f"{_text(row.external_id)}\t{_text(row.payer)}\t{_text(row.receivable)}\t{row.amount}\t{row.arose_on}"
            f"\t{row.closed}"
        )
        return "overpayments", f"{row.line}\t{text}\t{self._digest(text)}\t{uuid7()}\n"


NULL = "\\N"


def _new_piece() -> dict[str, list[str]]:
    return {table: [] for table in (*TABLES, SAME)}


def _text(value: str | None) -> str:
    """A text as COPY reads it. Readers leave no control characters, so only the backslash is left to escape."""
    if value is None:
        return NULL
    return value.replace("\\", "\\\\") if "\\" in value else value
