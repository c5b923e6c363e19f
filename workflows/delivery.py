"""One message on its way: tried until the records say that it is sent, or that it no longer may be."""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from workflows import names


@workflow.defn
class DeliveryWorkflow:
    """Delivers one notification by e-mail or text. Its only input is the notification's id."""

    @workflow.run
    async def run(self, notification_id: str) -> None:
        """Try until it is settled; up to 15 minutes between two tries."""
        await workflow.execute_activity(
            names.DELIVER,
            notification_id,
            start_to_close_timeout=names.DELIVERY_TIMEOUT,
            retry_policy=names.DELIVERY_RETRY,
            summary="Send a message",
        )
