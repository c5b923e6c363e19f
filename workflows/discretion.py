"""What fails in an activity is told to Temporal by the name of its error alone.

Failures are readable in Temporal's pages and database, and the message of a database error holds the values of the
row. The place in the code goes to the worker's log, without the message.
"""

from __future__ import annotations

import logging
import traceback
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError, CancelledError
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

_log = logging.getLogger(__name__)


class DiscreetFailures(Interceptor):
    """Keeps the messages of failures inside the worker."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        """Wrap every activity."""
        return _Discreet(next)


class _Discreet(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        try:
            return await super().execute_activity(input)
        except (ApplicationError, CancelledError):
            raise  # worded by ourselves
        except Exception as error:
            where = "".join(traceback.format_tb(error.__traceback__))
            _log.error("activity %s: %s\n%s", activity.info().activity_type, type(error).__name__, where)
            raise ApplicationError(f"{type(error).__name__} in {activity.info().activity_type}") from None
