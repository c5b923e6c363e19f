"""The description of the API is complete, sound, and shown without anything from elsewhere."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.api.house import House
from tests.pages.harness import check_page

pytestmark = pytest.mark.sqlite


def operations(made: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """Every operation with its method and path."""
    return [(method, path, one) for path, many in made["paths"].items() for method, one in many.items()]


def test_every_operation_says_what_it_does_and_can_refuse(house: House) -> None:
    made = house.client.get("/openapi.json").json()
    ids = [one["operationId"] for _, _, one in operations(made)]
    assert len(set(ids)) == len(ids) > 40
    for method, path, one in operations(made):
        assert one.get("description") or one.get("summary"), path
        if path.startswith("/api/v1/"):
            assert {"401", "403", "404", "422"} <= set(one["responses"]), path
            assert one["tags"], path
        names = {parameter["name"] for parameter in one.get("parameters", [])}
        assert ("Idempotency-Key" in names) == (method == "post"), path


def test_no_page_is_in_it(house: House) -> None:
    paths = house.client.get("/openapi.json").json()["paths"]
    assert all(path.startswith(("/api/v1/", "/fhir/")) for path in paths)


def test_every_object_that_is_taken_refuses_unknown_fields(house: House) -> None:
    made = house.client.get("/openapi.json").json()
    for method, path, one in operations(made):
        body = one.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
        if "$ref" in body:
            schema = made["components"]["schemas"][body["$ref"].rpartition("/")[2]]
            assert schema["additionalProperties"] is False, (method, path)


def test_every_text_that_is_taken_has_a_bound(house: House) -> None:
    made = house.client.get("/openapi.json").json()
    schemas = made["components"]["schemas"]
    taken = {name for name, schema in schemas.items() if schema.get("additionalProperties") is False}
    assert taken
    for name in taken:
        for field, schema in schemas[name]["properties"].items():
            for one in [schema, *schema.get("anyOf", []), schema.get("items", {})]:
                if one.get("type") == "string" and not one.get("format") and "enum" not in one:
                    assert "maxLength" in one, (name, field)
                if one.get("type") == "array":
                    assert "maxItems" in one, (name, field)


def test_every_example_is_taken(house: House) -> None:
    made = house.client.get("/openapi.json").json()
    example = made["components"]["schemas"]["ReferralIn"]["examples"][0]
    assert house.call("planner", "POST", "/referrals", example).status_code == 201


def test_the_page_shows_every_operation_and_loads_nothing_from_elsewhere(house: House) -> None:
    response = house.client.get("/docs")
    check_page(response.text)
    made = house.client.get("/openapi.json").json()
    for method, path, _ in operations(made):
        assert f"{method.upper()} {path}" in response.text
    assert re.findall(r'(?:src|href)="(?:https?:)?//', response.text) == []
