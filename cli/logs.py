"""What processes write to stderr: lines for people, or one JSON object a line for whoever collects them."""

from __future__ import annotations

import logging
import sys

import structlog

from records.settings import Settings

_FOR_PEOPLE = "%(asctime)s %(levelname)s %(name)s %(message)s"


def log_to_stderr(settings: Settings) -> None:
    """Log from now on in the form that the settings ask for. Messages hold ids and times and name nobody, whoever
    writes them: what libraries say of values is cut where it arises (`records/engine.py`, `api/edge.py`)."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_json() if settings.log_format == "json" else logging.Formatter(_FOR_PEOPLE))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("alembic").setLevel(logging.WARNING)


def _json() -> logging.Formatter:
    """`time` in UTC, `level`, `logger`, `event`; `exception` where there is one."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.format_exc_info,
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(),
        ],
    )
