"""A refusal as an answer: `application/problem+json` (RFC 9457) for programs, FHIR where FHIR is spoken, else a page.

What was sent is never repeated in the answer: it may hold what is nobody's business in a log.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse

from api import auth, refusals
from api.interop.outcome import FHIR_PATHS, issue_code_of, refused
from api.pace import TooOften, paces_of
from api.rendering import render
from domain.errors import IllegalState, Invalid, InvalidFields, NotAllowed, NotFound, Refusal, ScopeMissing
from records.commands.systems import TOKEN_PREFIX
from records.right_clock import ClockWrong

PROBLEM = "application/problem+json"
TYPE = "urn:footbridge:problem:"
_log = logging.getLogger(__name__)

TITLES = {
    400: "The request could not be read",
    401: "Sign in first",
    403: "This is not part of your role",
    404: "Not found",
    405: "This address does not take that method",
    409: "This is not possible now",
    412: "It changed since you looked",
    413: "This is too large",
    415: "This type is not taken here",
    422: "Something needs another look",
    428: "Say which version you saw",
    429: "Too many tries",
    500: "Something went wrong on our side",
    503: "Not ready",
}
SENTENCES = {
    400: "What was sent could not be read. Check its form.",
    404: "There is nothing at this address, or it is not yours to see.",
    405: "There is something at this address, but not for this kind of request.",
    413: "What was sent is larger than can be taken. Send less at once.",
    415: "Send this as application/json.",
    500: "It was noted, and nothing you sent was kept. Try again; if it stays so, tell your administrator.",
}

CLOCK_WRONG = "This server’s clock is wrong, so it writes nothing down. Nothing you sent was kept. Try again shortly."


class PreconditionRequired(Refusal):
    """The API asks which version was seen before it changes something that others may change too."""

    status = 428

    def __init__(self) -> None:
        super().__init__("precondition_required", "Send the ETag of what you saw as If-Match, or If-Match: * for any.")


def install(app: FastAPI) -> None:
    """Teach the application to answer every refusal."""
    app.add_exception_handler(Refusal, _on_refusal)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(auth.SignInNeeded, _on_sign_in_needed)
    app.add_exception_handler(ClockWrong, lambda request, error: clock_is_wrong(request))


@contextmanager
def within(prefix: str, fields: Sequence[str] | Mapping[str, Any]) -> Iterator[None]:
    """Refusals about one of `fields` point below `prefix`: where the API nests what a command takes flat."""
    try:
        yield
    except Invalid as refusal:
        for problem in refusal.problems if isinstance(refusal, InvalidFields) else (refusal,):
            if problem.field is not None and problem.field.split(".")[0] in fields:
                problem.field = f"{prefix}.{problem.field}"
        raise


def errors_by_field(refusal: Refusal) -> dict[str, str]:
    """The sentences of a refusal by field name; what belongs to no field stands under the empty name."""
    problems = refusal.problems if isinstance(refusal, InvalidFields) else (refusal,)
    found: dict[str, str] = {}
    for problem in problems:
        found.setdefault(problem.field or "", problem.sentence)
    return found


def problem(
    request: Request,
    status: int,
    code: str,
    detail: str,
    *,
    title: str = "",
    headers: dict[str, str] | None = None,
    **more: Any,
) -> Response:
    """One problem document; where FHIR is spoken, an OperationOutcome."""
    if request.url.path.startswith(FHIR_PATHS):
        return refused(status, issue_code_of(status), detail, headers=headers)
    document = {
        "type": TYPE + code.replace("_", "-"),
        "title": title or TITLES.get(status) or HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": getattr(request.state, "request_id", None),
    } | more
    body = json.dumps({key: value for key, value in document.items() if value is not None}, ensure_ascii=False)
    return Response(body, status_code=status, media_type=PROBLEM, headers=headers)


def pointer(name: str) -> str:
    """A dotted field name as a JSON pointer (RFC 6901)."""
    parts = (part.replace("~", "~0").replace("/", "~1") for part in name.split("."))
    return "".join(f"/{part}" for part in parts)


def _on_refusal(request: Request, refusal: Exception) -> Response:
    assert isinstance(refusal, Refusal)
    if auth.is_for_machines(request):
        return _problem_of(request, refusal)
    allowed = _allowed_in_words(refusal)
    answer = error_page(request, refusal.status, refusal.sentence, allowed=allowed, title=_title_of(refusal))
    answer.headers.update(_headers_of(refusal))
    return answer


def _problem_of(request: Request, refusal: Refusal) -> Response:
    more: dict[str, Any] = {}
    if isinstance(refusal, Invalid):
        problems = refusal.problems if isinstance(refusal, InvalidFields) else (refusal,)
        more["errors"] = [
            _where(one.field or "", is_parameter=request.method == "GET") | {"detail": one.sentence, "code": one.code}
            for one in problems
        ]
    if isinstance(refusal, IllegalState):
        more |= {"state": refusal.state, "allowed": list(refusal.allowed)}
    if isinstance(refusal, ScopeMissing):
        more["scope"] = refusal.scope
    return problem(request, refusal.status, refusal.code, refusal.sentence, headers=_headers_of(refusal), **more)


def _headers_of(refusal: Refusal) -> dict[str, str]:
    """What a refusal says beside its words: the scope that is missing (RFC 6750, 3.1), how long to wait (RFC 6585)."""
    if isinstance(refusal, ScopeMissing):
        said = f'Bearer realm="Footbridge", error="insufficient_scope", scope="{refusal.scope}"'
        return {"WWW-Authenticate": said}
    return {"Retry-After": str(refusal.wait)} if isinstance(refusal, TooOften) else {}


def _title_of(refusal: Refusal) -> str:
    if isinstance(refusal, NotFound):
        return "We could not find that"
    if isinstance(refusal, TooOften):
        return "A moment, please"
    if isinstance(refusal, NotAllowed) and refusal.code == "form_expired":
        return "Load the page again"
    return TITLES.get(refusal.status, "")


def _allowed_in_words(refusal: Refusal) -> list[str]:
    if not isinstance(refusal, IllegalState) or not refusal.allowed:
        return []
    words = ", ".join(f"“{state.replace('_', ' ')}”" for state in refusal.allowed)
    return [f"It is possible while it is {words}."]


def _on_invalid_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    credential = auth.credential_of(request)
    try:
        paces_of(request).count_unread(credential, is_system=TOKEN_PREFIX in credential)
    except TooOften as refusal:
        refusals.note(request, refusal.status, refusal.code)
        return _on_refusal(request, refusal)
    refusals.note(request, 422, "invalid")
    first = error.errors()[0] if error.errors() else {}
    if first.get("type") == "json_invalid":
        return problem(
            request,
            400,
            "malformed_json",
            "This is not JSON. Check it with a JSON checker.",
            errors=[{"pointer": "", "detail": f"Cannot be read from character {first['loc'][-1]} on."}],
        )
    if not auth.is_for_machines(request):
        return error_page(request, 404, SENTENCES[404])
    if any(one["loc"][0] == "path" for one in error.errors()):  # an id that cannot be: like one that is not there
        return problem(request, 404, "not_found", NotFound().sentence)
    errors = [_place(one["loc"]) | {"detail": _sentence(one), "code": _code(one["type"])} for one in error.errors()]
    return problem(request, 422, "invalid", "Some of what was sent needs another look.", errors=errors[:50])


def _place(location: Sequence[int | str]) -> dict[str, str]:
    where, *rest = location
    return _where(".".join(str(part) for part in rest)[:200], is_parameter=where != "body")


def _where(name: str, *, is_parameter: bool) -> dict[str, str]:
    """A JSON pointer into what was sent, or the name of a parameter or header."""
    return {"parameter": name} if is_parameter else {"pointer": pointer(name) if name else ""}


def _code(kind: str) -> str:
    """pydantic's kind of error in fewer words, such as `unknown_field`, `required`, `date`, `not_a_choice`."""
    known = {
        "extra_forbidden": "unknown_field",
        "missing": "required",
        "enum": "not_a_choice",
        "value_error": "value",
        "model_attributes_type": "type",
        "string_unicode": "value",
    }
    starts = {"date": "date", "datetime": "time", "time": "time", "timezone": "time"}
    if kind in known:
        return known[kind]
    if (start := kind.partition("_")[0]) in starts:
        return starts[start]
    return next((short for short in ("too_long", "too_short") if short in kind), kind)


