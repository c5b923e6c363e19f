"""Refusals in the OpenAPI document: problem documents (RFC 9457), and OperationOutcomes where FHIR is spoken."""

from __future__ import annotations

from typing import Any

from api.interop.outcome import FHIR_JSON, FHIR_PATHS

PROBLEM_SCHEMA: dict[str, Any] = {
    "title": "Problem",
    "type": "object",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "description": "`urn:footbridge:problem:` and the code"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "a sentence for people; it repeats nothing that was sent"},
        "code": {"type": "string", "description": "stable; decide by this"},
        "request_id": {"type": "string", "description": "to quote when you ask about it"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["detail"],
                "properties": {
                    "pointer": {"type": "string", "description": "JSON pointer (RFC 6901) into what was sent"},
                    "parameter": {"type": "string", "description": "or the name of a parameter or header"},
                    "detail": {"type": "string"},
                    "code": {"type": "string"},
                },
            },
        },
        "state": {"type": "string"},
        "allowed": {"type": "array", "items": {"type": "string"}},
    },
}
OUTCOME_SCHEMA: dict[str, Any] = {
    "title": "OperationOutcome",
    "type": "object",
    "required": ["resourceType", "issue"],
    "properties": {
        "resourceType": {"const": "OperationOutcome"},
        "issue": {
            "type": "array",
            "minItems": 1,
            "items": {"type": "object", "required": ["severity", "code", "details"]},
        },
    },
}
_OF_EVERY = {
    429: "This account asked too often, or too many tokens that nobody has came from there: wait as `Retry-After` says",
    503: "Not now: the records are away, or who looks cannot be written down. Try again",
}
_OF_BODIES = {400: "What was sent cannot be read", 413: "What was sent is too large"}
_OF_PATCHES = {428: "Say which version you saw: If-Match"}
_OF_FHIR = {
    401: "No bearer token, or one that is over",
    403: "The role does not include this",
    404: "Not there, or not yours",
    409: "Another message came under this id before, or a rule stands against it",
    415: f"Send it as {FHIR_JSON}",
    422: "Not a notification as Da Vinci Alerts has it; `diagnostics` points to where",
}
_BUNDLE = {"type": "object", "required": ["resourceType"], "properties": {"resourceType": {"const": "Bundle"}}}


def describe(path: str, method: str, operation: dict[str, Any]) -> None:
    """Add to one operation every refusal that it may answer with."""
    is_fhir = path.startswith(FHIR_PATHS)
    if is_fhir:
        operation["requestBody"] = {"required": True, "content": {FHIR_JSON: {"schema": {"type": "object"}}}}
        operation["responses"]["200"] = {"description": "Taken", "content": {FHIR_JSON: {"schema": _BUNDLE}}}
    said = dict(_OF_EVERY)
    said |= _OF_FHIR if is_fhir else {}
    said |= _OF_BODIES if "requestBody" in operation else {}
    said |= _OF_PATCHES if method == "patch" else {}
    kind, name = (FHIR_JSON, "OperationOutcome") if is_fhir else ("application/problem+json", "Problem")
    for status, sentence in said.items():
        operation["responses"].setdefault(str(status), {"description": sentence})
    for status, answer in operation["responses"].items():
        if not status.startswith("2"):
            answer["content"] = {kind: {"schema": {"$ref": f"#/components/schemas/{name}"}}}
