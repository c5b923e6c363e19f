"""What each event about a call means for the story: ladders climb rung by rung, each at its time, each once."""

from __future__ import annotations

from typing import Any

from records.checking.agenda import OVER
from records.checking.clocks import later
from records.checking.dossier import parsed
from records.checking.meaning import ACT, MEANING, Meaning
from records.checking.protocol import SEARCH, of_risk
from records.checking.story import Call, Story

ASKS = {"hold": "decide", "cancel": "decide", "consent": "decide", "lost": "sign_closure", "finish": "sign_closure"}
"""What the first rung asks of whom, where it is another thing than the protocol's rung says."""
LADDERS = {"safety": "safety", "release": "page"}
SENDS = frozenset({"mobile_crisis", "welfare_check"})


def _raised(s: Story, e: Any) -> None:
    data = e.data
    about, rung = (data["subject"], data["about"]), int(data["rung"])
    due, answer_by = parsed(data["due_at"]), parsed(data["answer_by"])
    assert due is not None
    assert answer_by is not None
    call = Call(e.subject_id, about, data["ladder"], rung, e.at, answer_by)
    chain = s.chain(about)
    if s.known.status in OVER or s.known.status == "draft":
        s.wrong(3, f"somebody was called about {about[0]} while the referral was {s.known.status}")
    if not data.get("told"):
        s.wrong(5, f"rung {rung} about {about[0]} told nobody")
    s.was_kept(call.id, due, s.now, since=None if rung else s.now)
    if rung == 0:
        _first(s, call, data, chain)
        s.chains[about] = [call]
    else:
        _next(s, call, due, chain)
        s.chains.setdefault(about, []).append(call)
    if about[0] == "contact":
        s.owed.discard(about[1])
        contact = s.contacts.get(about[1])
        if contact is None or contact.state != "missed":
            state = contact.state if contact else "not there"
            s.wrong(3, f"somebody was called about a contact that was {state}")
    elif about[0] == "streak":
        s.owed_streaks.discard(about[1])
    s.calls[call.id] = call
    _judge_time(s, call, data)


def _first(s: Story, call: Call, data: Any, chain: list[Call]) -> None:
    if any(one.state != "resolved" for one in chain):
        s.wrong(4, f"somebody was called about {call.about[0]} while the same call was open")
    expected = _ladders_of(s, call)
    if expected and call.ladder not in expected:
        s.wrong(
            5, f"the ladder about {call.about[0]} is {call.ladder}, by the protocol {' or '.join(sorted(expected))}"
        )
    rungs = s.known.protocol.ladder(call.ladder)
    if rungs:
        contact = s.contacts.get(call.about[1])
        is_search = call.about[0] == "contact" and contact is not None and contact.key == SEARCH
        asks = "locate" if is_search else ASKS.get(call.about[0], rungs[0].get("ask", "answer"))
        if data["ask"] != asks:
            s.wrong(5, f"the first rung about {call.about[0]} asks {data['ask']}, and should ask {asks}")


def _ladders_of(s: Story, call: Call) -> set[str]:
    subject, about = call.about
    if subject == "contact":
        contact = s.contacts.get(about)
        if contact is None:
            return {"supervisor"}
        rule = (contact.judged_by or s.known.protocol).rule(contact.key)
        ladder = rule.ladder if rule is not None else "supervisor"
        return {ladder if s.known.protocol.ladder(ladder) is not None else "supervisor"}
    if subject == "streak":
        rule = s.known.protocol.by_key.get(about.split(":")[0])
        return {one["ladder"] for one in rule.raw.get("streaks", ())} if rule is not None else set()
    return {LADDERS.get(subject, "supervisor")}


def _next(s: Story, call: Call, due: Any, chain: list[Call]) -> None:
    s.timer_ran = True
    if not chain or chain[-1].rung != call.rung - 1:
        below = chain[-1].rung if chain else "none"
        s.wrong(4, f"rung {call.rung} about {call.about[0]} was raised after rung {below}")
        return
    top = chain[-1]
    if top.state == "resolved":
        s.wrong(3, f"rung {call.rung} about {call.about[0]} was raised after it was settled")
    elif due != top.deadline:
        s.wrong(
            5, f"rung {call.rung} about {call.about[0]} was due at {top.deadline.isoformat()}, not {due.isoformat()}"
        )


def _judge_time(s: Story, call: Call, data: Any) -> None:
    rungs, where = s.known.protocol.ladder(call.ladder), s.known.where
    if rungs is None or call.rung >= len(rungs):
        s.wrong(5, f"the protocol has no rung {call.rung} of the ladder {call.ladder}")
        return
    rung = rungs[call.rung]
    if call.rung and data["ask"] != rung.get("ask", "answer"):
        s.wrong(5, f"rung {call.rung} of {call.ladder} asks {data['ask']}")
    if where is not None and later(call.raised_at, of_risk(rung["answer"], s.known.is_high), where) != call.answer_by:
        s.wrong(5, f"rung {call.rung} of {call.ladder} has another time to answer than the protocol says")


def _taken(s: Story, e: Any) -> None:
    call, act_by = s.calls[e.subject_id], parsed(e.data["act_by"])
    rungs, where = s.known.protocol.ladder(call.ladder) or [], s.known.where
    call.state, call.taken_at, call.act_by = "acknowledged", s.now, act_by
    if where is not None and call.rung < len(rungs):
        act = of_risk(rungs[call.rung].get("act", ACT), s.known.is_high)
        if later(s.now, act, where) != act_by:
            s.wrong(5, f"whoever took rung {call.rung} of {call.ladder} has another time than the protocol says")


def _decided(s: Story, e: Any) -> None:
    call = s.calls[e.subject_id]
    if call.taken_at is None:
        call.taken_at = s.now
    call.state, call.act_by, call.is_decided = "acknowledged", parsed(e.data["outcome_by"]), True
    call.sends_somebody = e.data["decision"] in SENDS


def _repeated(s: Story, e: Any) -> None:
    call, until = s.calls[e.subject_id], parsed(e.data["until"])
    rungs, where = s.known.protocol.ladder(call.ladder) or [], s.known.where
    s.timer_ran = True
    s.was_kept(f"{call.id}:{call.told_times}", call.deadline, s.now)
    if call.rung + 1 < len(rungs) and not call.sends_somebody:
        s.wrong(5, f"the ladder about {call.about[0]} did not go on after rung {call.rung}")
    call.told_times += 1
    if call.told_times != e.data["alerts"]:
        s.wrong(4, f"rung {call.rung} about {call.about[0]} was told again {e.data['alerts']} times, by its count")
    if where is not None and call.rung < len(rungs):
        again = rungs[call.rung].get("outcome", "PT2H") if call.sends_somebody else rungs[call.rung].get("again", "P1D")
        if later(s.now, again, where) != until:
            s.wrong(5, f"rung {call.rung} of {call.ladder} is told again at another time than the protocol says")
    if call.state == "acknowledged":
        call.act_by = until
    else:
        assert until is not None
        call.answer_by = until


def _resolved(s: Story, e: Any) -> None:
    call = s.calls[e.subject_id]
    if call.state == "resolved":
        s.wrong(4, f"rung {call.rung} about {call.about[0]} was settled twice")
    call.state = "resolved"


MEANING_WITH_CALLS: Meaning = {
    **MEANING,
    "escalation.raised": _raised, "escalation.acknowledged": _taken, "escalation.repeated": _repeated,
    "escalation.resolved": _resolved, "welfare.decided": _decided,
}  # fmt: skip
