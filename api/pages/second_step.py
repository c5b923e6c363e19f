"""The second step at sign-in: the code of an app, or a recovery code; setting the app up where the program asks it."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from api import auth
from api.access import public
from api.deps import FormDep, SessionDep, page, redirect_after_post
from api.qr import qr_svg
from domain.errors import Invalid
from records.commands import second_factor
from records.commands.second_factor import Awaited

router = APIRouter()

HERE = "/sign-in/second-step"
STEP_SECONDS = 600


def ask_for_it(request: Request, token: str, onward: str) -> Response:
    """On to the second step, with what stands for the password that was given."""
    response = RedirectResponse(f"{HERE}{auth.next_query(onward)}", status_code=303)
    auth.set_cookie(request, response, "step", token, seconds=STEP_SECONDS)
    return response


@router.get(HERE)
@public()
def second_step_page(request: Request, session: SessionDep, next: str = "") -> Response:
    """The field for the code; the square picture first, when the app is to be set up."""
    found = second_factor.awaited(session, _token(request))
    if found is None:
        return _begin_again(request, second_factor.OVER if hasattr(request.state, "typed") else "")
    typed = request.state.typed.as_typed() if hasattr(request.state, "typed") else {}
    onward = auth.safe_return(str(typed.get("next", next)))
    return page("second_step.html", request, next_path=onward if onward != "/" else "", **set_up_of(found))


@router.post(HERE)
@public(again=second_step_page, writes=False)
def second_step(request: Request, form: FormDep) -> Response:
    """Check the code and go on to where one was. The command opens transactions of its own: comparing is slow."""
    code, recovery = form.text("code", limit=40), form.text("recovery", limit=40)
    onward = auth.safe_return(form.text("next", limit=500))
    if not (code or recovery):
        form.problem("code", "required", "Enter the code that your app shows.")
    form.check()
    try:
        token, codes = second_factor.finish_step(_token(request), code or recovery, auth.source_of(request))
    except Invalid as refusal:
        if refusal.code == "step_over":
            return _begin_again(request, refusal.sentence)
        refusal.field = "code" if code else "recovery"
        raise
    response: Response = RedirectResponse(onward, status_code=303)
    if codes:
        response = page("recovery_codes.html", request, codes=codes, onward=onward, onward_label="Go on")
    auth.begin_session(request, response, token)
    return response


def set_up_of(found: Awaited) -> dict[str, Any]:
    """What the page shows to set an app up: the picture, and the same in letters."""
    if not found.is_new:
        return {"is_new": False}
    secret = second_factor.secret_of(found.factor)
    return {
        "is_new": True,
        "picture": qr_svg(second_factor.address_for_app(found.factor, found.staff)),
        "letters": " ".join(secret[i : i + 4] for i in range(0, len(secret), 4)),
    }


def _begin_again(request: Request, sentence: str) -> Response:
    return redirect_after_post(request, "/sign-in", sentence, "problem")


def _token(request: Request) -> str:
    return request.cookies.get(auth.cookie_name(request, "step"), "")
