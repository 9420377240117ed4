"""Answers to a batch that are no answers to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.exchange.corpus.good import (
    MEGABYTE,
    STRANGER,
    Broken,
    Portal,
    answer,
    booked,
)


def acknowledgements() -> Iterator[Broken]:
    def wrong(name: str, code: str, at: int | None, make: Callable[[Portal], bytes]) -> Broken:
        return Broken(name, "acknowledgements", name, ((code, at),), make)

    def both(portal: Portal, *more: str, **changes: str) -> bytes:
        return answer(portal, *map(booked, portal.bookings), *more, **changes)

    yield wrong("an unknown batch", "unknown-batch", None, lambda portal: both(portal, batch="77"))
    yield wrong("other bytes", "other-content", None, lambda portal: both(portal, sha256="f" * 64))
    yield wrong("no sha", "sha256", 2, lambda portal: both(portal, sha256=""))
    yield wrong("of another gmina", "other_tenant", 2, lambda portal: both(portal, tenant="PL-DEBINA"))
    yield wrong("a line is missing", "other-lines", None, lambda portal: answer(portal, booked(portal.bookings[0])))
    yield wrong("no line", "other-lines", None, answer)
    yield wrong("a line too many", "other-lines", None, lambda portal: both(portal, booked(STRANGER)))
    yield wrong("a line twice", "duplicate", 5, lambda portal: both(portal, booked(portal.bookings[0])))
    refused = '<refused booking="{}" reason="{}"/>'
    yield wrong(
        "a line booked and refused",
        "duplicate",
        5,
        lambda portal: both(portal, refused.format(portal.bookings[1], "Nie")),
    )
    yield wrong("a refusal without a reason", "text", 5, lambda portal: both(portal, refused.format(STRANGER, "")))
    yield wrong("a day that is none", "day", 5, lambda portal: both(portal, booked(STRANGER, "2026-02-30")))
    yield wrong("an unknown line", "unknown_element", 5, lambda portal: both(portal, "<maybe/>"))
    yield wrong("text between lines", "unexpected_content", 4, lambda portal: both(portal, "i"))
    yield wrong("cut in a line", "truncated", 4, lambda portal: both(portal)[:-60])
    yield wrong("a document type", "dtd", None, lambda portal: both(portal).replace(b"?>\n", b"?>\n<!DOCTYPE a>", 1))
    yield wrong("an acknowledgement of 33 MB", "too-large", None, lambda portal: both(portal) + b" " * (33 * MEGABYTE))
    stranger = "0192b000-dead-7000-8000-{:012}".format
    yield wrong(
        "300,000 lines", "too_large", 10_003, lambda portal: answer(portal, *map(booked, map(stranger, range(300_000))))
    )
    yield Broken(
        "lines without end", "acknowledgements", "<a/> without end",
        (("unknown_element", 3),) * 999 + (("too_large", 3),),
        lambda portal: answer(portal, "<a/>" * (7 * MEGABYTE)),
    )  # fmt: skip