def _sentence(error: Mapping[str, Any]) -> str:
    """pydantic's sentence, which never holds the value itself; ours where the field's words are better."""
    kind = error["type"]
    if kind == "extra_forbidden":
        return "This field is not known here."
    if kind == "missing":
        return "This is required."
    if kind == "enum":
        return f"Choose one of: {error.get('ctx', {}).get('expected', '')}."
    if kind == "value_error":
        return str(error.get("ctx", {}).get("error", "This is not possible."))
    if kind.startswith(("date", "time", "timezone")):
        return "Give an ISO 8601 date or time, with its offset when it is an instant: 2026-11-26T15:00:00-05:00."
    if kind == "string_unicode":
        return "This contains characters that cannot be shown."
    if kind in ("model_attributes_type", "model_type", "dict_type"):
        return "A JSON object belongs here."
    return f"{error['msg']}."


def on_http(request: Request, error: Exception) -> Response:
    """What the framework refused: no such address, another method, too large."""
    assert isinstance(error, HTTPException)
    status = error.status_code
    sentence = SENTENCES.get(status) or str(error.detail)
    code = HTTPStatus(status).phrase.lower().replace(" ", "_").replace("-", "_")
    if status != 404:  # no such address: whoever tries them all learns nothing, and writes nothing
        refusals.note(request, status, code)
    if auth.is_for_machines(request):
        return problem(request, status, code, sentence, headers=dict(error.headers or {}))
    return error_page(request, status, sentence)


