"""What FHIR clients are answered with: resources as `application/fhir+json`, and a refusal as an OperationOutcome.

Codes are those of R4's IssueType value set (http://hl7.org/fhir/R4/valueset-issue-type.html).
"""

from __future__ import annotations

import json
from typing import Any

from fastapi import Response

FHIR_JSON = "application/fhir+json"
FHIR_PATHS = "/fhir/"
_OF_STATUS = {
    400: "structure",
    401: "login",
    403: "forbidden",
    404: "not-found",
    405: "not-supported",
    409: "conflict",
    412: "conflict",
    413: "too-long",
    415: "not-supported",
    429: "throttled",
    500: "exception",
    503: "transient",
}


def issue_code_of(status: int) -> str:
    """The IssueType of an HTTP status, where nothing more exact is known."""
    return _OF_STATUS.get(status, "business-rule")


def issue(severity: str, code: str, sentence: str, pointer: str = "") -> dict[str, Any]:
    """An OperationOutcome with one issue; `pointer` is a JSON pointer into the message that came."""
    found: dict[str, Any] = {"severity": severity, "code": code, "details": {"text": sentence}}
    if pointer:
        found |= {"diagnostics": pointer, "expression": [_path(pointer)]}
    return {"resourceType": "OperationOutcome", "issue": [found]}


def refused(
    status: int, code: str, sentence: str, pointer: str = "", headers: dict[str, str] | None = None
) -> Response:
    """A refusal as a FHIR client expects it."""
    return fhir_answer(status, issue("error", code, sentence, pointer), headers)


def fhir_answer(status: int, resource: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    """A resource as the answer."""
    text = json.dumps(resource, ensure_ascii=False)
    return Response(text, status_code=status, media_type=f"{FHIR_JSON}; charset=utf-8", headers=headers)


def _path(pointer: str) -> str:
    """A JSON pointer as FHIRPath: `/entry/0/resource` is `Bundle.entry[0].resource`."""
    parts = (part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:])
    return "Bundle" + "".join(f"[{part}]" if part.isdigit() else f".{part}" for part in parts)
