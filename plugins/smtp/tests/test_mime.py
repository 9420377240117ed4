from __future__ import annotations

import email.policy
from dataclasses import replace
from email import message_from_bytes

import pytest

from skarbnik.plugin_api import Attachment, Refused
from skarbnik_smtp.mime import address, write


def test_a_message_is_ascii_on_the_wire_and_polish_when_read(message):
    raw = write(message)
    read = message_from_bytes(raw, policy=email.policy.default)

    assert raw.isascii()
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert read["Subject"] == "Potwierdzenie wpłaty: 1 234,56 zł"
    assert read["From"].addresses[0].display_name == "Gmina Żółwin"
    assert read["Message-ID"] == "<018f3c1e-aaaa@lipowo.example>"
    assert read["Auto-Submitted"] == "auto-generated"
    assert read["Date"].datetime.tzinfo is not None
    assert "zażółć gęślą jaźń" in read.get_body(("plain",)).get_content()
    assert read.get_body(("html",)).get_content().strip() == "<p>Dzień dobry</p>"


def test_a_paper_goes_with_the_message_byte_for_byte(message):
    content = bytes(range(256)) * 300
    paper = Attachment("potwierdzenie-7KD3F-9QWER.pdf", "application/pdf", content)

    raw = write(replace(message, attachments=(paper,)))
    (read,) = message_from_bytes(raw, policy=email.policy.default).iter_attachments()

    assert raw.isascii()
    assert (read.get_content_type(), read.get_filename()) == ("application/pdf", "potwierdzenie-7KD3F-9QWER.pdf")
    assert read.get_content() == content


@pytest.mark.parametrize(
    "strange",
    [
        {"name": "a.pdf\r\nBcc: x@evil.example"},
        {"name": "../../etc/passwd"},
        {"name": ""},
        {"name": "zażółć.pdf"},
        {"media_type": "application"},
        {"media_type": "application/pdf\r\nX: y"},
    ],
)
def test_a_paper_with_a_strange_name_or_type_is_refused(message, strange):
    words = {"name": "a.pdf", "media_type": "application/pdf", "content": b"%PDF", **strange}

    with pytest.raises(Refused):
        write(replace(message, attachments=(Attachment(**words),)))


@pytest.mark.parametrize("field", ["subject", "sender_name"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\u2028", "\x00"])
def test_a_line_break_in_a_text_makes_no_header(message, field, end):
    read = message_from_bytes(write(replace(message, **{field: f"a{end}Bcc: x@evil.example"})))

    assert read["Bcc"] is None


@pytest.mark.parametrize("field", ["recipient", "sender", "message_id"])
@pytest.mark.parametrize(
    "text", ["a@b.pl\nBcc: x@evil.example", "a@b.pl, c@d.pl", "<a@b.pl>", "", "a", "a b@c.pl", "a@b.pl\r\n.\r\n"]
)
def test_a_strange_address_is_refused_and_never_sent(message, field, text):
    with pytest.raises(Refused):
        write(replace(message, **{field: text}))


def test_a_polish_domain_is_written_in_ascii():
    assert address("jan@żółw.pl") == "jan@xn--w-uga1v8h.pl"
