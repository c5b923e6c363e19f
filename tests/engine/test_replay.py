"""Today's workflow code on the histories of earlier days. An incompatible change would leave transitions stuck.

When a change breaks one of these on purpose, it needs `workflow.patched` or a new run first; never delete a history.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from workflows.worker import WORKFLOWS

HISTORIES = sorted((Path(__file__).parent.parent / "histories").glob("*/*.json"))


def test_there_are_histories_of_every_workflow() -> None:
    text = "".join(path.read_text() for path in HISTORIES)
    assert [w.__name__ for w in WORKFLOWS if f'"name": "{w.__name__}"' not in text] == []


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_it_replays(path: Path) -> None:
    history = WorkflowHistory.from_json(path.stem, path.read_text())
    asyncio.run(Replayer(workflows=WORKFLOWS).replay_workflow(history))


def test_a_changed_order_is_caught() -> None:
    path = next(path for path in HISTORIES if path.stem == "journey")
    changed = path.read_text().replace('"name": "TransitionWorkflow"', '"name": "DeliveryWorkflow"')
    with pytest.raises(Exception, match=r"[Nn]ondeterminis"):
        asyncio.run(Replayer(workflows=WORKFLOWS).replay_workflow(WorkflowHistory.from_json("journey", changed)))
