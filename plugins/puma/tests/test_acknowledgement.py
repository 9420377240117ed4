"""Acknowledgements: every line or none."""

from datetime import date
from hashlib import sha256
from uuid import UUID

import pytest

from skarbnik.plugin_api import AcknowledgedLine, BrokenFile

FIRST = UUID("0192b000-0000-7000-8000-000000000001")
SECOND = UUID("0192b000-0000-7000-8000-000000000002")


def test_the_sample_answers_the_sample_batch(puma, sample):
    answer = puma.read_acknowledgement(sample("ack"))

    assert answer.batch_number == 3
    assert answer.sha256 == sha256(sample("bookings")).hexdigest()
    assert answer.lines == (
        AcknowledgedLine(FIRST, "WB 231/2026", date(2026, 11, 23), None),
        AcknowledgedLine(SECOND, None, None, "Rata jest zamknięta"),
    )


WRONG = [
    (b"acknowledgement:1", b"acknowledgement:2", "not_ours"),
    (b'tenant="LIPOWO"', b'tenant="DEBOWO"', "other_tenant"),
    (b'batch="3"', b'batch="0"', "number"),
    (b' batch="3"', b"", "missing_attribute"),
    (b'format="1"', b'format="1.1"', "choice"),
    (b'created="2026-11-23', b'created="2026-11-31', "moment"),
    (b'sha256="', b'sha256="F', "sha256"),
    (b'on="2026-11-23"', b'on="2026-11-31"', "day"),
    (b'reference="WB 231/2026"', b'reference=""', "text"),
    (b'reason="Rata', b'reason="' + b"x" * 200 + b'"  x="', "unknown_attribute"),
    (b"0192b000-0000-7000-8000-000000000002", b"0192b000-0000-7000-8000-000000000001", "duplicate"),
    (b"<refused", b"<rejected/><refused", "unknown_element"),
    (b"<refused", b"text<refused", "unexpected_content"),
    (b"<acknowledgement ", b"<!DOCTYPE acknowledgement><acknowledgement ", "dtd"),
    (b'encoding="UTF-8"', b'encoding="ISO-8859-2"', "encoding"),
]


@pytest.mark.parametrize(("right", "wrong", "code"), WRONG)
def test_a_wrong_acknowledgement_is_refused_whole(puma, sample, right, wrong, code):
    body = sample("ack")
    assert right in body
    with pytest.raises(BrokenFile) as caught:
        puma.read_acknowledgement(body.replace(right, wrong, 1))
    assert code in [problem.code for problem in caught.value.problems]
