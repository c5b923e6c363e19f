"""The log's lines: what stands in one cannot look like another, and no error tells what it was about.

A line that goes on is set in, so that whatever begins at the margin was written by the program. In production the
message of an error is left out: libraries repeat values in them, which here are about people.
"""

from __future__ import annotations

import logging
import traceback
from types import TracebackType

from domain.visible import visible

SHAPE = "%(asctime)s %(levelname)s %(name)s %(message)s"
SET_IN = "    | "
MOST_FRAMES = 30


class LogLines(logging.Formatter):
    """`tells_errors`: whether the message of an error is part of it."""

    def __init__(self, *, tells_errors: bool) -> None:
        super().__init__(SHAPE)
        self._tells_errors = tells_errors

    def format(self, record: logging.LogRecord) -> str:
        """One record; further lines of it are set in."""
        return visible(super().format(record).replace("\r\n", "\n")).replace("\n", f"\n{SET_IN}")

    def formatException(
        self, ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
    ) -> str:
        """Where it broke and what kind of error it was."""
        if self._tells_errors or ei[0] is None:
            return super().formatException(ei)
        return without_message(ei[0], ei[2])


def without_message(kind: type[BaseException], frames: TracebackType | None) -> str:
    """Where it broke and what kind of error it was, and nothing of what it was about."""
    return f"{''.join(traceback.format_tb(frames)[-MOST_FRAMES:])}{kind.__name__}: (its message is left out)"
