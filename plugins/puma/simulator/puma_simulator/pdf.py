"""A page of text as PDF 1.4, written by hand: what a finance system prints a decision with, in small."""

from __future__ import annotations

LETTERS = "ąćęłńóśźżĄĆĘŁŃÓŚŹŻ–"
NAMES = (  # of their shapes, in the same order
    "/aogonek/cacute/eogonek/lslash/nacute/oacute/sacute/zacute/zdotaccent"
    "/Aogonek/Cacute/Eogonek/Lslash/Nacute/Oacute/Sacute/Zacute/Zdotaccent/endash"
)
CODES = {letter: 128 + place for place, letter in enumerate(LETTERS)}
FONT = (
    "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding << /Type /Encoding /BaseEncoding /WinAnsiEncoding"
    f" /Differences [128 {NAMES}] >> >>"
)


def make_pdf(lines: list[str]) -> bytes:
    """The same lines give the same bytes."""
    text = b"".join(b"(" + encoded(line) + b") ' " for line in lines)
    stream = b"BT /F1 12 Tf 18 TL 72 770 Td " + text + b"ET"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        FONT.encode(),
    ]
    body, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, start=1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    count = len(objects) + 1
    return body + (
        b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
        % (count, table, count, len(body))
    )


def encoded(line: str) -> bytes:
    """In the encoding of the font; what it does not have is a question mark."""
    codes = bytes(CODES.get(letter, ord(letter) if " " <= letter <= "~" else ord("?")) for letter in line)
    return codes.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")
