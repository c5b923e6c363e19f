"""One person's move, from referral to closed loop: sleep until the next item is due, have it carried out, ask again.

The workflow knows no rule and holds no fact. Lost, terminated or started twice, nothing is lost and nothing happens
twice: the records decide, under the referral's lock, whether something is due.
"""

from __future__ import annotations

from temporalio import workflow
from temporalio.exceptions import FailureError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from workflows import names
    from workflows.names import Appointment


@workflow.defn
class TransitionWorkflow:
    """Keeps the appointments of one referral. Its only input is the referral's id."""

    def __init__(self) -> None:
        self._nudged = False

    @workflow.run
    async def run(self, referral_id: str) -> None:
        """Run until the records have nothing more to wait for."""
        while not (ahead := await self._ask(referral_id)).is_over:
            if ahead.is_due:  # meanwhile; and in histories from before asking carried out what was due
                ahead = await self._carry_out(referral_id, ahead)
            if ahead.is_over:
                return
            self._show(ahead)
            await self._wait(ahead)
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(referral_id)

    @workflow.signal
    def nudge(self) -> None:
        """Look again: something is due earlier than you were told, or the case is over. Carries nothing."""
        self._nudged = True

    async def _ask(self, referral_id: str) -> Appointment:
        """What is next, after what is due by now."""
        self._nudged = False  # before asking: a nudge that lands meanwhile must not be lost
        return await self._by_activity(names.NEXT_ITEM, referral_id, "What is next")

    async def _carry_out(self, referral_id: str, ahead: Appointment) -> Appointment:
        """Have everything done that is due, and hear what is next."""
        return await self._by_activity(names.CARRY_OUT, referral_id, ahead.summary)

    async def _by_activity(self, name: str, referral_id: str, summary: str) -> Appointment:
        """As a local activity, one event instead of six; when that fails, as a regular one that never gives up."""
        try:
            return await workflow.execute_local_activity(
                name,
                referral_id,
                result_type=Appointment,
                start_to_close_timeout=names.LOCAL_TIMEOUT,
                retry_policy=names.LOCAL_RETRY,
                summary=summary,
            )
        except FailureError as error:  # not ActivityError: a local activity's failure comes unwrapped
            if is_cancelled_exception(error):
                raise
            return await workflow.execute_activity(
                name,
                referral_id,
                result_type=Appointment,
                start_to_close_timeout=names.ACTIVITY_TIMEOUT,
                retry_policy=names.ACTIVITY_RETRY,
                summary=summary,
            )

    async def _wait(self, ahead: Appointment) -> None:
        """Until its time, or until nudged."""
        if self._nudged:
            return
        seconds = max(ahead.seconds, names.MINIMUM_WAIT.total_seconds())
        try:
            await workflow.wait_condition(lambda: self._nudged, timeout=seconds, timeout_summary=ahead.summary)
        except TimeoutError:
            return

    def _show(self, ahead: Appointment) -> None:
        """Keep the search attributes near the truth: they follow a new kind at once, a new time when it matters."""
        if ahead.at is None:
            return
        shown = workflow.info().typed_search_attributes
        shown_at = shown.get(names.NEXT_AT)
        if (
            shown.get(names.NEXT_KIND) == ahead.kind
            and shown_at is not None
            and abs(ahead.at - shown_at) < names.SHOWN_AT_MOST_STALE
        ):
            return
        workflow.upsert_search_attributes(
            [
                names.PROGRAM.value_set(ahead.program_id),
                names.SETTING.value_set(ahead.setting),
                names.NEXT_KIND.value_set(ahead.kind),
                names.NEXT_AT.value_set(ahead.at),
            ]
        )
