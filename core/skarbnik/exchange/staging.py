"""Rows of a file into temporary tables, as fast as COPY takes them.

Each row becomes one line of COPY text; the same text, keyed, is the row's digest, so an unchanged row is recognised
without comparing its columns. Amounts are whole grosze, `line` is the line of the file for the report.
"""

from __future__ import annotations

import base64
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from hashlib import blake2b
from typing import Any
from uuid import UUID

import psycopg
from uuid_utils import uuid7

from skarbnik.exchange.blocks import Blocks
from skarbnik.plugin_api import (
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
        " period_until date, basis varchar, account varchar, closed boolean, digest uuid, id uuid, block uuid"
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

# Receivables whose block is the known one: by their id in the file, and by ours.
SAME = "same"
NAMED = """
    CREATE TEMP TABLE stage_named ON COMMIT DROP AS
    SELECT DISTINCT r.id FROM stage_same s JOIN receivables r ON r.source = %s AND r.external_id = s.external_id
"""

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


@dataclass
class Counted:
    """What was really in the file, to be compared with what its manifest says."""

    rows: dict[str, int] = field(default_factory=lambda: dict.fromkeys(TABLES, 0))
    principal: int = 0
    interest: int = 0
    costs: int = 0
    operations_amount: int = 0
    overpayments_amount: int = 0

    def totals(self) -> Totals:
        amounts = {name: value for name, value in asdict(self).items() if name != "rows"}
        return Totals(**self.rows, **amounts)


class Stage:
    """Temporary tables of one import, gone with its transaction.

    One thread reads and writes rows as text, another gives them to PostgreSQL piece by piece, so both processors work.
    While `fill` runs the connection belongs to that second thread.
    """

    def __init__(
        self, connection: psycopg.Connection, tenant: Tenant, source: str, known: Blocks | None = None
    ) -> None:
        """With `known` whole receivables are compared first, and those that are known are only named."""
        self.connection = connection
        self.tenant = tenant
        self.source = source
        self.known = known
        self.counted = Counted()
        self._latest = ("", NULL)  # external id and id of the receivable whose parts usually follow it
        self._key = tenant.instance.keys.digest_key(tenant.id, "import/digest")
        self._writers: dict[type, Callable[[Any], tuple[str, str]]] = {
            KindRow: self._kind,
            PayerRow: self._payer,
            OverpaymentRow: self._overpayment,
        }
        self._parts: dict[type, tuple[str, Callable[[Any], str]]] = {
            ReceivableRow: ("receivables", self._receivable),
            LiabilityRow: ("liabilities", self._liability),
            InstalmentRow: ("instalments", self._instalment),
            OperationRow: ("operations", self._operation),
            DocumentRow: ("documents", self._document),
        }
        for table, columns in TABLES.items():
            self._make(f"stage_{table}", columns)
        self._make(f"stage_{SAME}", "external_id varchar")

    def fill(
        self,
        rows: Iterable[Row],
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

    def _pieces(self, rows: Iterable[Row]) -> Iterator[dict[str, list[str]]]:
        writers, parts, counts = self._writers, self._parts, self.counted.rows
        piece, size = _new_piece(), 0
        block: Block = []
        for row in rows:
            part = parts.get(type(row))
            if part is None or part[0] == "receivables":
                size += self._write(block, piece)
                block = []
            if part is None:
                table, text = writers[type(row)](row)
                piece[table].append(text)
                size += len(text)
            else:
                table = part[0]
                block.append((table, row, part[1](row)))
            counts[table] += 1
            if size > PIECE:
                yield piece
                piece, size = _new_piece(), 0
        self._write(block, piece)
        yield piece

    def _write(self, block: Block, piece: dict[str, list[str]]) -> int:
        """A receivable and what stands in it, or its name only. How many characters it took."""
        if not block:
            return 0
        mark = NULL
        if self.known is not None:
            digest = self._digest_of(block)
            if digest in self.known:
                head: ReceivableRow = block[0][1]
                piece[SAME].append(f"{head.line}\t{_text(head.external_id)}\n")
                return len(head.external_id)
            mark = digest.hex()
        size = 0
        for table, row, text in block:
            whole = f"{row.line}\t{text}\t{self._digest(text)}\t{self._ids(table, row, mark)}\n"
            piece[table].append(whole)
            size += len(whole)
        return size

    def _digest_of(self, block: Block) -> bytes:
        head: ReceivableRow = block[0][1]
        if type(head) is not ReceivableRow or any(row.receivable != head.external_id for _, row, _ in block[1:]):
            raise ValueError(f"a row of another receivable stands behind {head.external_id}")
        text = "\x1e".join([f"{table}\x1f{text}" for table, _, text in block])
        return blake2b(text.encode(), digest_size=16, key=self._key).digest()

    def _ids(self, table: str, row: Any, mark: str) -> str:
        """The ids rows get if they are new, as the columns of their table end."""
        if table == "receivables":
            own_id = str(uuid7())
            self._latest = (row.external_id, own_id)
            return f"{own_id}\t{mark}"
        if table == "liabilities":
            return self._id_of(row.receivable)
        return f"{uuid7()}\t{self._id_of(row.receivable)}"

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
        keys = self.tenant.instance.keys
        pesel_hash = sealed = "\\N"
        if row.pesel is not None:
            pesel_hash = str(hash_pesel(self.tenant, row.pesel))
            plain = row.pesel.encode()
            sealed = base64.b64encode(keys.seal(self.tenant.id, "pesel", plain)).decode()
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

    def _receivable(self, row: ReceivableRow) -> str:
        _line, external_id, kind, parent, title, number, period_from, period_until, basis, account, closed = row
        return (
            f"{_text(external_id)}\t{_text(kind)}\t{_text(parent)}\t{_text(title)}\t{_text(number)}"
            f"\t{period_from or NULL}\t{period_until or NULL}\t{_text(basis)}\t{account or NULL}\t{closed}"
        )

    def _liability(self, row: LiabilityRow) -> str:
        _line, receivable, payer, role, part, whole, from_on, until_on = row
        return f"{_text(receivable)}\t{_text(payer)}\t{role}\t{part}\t{whole}\t{from_on or NULL}\t{until_on or NULL}"

    def _instalment(self, row: InstalmentRow) -> str:
        _line, external_id, receivable, number, due_on, charged, principal, interest, costs, closed = row
        counted = self.counted
        counted.principal += principal
        counted.interest += interest
        counted.costs += costs
        return (
            f"{_text(external_id)}\t{_text(receivable)}\t{number}\t{due_on}\t{charged}\t{principal}\t{interest}"
            f"\t{costs}\t{closed}"
        )

    def _operation(self, row: OperationRow) -> str:
        self.counted.operations_amount += row.principal + row.interest + row.costs
        return (
            f"{_text(row.external_id)}\t{_text(row.receivable)}\t{_text(row.instalment)}\t{row.kind}\t{row.booked_on}"
            f"\t{row.happened_on}\t{_text(row.document)}\t{row.principal}\t{row.interest}\t{row.costs}"
            f"\t{_text(row.counterpart)}\t{row.booking_id or NULL}"
        )

    def _overpayment(self, row: OverpaymentRow) -> tuple[str, str]:
        self.counted.overpayments_amount += row.amount
        text = (
            f"{_text(row.external_id)}\t{_text(row.payer)}\t{_text(row.receivable)}\t{row.amount}\t{row.arose_on}"
            f"\t{row.closed}"
        )
        return "overpayments", f"{row.line}\t{text}\t{self._digest(text)}\t{uuid7()}\n"

    def _document(self, row: DocumentRow) -> str:
        return (
            f"{_text(row.external_id)}\t{_text(row.receivable)}\t{_text(row.title)}\t{row.issued_on}"
            f"\t{_text(row.sha256)}\t{row.size}"
        )


NULL = "\\N"
Block = list[tuple[str, Any, str]]  # table, row and its text: a receivable first, then what stands in it


def _new_piece() -> dict[str, list[str]]:
    return {table: [] for table in (*TABLES, SAME)}


def _text(value: str | None) -> str:
    """A text as COPY reads it. Readers leave no control characters, so only the backslash is left to escape."""
    if value is None:
        return NULL
    return value.replace("\\", "\\\\") if "\\" in value else value


def hash_pesel(tenant: Tenant, pesel: str) -> UUID:
    """128 bits of the keyed hash by which a gmina finds a payer who proved their PESEL."""
    return UUID(bytes=tenant.instance.keys.keyed_hash(tenant.id, "pesel/hash", pesel)[:16])
