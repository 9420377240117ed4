"""Whatever files come, one after another: naming known receivables says what looking at all of them says."""

from dataclasses import dataclass, field, replace
from itertools import chain, count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from skarbnik.exchange import imports
from skarbnik.exchange.models import ImportRun, Source
from skarbnik.exchange.states import RunState
from skarbnik.plugin_api import Block
from skarbnik_puma.system import PumaFinanceSystem

from .conftest import CODE

RECEIVABLES = ("R-1", "R-2", "R-3")
TURNS = count(1)


class WithoutBlocks(PumaFinanceSystem):
    def read_blocks(self, stream):
        return self.read_rows(stream)

    def read_rows(self, stream):
        blocks = super().read_blocks(stream)
        return chain.from_iterable(each.rows() if isinstance(each, Block) else (each,) for each in blocks)


TABLES = {
    "payers": """SELECT p.external_id, p.name, p.closed_at IS NULL, m.external_id FROM payers p
        LEFT JOIN payers m ON m.id = p.merged_into WHERE p.source = :source""",
    "receivables": """SELECT r.external_id, k.code, r.title, r.closed_at IS NULL, p.external_id FROM receivables r
        JOIN kinds k ON k.id = r.kind_id LEFT JOIN receivables p ON p.id = r.parent_id WHERE r.source = :source""",
    "liabilities": """SELECT r.external_id, p.external_id, l.role, l.share_part, l.closed_at IS NULL FROM liabilities l
        JOIN receivables r ON r.id = l.receivable_id JOIN payers p ON p.id = l.payer_id WHERE r.source = :source""",
    "instalments": """SELECT i.external_id, r.external_id, i.principal, i.closed_at IS NULL FROM instalments i
        JOIN receivables r ON r.id = i.receivable_id WHERE i.source = :source""",
    "operations": """SELECT o.external_id, r.external_id, o.kind, o.principal, o.closed_at IS NULL, i.external_id
        FROM operations o JOIN receivables r ON r.id = o.receivable_id
        LEFT JOIN instalments i ON i.id = o.instalment_id WHERE o.source = :source""",
    "overpayments": """SELECT o.external_id, p.external_id, o.amount, o.closed_at IS NULL, r.external_id
        FROM overpayments o JOIN payers p ON p.id = o.payer_id
        LEFT JOIN receivables r ON r.id = o.receivable_id WHERE o.source = :source""",
    "documents": """SELECT d.external_id, r.external_id, d.title, d.closed_at IS NULL, d.sha256 FROM documents d
        JOIN receivables r ON r.id = d.receivable_id WHERE d.source = :source""",
}


@dataclass(frozen=True)
class Book:
    """What the finance system has: where each thing stands, if anywhere."""

    present: tuple[bool, ...] = (True, True, True)
    titles: tuple[str, ...] = ("A", "A", "A")
    closed: tuple[bool, ...] = (False, False, False)
    parent: tuple[int | None, ...] = (None, None, None)
    liable: tuple[tuple[int, ...], ...] = ((1,), (1,), (2,))
    instalments: tuple[int, ...] = (100, 100, 100)  # of each receivable its first; 0 is none
    seconds: tuple[int | None, ...] = (None, None, None)
    operations: tuple[int | None, ...] = (0, 1, None)  # where each stands
    legs: tuple[int | None, ...] = (None, None)
    documents: tuple[int | None, ...] = (0, None)
    overpaid: int | None = None
    merged: bool = False
    versions: tuple[int, ...] = field(default=(0, 0))  # of the documents


WHAT = [*Book.__dataclass_fields__, "operations", "legs", "documents"]  # those oftener
SLOT = st.one_of(st.none(), st.integers(0, 2))


@st.composite
def changes(draw, book):
    name = draw(st.sampled_from(WHAT))
    if name == "merged":
        return replace(book, merged=not book.merged)
    if name == "overpaid":
        return replace(book, overpaid=draw(SLOT))
    if name == "legs":
        return replace(book, legs=draw(st.sampled_from([(None, None), (0, 1), (1, 0), (0, 2), (1, 1), (0, None)])))
    values = list(getattr(book, name))
    place = draw(st.integers(0, len(values) - 1))
    values[place] = draw({
        "present": st.booleans(),
        "titles": st.sampled_from("AB"),
        "closed": st.booleans(),
        "parent": st.sampled_from([None, *range(place)]),
        "liable": st.sampled_from([(1,), (2,), (1, 2)]),
        "instalments": st.sampled_from([100, 70, 0]),
        "seconds": st.sampled_from([None, 50, 0]),
        "operations": SLOT,
        "documents": SLOT,
        "versions": st.integers(0, 1),
    }[name])  # fmt: skip
    return replace(book, **{name: tuple(values)})


