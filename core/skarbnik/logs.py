"""Logs: one JSON object a line, with tenant, request and user ids, never with PESEL, names, tokens or addresses."""

from __future__ import annotations

import json
import logging
import re
import sys

import structlog

_DETAIL = re.compile(r"^(DETAIL|CONTEXT|LINE \d+):.*(\n\s+.*)?$", re.MULTILINE)


def leave_rows_out(logger: object, name: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """PostgreSQL quotes the failing row in the details of its errors: people's data, which no log may hold."""
    if isinstance(event.get("exception"), str):
        event["exception"] = _DETAIL.sub(r"\1 left out", event["exception"])
    return event


_ENCODER = json.JSONEncoder(default=repr)  # made once: json.dumps with a default makes one for each line


def _as_json(event: structlog.typing.EventDict, **_: object) -> str:
    return _ENCODER.encode(event)


def set_up_logs(kind: str) -> None:
    """`json` for machines, `console` for people."""
    renderer: structlog.typing.Processor = structlog.processors.JSONRenderer(serializer=_as_json)
    if kind == "console":
        renderer = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        leave_rows_out,
    ]
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
