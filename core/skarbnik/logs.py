"""Logs: one JSON object a line, with tenant, request and user ids, never with PESEL, names, tokens or addresses."""

from __future__ import annotations

import logging
import sys

import structlog


def set_up_logs(kind: str) -> None:
    """`json` for machines, `console` for people."""
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer() if kind == "console" else structlog.processors.JSONRenderer()
    )
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
