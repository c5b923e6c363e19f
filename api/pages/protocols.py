"""The program's protocols: what stands in them, a new version published, and the moves of running cases."""

from __future__ import annotations

from itertools import groupby

from fastapi import APIRouter, Request, Response

from api.access import requires
from api.deps import FormDep, Me, SessionDep, page
from api.forms import LONGEST_FIELD, Form
from api.pages.once import Once, new_once
from domain.vocabulary import Setting
from records.commands.programs import OVERLAYS, publish_protocol
from records.queries.protocol_moves import count_followers, list_moves
from records.queries.protocols import protocol_of
from records.queries.staff import names_of
from records.queries.staffing import get_protocol, list_protocols

router = APIRouter()

HERE = "/protocols"
LARGEST_FILE = 200_000
"""Bytes: twenty times the longest protocol that is shipped."""


@router.get(HERE)
@requires("manage_program")
def protocol_list(request: Request, session: SessionDep, me: Me) -> Response:
    """Each protocol with its newest version, how many running cases follow older ones, and the latest moves."""
    followers = count_followers(session, me.actor)
    lines = []
    for _key, rows in groupby(list_protocols(session, me.actor), key=lambda row: row.key):
        newest, *older = rows
        protocol = protocol_of(session, newest.id)
        lines.append(
            {
                "row": newest,
                "covers": [Setting(setting).label for setting in protocol.settings],
                "is_on_top": newest.key in OVERLAYS,
                "running": followers.get(newest.id, 0),
                "behind": sum(followers.get(row.id, 0) for row in older),
                "older": [{"row": row, "running": followers.get(row.id, 0)} for row in older],
            }
        )
    moves = list_moves(session, me.actor)
    may_move = me.may("move_cases")
    return page("protocols.html", request, lines=lines, moves=moves, may_move=may_move, zone=me.zone)


@router.get(f"{HERE}/new")
@requires("manage_program")
def new_form(request: Request, session: SessionDep, me: Me) -> Response:
    """A file, or its text, and what will become of it."""
    return page("protocol_new.html", request, values={"text": ""}, once=new_once())


@router.post(f"{HERE}/new")
@requires("manage_program", again=new_form)
def publish(request: Request, session: SessionDep, me: Me, form: FormDep) -> Response:
    """Publish it as the next version of its protocol. What is wrong with it is said in words, all at once."""
    once = Once(session, request, me, form)
    text = _text_of(form)
    form.check()
    answered = once.answered()
    if answered is not None:
        return answered
    row = publish_protocol(session, me.actor, text)
    return once.go(
        f"{HERE}/{row.id}", f"Version {row.version} is published. Running cases keep the version they follow."
    )


@router.get(f"{HERE}/{{protocol_id}}")
@requires("manage_program")
def protocol_page(request: Request, session: SessionDep, me: Me, protocol_id: str) -> Response:
    """One version as it was published."""
    row = get_protocol(session, me.actor, protocol_id)
    followers = count_followers(session, me.actor)
    mine = [one for one in list_protocols(session, me.actor) if one.key == row.key]
    return page(
        "protocol.html",
        request,
        row=row,
        newest=mine[0],
        publisher=names_of(session, (row.published_by,)).get(row.published_by or "", "") or "Footbridge",
        running=followers.get(row.id, 0),
        others=sum(followers.get(one.id, 0) for one in mine if one.id != row.id),
        may_move=me.may("move_cases"),
        zone=me.zone,
    )


@router.get(f"{HERE}/{{protocol_id}}/file")
@requires("manage_program")
def protocol_file(request: Request, session: SessionDep, me: Me, protocol_id: str) -> Response:
    """The same as a file, to change and publish again."""
    row = get_protocol(session, me.actor, protocol_id)
    headers = {"Content-Disposition": f'attachment; filename="{row.key}-{row.version}.toml"'}
    return Response(row.text.encode(), media_type="application/toml; charset=utf-8", headers=headers)


def _text_of(form: Form) -> str:
    """What was uploaded, or else what was pasted."""
    pasted = form.area("text", limit=LONGEST_FIELD - 1)
    _, data = form.file("file", required=False)
    if data and pasted:
        form.problem("file", "twice", "Choose a file or paste the text, not both.")
    if not data:
        if not pasted:
            form.problem("text", "required", "Choose a file, or paste the text of one.")
        return pasted
    if len(data) > LARGEST_FILE:
        form.problem("file", "too_long", f"A protocol has at most {LARGEST_FILE // 1000} kB.")
        return ""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        form.problem("file", "not_text", "This is no text in UTF-8. Save it as plain text and choose it again.")
        return ""