def _on_sign_in_needed(request: Request, error: Exception) -> Response:
    assert isinstance(error, auth.SignInNeeded)
    if auth.is_for_machines(request):
        return _token_needed(request, error)
    where = "/sign-in"
    if request.method == "GET":
        path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        if auth.safe_return(path) != "/":
            where += f"?next={quote(path, safe='/')}"
    if error.kept:
        where += auth.next_query(f"/kept/{error.kept}")
    if request.headers.get("hx-request"):
        return Response(status_code=401, headers={"HX-Redirect": "/sign-in"})
    response = RedirectResponse(where, status_code=303)
    if error.had_session:
        auth.drop_cookie(request, response, "session")
        auth.set_cookie(request, response, "ended", "yes", seconds=60)
    return response


_TOKENS = {
    auth.NO_TOKEN: "Send a bearer token: Authorization: Bearer …",
    "token_unknown": "This token is not known here, or not any more. Check that all of it was copied, or ask the "
    "program's administrator for a new one.",
    "token_expired": "This token has expired. Ask the program's administrator for a new one.",
    "token_revoked": "This token was revoked. If you need access, ask the program's administrator for a new one.",
}


def _token_needed(request: Request, needed: auth.SignInNeeded) -> Response:
    """What is wrong with the token and what to do about it (RFC 6750), or how long to wait (RFC 6585)."""
    if needed.wait:
        said = f"Too many unknown tokens came from your network address. Wait {needed.wait} seconds; check your token."
        return problem(request, 429, "too_many_tries", said, headers={"Retry-After": str(needed.wait)})
    invalid = "" if needed.code == auth.NO_TOKEN else ', error="invalid_token"'
    headers = {"WWW-Authenticate": f'Bearer realm="Footbridge"{invalid}'}
    return problem(request, 401, needed.code, _TOKENS[needed.code], headers=headers)


def error_page(
    request: Request, status: int, sentence: str, *, allowed: Sequence[str] = (), title: str = ""
) -> Response:
    """A refusal or a fault as a page."""
    return render(
        "pages/error.html",
        request,
        status=status,
        title=title or TITLES.get(status, "This did not work"),
        sentence=sentence,
        allowed=list(allowed),
        reference=getattr(request.state, "request_id", ""),
    )


def clock_is_wrong(request: Request) -> Response:
    """Nothing is written by this server until its clock is right; another one may be right."""
    if auth.is_for_machines(request) or request.url.path == "/readyz":
        return problem(request, 503, "clock_wrong", CLOCK_WRONG)
    return error_page(request, 503, CLOCK_WRONG)


def fault(request: Request) -> Response:
    """What is said when something broke: no detail, a reference to quote."""
    if auth.is_for_machines(request):
        return problem(request, 500, "fault", SENTENCES[500])
    return error_page(request, 500, SENTENCES[500])
