"""A workflow whose file imports something of ours past the block: what the strict sandbox is there to catch."""

from __future__ import annotations

from temporalio import workflow

import domain.agenda


@workflow.defn
class StrayWorkflow:
    @workflow.run
    async def run(self) -> str:
        return domain.agenda.REMIND
