"""What processes write to stderr: lines for people, or one JSON object a line for whoever collects them."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog
from structlog.typing import EventDict

from cli.log_lines import LogLines, without_message
from records.settings import Settings


def log_to_stderr(settings: Settings) -> None:
    """Log from now on in the form that the settings ask for. Messages hold ids and times and name nobody, whoever
    writes them: what libraries say of values is cut where it arises (`records/engine.py`, `api/edge.py`)."""
    handler = logging.StreamHandler(sys.stderr)
    tells_errors = settings.environment != "production"
    handler.setFormatter(_json(tells_errors) if settings.log_format == "json" else LogLines(tells_errors=tells_errors))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("alembic").setLevel(logging.WARNING)


def _json(tells_errors: bool) -> logging.Formatter:
    """`time` in UTC, `level`, `logger`, `event`; `exception` where there is one."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.format_exc_info if tells_errors else _say_no_message,
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(),
        ],
    )


def _say_no_message(_: Any, __: str, event: EventDict) -> EventDict:
    """In production an error is told without its message, which may be about somebody."""
    error = event.pop("exc_info", None)
    if isinstance(error, tuple) and error[0] is not None:
        event["exception"] = without_message(error[0], error[2])
    return event
