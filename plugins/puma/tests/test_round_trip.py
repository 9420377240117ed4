"""Whatever a finance system may write, the plugin reads back exactly, and the schema accepts."""

from datetime import date
from io import BytesIO
from xml.etree import ElementTree

from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from skarbnik.plugin_api import OperationKind

NS = "urn:skarbnik:exchange:export:1"
ID = st.from_regex(r"[0-9A-Za-z][0-9A-Za-z._:/+\-]{0,63}", fullmatch=True)
AMOUNT = st.integers(0, 10**13 - 1)
SIGNED = st.integers(-(10**13) + 1, 10**13 - 1)
UNSEEN = "".join(map(chr, [*range(0x7F, 0xA0), 0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xFEFF]))


def text(most):
    letters = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn", "Zl", "Zp"), exclude_characters=UNSEEN)
    return st.text(letters, min_size=1, max_size=most).filter(lambda word: word == word.strip() and word)


def day():
    return st.dates(min_value=date(1900, 1, 1), max_value=date(2199, 12, 31))


def written(grosze):
    return f"{'-' * (grosze < 0)}{abs(grosze) // 100}.{abs(grosze) % 100:02d}"


OPERATION = st.tuples(ID, st.sampled_from(OperationKind), day(), text(64), SIGNED, SIGNED, st.none() | st.uuids())
INSTALMENT = st.tuples(ID, st.integers(1, 999), day(), AMOUNT, AMOUNT, AMOUNT, AMOUNT, st.booleans())
RECEIVABLE = st.tuples(
    ID,
    text(200),
    st.none() | text(80),
    st.none() | text(500),
    st.none() | st.from_regex(r"[0-9A-Z]{8,32}", fullmatch=True),
    st.lists(INSTALMENT, max_size=3),
    st.lists(OPERATION, max_size=3),
)


def document(head, receivables, shuffle):
    """An export written by the standard library, with the attributes in any order."""

    def add(parent, tag, **attributes):
        given_ = [(name.rstrip("_"), str(value)) for name, value in attributes.items() if value is not None]
        shuffle(given_)
        return ElementTree.SubElement(parent, tag, dict(given_))

    root = ElementTree.fromstring(head)
    for tag in ("kinds", "payers"):
        ElementTree.SubElement(root, f"{{{NS}}}{tag}")
    section = ElementTree.SubElement(root, f"{{{NS}}}receivables")
    for own, title, number, basis, code, instalments, operations in receivables:
        words = {"title": title, "number": number, "basis": basis, "payment-code": code}
        node = add(section, f"{{{NS}}}receivable", id=own, kind="K", **words)
        for part, place, due, *amounts, closed in instalments:
            charged, principal, interest, costs = map(written, amounts)
            add(node, f"{{{NS}}}instalment", id=part, number=place, due=due, charged=charged, principal=principal,
                interest=interest, costs=costs, closed="true" if closed else None)  # fmt: skip
        for part, kind, on, proof, principal, costs, booking in operations:
            add(node, f"{{{NS}}}operation", id=part, kind=kind, booked=on, happened=on, document=proof,
                principal=written(principal), interest="0.00", costs=written(costs), booking=booking)  # fmt: skip
    ElementTree.SubElement(root, f"{{{NS}}}overpayments")
    return ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True)


def expected(receivables):
    for own, title, number, basis, code, instalments, operations in receivables:
        yield (own, "K", None, title, number, None, None, basis, None, False, code)
        for part, place, due, charged, principal, interest, costs, closed in instalments:
            yield (part, own, place, due, charged, principal, interest, costs, closed)
        for part, kind, on, proof, principal, costs, booking in operations:
            yield (part, own, None, kind, on, on, proof, principal, 0, costs, None, booking)


@settings(max_examples=150, deadline=None)
@given(st.lists(RECEIVABLE, max_size=4), st.randoms(use_true_random=False))
def test_what_was_written_is_what_is_read(puma, schema, sample, receivables, random):
    head = sample("export").split(b"<kinds>")[0] + b"</export>"
    body = document(head, receivables, random.shuffle)

    schema("export").assertValid(etree.fromstring(body))
    assert [tuple(row)[1:] for row in puma.read_rows(BytesIO(body))] == list(expected(receivables))
