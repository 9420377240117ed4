"""A file that was damaged is never read as a smaller file."""

from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from skarbnik.plugin_api import BrokenFile
from skarbnik_puma.settings import PumaSettings
from skarbnik_puma.system import PumaFinanceSystem

PUMA = PumaFinanceSystem(PumaSettings(tenant_code="LIPOWO"))


def test_a_truncated_export_is_refused_wherever_it_ends(read, sample):
    body = sample("export").rstrip()
    for end in range(len(body)):
        _, broken = read(body[:end])
        assert broken is not None, end
        assert broken.problems, end


def test_a_truncated_acknowledgement_is_refused_wherever_it_ends(sample):
    body = sample("ack").rstrip()
    for end in range(len(body)):
        with pytest.raises(BrokenFile):
            PUMA.read_acknowledgement(body[:end])


def test_the_end_of_a_truncated_export_is_named_with_its_line(read, sample):
    body = sample("export")
    cut = body[: body.index(b"<overpayments>")]
    _, broken = read(cut)

    assert [(problem.code, problem.line) for problem in broken.problems] == [("truncated", cut.count(b"\n") + 1)]


def test_something_after_the_end_is_refused(read, sample):
    _, broken = read(sample("export") + b"<more/>")
    assert broken is not None


def test_problems_found_before_the_break_are_kept(read, sample):
    body = sample("export").replace(b'postal-code="11-100"', b'postal-code="?"')
    _, broken = read(body[: body.index(b"</receivables>")])

    assert [problem.code for problem in broken.problems] == ["postal_code", "truncated"]


@pytest.mark.parametrize("encoding", ["iso-8859-2", "windows-1250", "utf-16", "utf-16-le", "utf-32", "utf-7"])
@pytest.mark.parametrize("honest", [True, False])
def test_another_encoding_is_refused(read, sample, encoding, honest):
    text = sample("export").decode()
    if honest:
        text = text.replace("UTF-8", encoding.upper(), 1)
    with pytest.raises(BrokenFile) as caught:
        list(PUMA.read_rows(BytesIO(text.encode(encoding, "xmlcharrefreplace"))))
    assert caught.value.problems


@pytest.mark.parametrize("bad", [b"\xb3", b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf5\x80\x80\x80"])
@pytest.mark.parametrize("declaration", [b'<?xml version="1.0" encoding="UTF-8"?>', b'<?xml version="1.0"?>', b""])
def test_bytes_that_are_no_utf8_are_refused(read, sample, bad, declaration):
    body = declaration + sample("export").split(b"?>", 1)[1].lstrip()
    _, broken = read(body.replace(b"Kowalski Jan", b"Kowalski J" + bad))

    assert broken.problems[-1].code in ("encoding", "not_well_formed")


def test_a_byte_order_mark_of_utf8_is_tolerated(read, sample):
    plain, _ = read(sample("export"))
    rows, broken = read(b"\xef\xbb\xbf" + sample("export"))

    assert broken is None
    assert rows == plain


def test_a_stream_that_answers_in_small_pieces_is_read_whole(sample):
    class Slow(BytesIO):
        def read(self, size=-1):
            return super().read(min(size, 7) if size > 0 else 7)

    assert len(list(PUMA.read_rows(Slow(sample("export"))))) == len(list(PUMA.read_rows(BytesIO(sample("export")))))


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_a_changed_attribute_is_either_valid_for_the_schema_or_listed_with_its_line(read, sample, schema, data):
    whole = len(read(sample("export"))[0])
    tree = etree.fromstring(sample("export"))
    elements = [node for node in tree.iter() if node.attrib]
    node = data.draw(st.sampled_from(elements))
    name = data.draw(st.sampled_from(node.keys()))
    old = node.get(name)
    junk = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn")), max_size=30)
    near = st.integers(0, len(old)).flatmap(
        lambda at: st.sampled_from("0-9.x ł").map(lambda c: old[:at] + c + old[at + 1 :])
    )
    node.set(name, data.draw(st.one_of(junk, near).filter(lambda value: value != old)))
    body = etree.tostring(tree, xml_declaration=True, encoding="UTF-8")
    line = etree.fromstring(body).xpath("//*")[[*tree.iter()].index(node)].sourceline

    rows, broken = read(body)

    if broken is not None:
        assert line in [problem.line for problem in broken.problems]
    else:
        assert len(rows) == whole
        schema("export").assertValid(etree.fromstring(body))


@settings(max_examples=400, deadline=None)
@given(at=st.integers(0, 4000), byte=st.integers(0, 255))
def test_one_wrong_byte_never_makes_rows_vanish(read, sample, at, byte):
    body = sample("export")
    at %= len(body)
    rows, broken = read(body[:at] + bytes([byte]) + body[at + 1 :])

    assert len(rows) == len(read(body)[0]) or broken.problems