@st.composite
def histories(draw):
    """Files: the books of the day, the receivables named (None: a full one has all), and whether the sums are wrong."""
    book, files = Book(), []
    for _ in range(draw(st.integers(2, 6))):
        for _ in range(draw(st.integers(0, 3))):
            book = draw(changes(book))
        named = draw(st.one_of(st.none(), st.none(), st.sets(st.integers(0, 2), max_size=3)))
        files.append((book, named, draw(st.integers(0, 15)) == 15))
    return files


def write(words, book, named, number, *, wrong):
    def whole(place):
        own = RECEIVABLES[place]
        parts = [words.liability(f"P-{each}") for each in book.liable[place]]
        parts.append(words.instalment(f"I-{place}", principal=f"{book.instalments[place]}.00"))
        if book.seconds[place] is not None:
            parts.append(words.instalment(f"J-{place}", principal=f"{book.seconds[place]}.00", number=2))
        parts += [
            words.operation(f"O-{turn}", f"-{turn + 1}.00")
            for turn, where in enumerate(book.operations)
            if where == place
        ]
        parts += [
            words.operation(
                f"L-{turn}", ("-10.00", "10.00")[turn], kind="rebooking", counterpart=f"L-{1 - turn}", document="PK"
            )
            for turn, where in enumerate(book.legs)
            if where == place
        ]
        parts += [
            words.document(f"D-{turn}", sha256="ab"[book.versions[turn]] * 64)
            for turn, where in enumerate(book.documents)
            if where == place
        ]
        above = book.parent[place]
        above = above if above is not None and book.present[above] else None
        return words.receivable(
            own,
            *parts,
            title=book.titles[place],
            closed="true" if book.closed[place] else None,
            parent=RECEIVABLES[above] if above is not None else None,
        )

    return words.Export(
        payers=(words.payer("P-1", merged_into="P-2" if book.merged else None), words.payer("P-2")),
        receivables=tuple(
            whole(place) for place in range(3) if book.present[place] and (named is None or place in named)
        ),
        overpayments=(words.overpayment("N-1", "P-1", "9.00", receivable=RECEIVABLES[book.overpaid]),)
        if book.overpaid is not None
        else (),
        number=number,
        kind="full" if named is None else "incremental",
        said={"receivables": 99} if wrong else {},
    ).body()


@pytest.fixture
def read(tenant, source, tmp_path):
    """`read(source id, system, bytes)`: the file is read for a source. What became of it, and why."""
    settings_type = tenant.instance.plugins.finance_systems["puma"].settings_type

    def go(own, kind, content):
        path = tmp_path / own
        path.write_bytes(content)
        with tenant.session() as session:
            if session.get(Source, own) is None:
                session.add(
                    Source(id=own, plugin="puma", title="P", tenant_code=CODE, settings_version=1, most_closing=100)
                )
                session.flush()
            run = imports.register_run(session, session.get_one(Source, own), own)
        state = imports.read_import(tenant, kind(settings_type(tenant_code=CODE)), run.id, path)
        with tenant.session() as session:
            found = session.scalars(select(ImportRun).where(ImportRun.id == run.id)).one()
            return state, sorted({each.code for each in found.problems})

    return go


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(histories())
def test_naming_what_is_known_says_what_looking_at_it_says(words, rows, read, files):
    turn = next(TURNS)
    number = 1
    first = write(words, replace(Book(), present=(False, False, False)), None, number, wrong=False)  # learns nothing
    read(f"k{turn}", PumaFinanceSystem, first), read(f"w{turn}", WithoutBlocks, first)
    for book, named, wrong in files:
        content = write(words, book, named, number + 1, wrong=wrong)
        with_blocks = read(f"k{turn}", PumaFinanceSystem, content)
        without = read(f"w{turn}", WithoutBlocks, content)
        assert with_blocks[0] == without[0], (with_blocks, without)
        number += with_blocks[0] is RunState.APPLIED
        for table, query in TABLES.items():
            assert sorted(map(repr, rows(query, source=f"k{turn}"))) == sorted(
                map(repr, rows(query, source=f"w{turn}"))
            ), table
