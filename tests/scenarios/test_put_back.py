"""The records were put back: a rung that may have been climbed since the copy is not sent again, however late it is."""

from __future__ import annotations

from datetime import timedelta

from domain.vocabulary import Channel, NotificationState, Subject
from records import clock
from records.commands.restoring import put_back
from records.queries.restored import MAY_HAVE_GONE
from records.tables import Escalation
from tests.scenarios.world import Journey, World


def emails(journey: Journey, call: Escalation) -> list[tuple[NotificationState, str]]:
    """What came of the e-mails that said so."""
    of_it = [row for row in journey.messages() if row.subject_id == call.id and row.template == "escalation_raised"]
    return [(row.state, row.problem) for row in of_it if row.channel is Channel.EMAIL]


def rung(journey: Journey, number: int) -> Escalation:
    """That rung of the ladder about the first contact; time passes until it is there."""
    about = journey.contact("first-contact").id
    for _ in range(100):
        for call in journey.calls(Subject.CONTACT, about=about):
            if call.rung == number:
                return call
        journey.world.time_passes(hours=1)
    raise AssertionError(f"rung {number} was never reached")


def put_back_late(world: World, hours: float) -> Journey:
    """Somebody whose first contact was missed so many hours before the records, older than that, were put back."""
    ada = world.follow()
    copy_at = clock.now()
    world.nobody_works(hours=(ada.contact("first-contact").due_at - copy_at) / timedelta(hours=1) + hours)
    with world.transaction() as session:
        put_back(session, copy_at=copy_at, head="")
    world.keep_appointments()
    return ada


def test_a_rung_that_may_have_been_reached_before_is_not_sent_though_it_comes_later(world: World) -> None:
    ada = put_back_late(world, hours=12)
    doubtful = [(NotificationState.UNCONFIRMED, MAY_HAVE_GONE)]
    assert emails(ada, rung(ada, 0)) == doubtful
    second = rung(ada, 1)
    assert second.raised_at > clock.now() - timedelta(hours=1), "it comes after the records were put back"
    assert emails(ada, second) == doubtful, "nobody answered within two hours, twice"
    in_app = [row for row in ada.messages() if row.subject_id == second.id and row.channel is Channel.IN_APP]
    assert in_app, "nobody waits unseen"


def test_a_rung_that_cannot_have_been_reached_before_is_sent(world: World) -> None:
    ada = put_back_late(world, hours=0.01)
    assert emails(ada, rung(ada, 0)) == [(NotificationState.UNCONFIRMED, MAY_HAVE_GONE)]
    assert [state for state, _ in emails(ada, rung(ada, 1))] == [NotificationState.QUEUED]
