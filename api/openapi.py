"""The OpenAPI document of the JSON API, and the same as a page can show it. Nothing is loaded from elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI

from api.models.problems import OUTCOME_SCHEMA, PROBLEM_SCHEMA, describe

METHODS = ("get", "post", "patch", "put", "delete")
_KEY_PARAMETER: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"},
    "description": "1 to 200 visible characters of your choice, such as a UUID. The same request with the same key is "
    "done once within 24 hours; the kept answer carries `Idempotency-Replayed: true`.",
}
_MATCH_PARAMETER: dict[str, Any] = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "pattern": '^(\\*|(W/)?"[A-Za-z0-9_-]{1,64}")$'},
    "description": "The ETag of what you saw. If it has changed since, nothing is done and 412 is answered.",
}


def document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document: FastAPI's, with the bearer token and the headers that every command takes. Made once."""
    if app.openapi_schema is None:
        made = app.openapi()
        made.setdefault("components", {})["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        made["security"] = [{"token": []}]
        made["components"].setdefault("schemas", {}).update(Problem=PROBLEM_SCHEMA, OperationOutcome=OUTCOME_SCHEMA)
        for path, operations in made["paths"].items():
            for method, operation in operations.items():
                parameters = operation.setdefault("parameters", [])
                if method == "post":
                    parameters.append(_KEY_PARAMETER)
                if method == "patch" or (method == "post" and path.startswith("/api/v1/referrals/{referral_id}/")):
                    parameters.append(_MATCH_PARAMETER)
                describe(path, method, operation)
        app.openapi_schema = made
    return app.openapi_schema


@dataclass(frozen=True)
class Line:
    """One field or parameter as the page shows it."""

    name: str
    kind: str
    is_required: bool
    words: str


@dataclass(frozen=True)
class Operation:
    """One operation as the page shows it."""

    id: str
    method: str
    path: str
    summary: str
    parameters: list[Line]
    takes: list[Line]
    example: Any
    gives: list[Line]


def operations_by_tag(made: dict[str, Any]) -> dict[str, list[Operation]]:
    """Every operation under its noun, in the order of the routes."""
    found: dict[str, list[Operation]] = {}
    schemas = made.get("components", {}).get("schemas", {})
    for path, operations in made["paths"].items():
        for method in METHODS:
            if method in operations:
                raw = operations[method]
                noun = (raw.get("tags") or ["FHIR" if path.startswith("/fhir/") else "other"])[0]
                found.setdefault(noun, []).append(_operation(path, method, raw, schemas))
    return dict(sorted(found.items(), key=lambda item: item[0] in ("FHIR", "other")))  # ours first, in their order


def _operation(path: str, method: str, raw: dict[str, Any], schemas: dict[str, Any]) -> Operation:
    body = _schema(raw.get("requestBody", {}), schemas)
    answers = [answer for status, answer in raw["responses"].items() if status.startswith("2")]
    return Operation(
        id=raw["operationId"].replace("_", "-"),
        method=method.upper(),
        path=path,
        summary=raw.get("description", "").replace("\n", " ").replace("`", ""),
        parameters=[_parameter(one, schemas) for one in raw.get("parameters", [])],
        takes=_lines(body, schemas),
        example=next(iter(body.get("examples", [])), None),
        gives=_lines(_schema(answers[0], schemas), schemas) if answers else [],
    )


def _schema(holder: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    content = holder.get("content", {}).get("application/json", {}).get("schema", {})
    return _resolved(content, schemas)


def _resolved(schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        found: dict[str, Any] = schemas[schema["$ref"].rpartition("/")[2]]
        return found
    return schema


def _parameter(raw: dict[str, Any], schemas: dict[str, Any]) -> Line:
    kind = f"{_kind(raw['schema'], schemas)}, {raw['in']}"
    return Line(raw["name"], kind, bool(raw.get("required")), raw.get("description", "").replace("`", ""))


def _lines(schema: dict[str, Any], schemas: dict[str, Any], before: str = "", depth: int = 0) -> list[Line]:
    """The fields of an object, those of objects within it below them with their whole name."""
    required = set(schema.get("required", []))
    found = []
    for name, field in schema.get("properties", {}).items():
        words = field.get("description", "").replace("`", "")
        found.append(Line(f"{before}{name}", _kind(field, schemas), name in required, words))
        inner = _inner(field, schemas)
        if inner is not None and depth < 2:
            mark = "[]." if field.get("type") == "array" else "."
            found += _lines(inner, schemas, f"{before}{name}{mark}", depth + 1)
    return found


def _inner(field: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any] | None:
    for one in (field, field.get("items", {}), *field.get("anyOf", [])):
        if "$ref" in one and "properties" in (found := _resolved(one, schemas)):
            return found
    return None


def _kind(field: dict[str, Any], schemas: dict[str, Any]) -> str:
    """What a field holds, in words: `date`, `one of …`, `list of text`, `text or null`."""
    schema = _resolved(field, schemas)
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_kind(one, schemas) for one in schema["anyOf"]))
    if "enum" in schema:
        return f"one of {', '.join(str(value) for value in schema['enum'])}"
    if schema.get("type") == "array":
        return f"list: {_kind(schema.get('items', {}), schemas)}"
    formats = {"date": "date", "date-time": "instant", "time": "time"}
    names = {"string": "text", "integer": "number", "boolean": "true or false", "object": "object", "null": "null"}
    return formats.get(schema.get("format", ""), names.get(schema.get("type", ""), "any"))
