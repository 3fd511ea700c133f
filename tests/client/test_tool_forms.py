"""How a gateway takes functions: read from its refusals, and remembered."""

from __future__ import annotations

import json

import pytest
from wire_server import Say, error

from gemini_magic.client.capabilities import known, learn
from gemini_magic.client.tool_forms import (
    learn_no_ids,
    learn_tool_form,
    refuses_response_id,
    refuses_server_invocations,
    refuses_tool_schema,
    takes_ids,
    tool_form,
)
from gemini_magic.settings import Profile

HERE = Profile("here", "https://gateway.example")
GOOGLE = "Invalid JSON payload received. Unknown name \"{}\" at '{}': Cannot find field."
SCHEMA = GOOGLE.format("parametersJsonSchema", "tools[0].function_declarations[0]")
ID = GOOGLE.format("id", "contents[2].parts[0].function_response")
CALL_ID = GOOGLE.format("id", "contents[1].parts[0].function_call")
INVOCATIONS = GOOGLE.format("includeServerSideToolInvocations", "tool_config")


def refused(driver, wire, words, status=400):
    """What each of the three makes of a refusal."""
    wire.answers(error(status, words, "INVALID_ARGUMENT"))
    failure = driver.try_generate(driver.client(wire.url, retries=0)).error
    return refuses_tool_schema(failure), refuses_response_id(failure), refuses_server_invocations(failure)


@pytest.mark.parametrize(
    "words",
    [
        SCHEMA,
        GOOGLE.format("parameters_json_schema", "tools[0].function_declarations[0]"),
        f"{INVOCATIONS}\n{SCHEMA}".replace(INVOCATIONS, GOOGLE.format("brandNew", "tools[0]")),
        "Unknown field: parametersJsonSchema",
        "tools.0.functionDeclarations.0.parametersJsonSchema: Extra inputs are not permitted",
        "`parametersJsonSchema` is not supported by this model.",
    ],
)
def test_a_field_for_parameters_that_is_not_known_is_recognised(words, driver, wire):
    assert refused(driver, wire, words) == (True, False, False)


@pytest.mark.parametrize("words", [ID, f"{CALL_ID}\n{ID}", 'Unknown name "id" at function_response'])
def test_an_id_of_a_result_that_is_not_known_is_recognised(words, driver, wire):
    assert refused(driver, wire, words) == (False, True, False)


@pytest.mark.parametrize(
    "words",
    [
        INVOCATIONS,
        GOOGLE.format("include_server_side_tool_invocations", "tool_config"),
        "include_server_side_tool_invocations is not supported for this model",
    ],
)
def test_a_switch_for_the_servers_tools_that_is_not_known_is_recognised(words, driver, wire):
    assert refused(driver, wire, words) == (False, False, True)


@pytest.mark.parametrize(
    "words",
    [
        "no",
        CALL_ID,
        GOOGLE.format("id", "contents[2].parts[0].function_response.response"),
        GOOGLE.format("oneOf", "tools[0].function_declarations[0].parameters_json_schema"),
        GOOGLE.format("parametersJsonSchemas", "tools[0]"),
        "tools[0].function_declarations[0].parameters_json_schema.properties[x]: unknown type.",
        "parameters_json_schema must be an object.",
        "Please enable tool_config.include_server_side_tool_invocations to use Built-in tools with Function calling.",
    ],
)
def test_a_refusal_of_something_else_is_none_of_these(words, driver, wire):
    assert refused(driver, wire, words) == (False, False, False)


@pytest.mark.parametrize("status", [404, 429, 500])
def test_an_error_of_another_kind_is_none_of_these(status, driver, wire):
    assert refused(driver, wire, f"{SCHEMA} {ID} {INVOCATIONS}", status) == (False, False, False)


def test_a_refusal_by_a_checking_gateway_is_recognised(driver, wire):
    place = ["body", "tools", 0, "functionDeclarations", 0, "parametersJsonSchema"]
    detail = [{"type": "extra_forbidden", "loc": place, "msg": "Extra inputs are not permitted"}]
    wire.answers(Say([json.dumps({"detail": detail}).encode()], status=422))
    assert refuses_tool_schema(driver.try_generate(driver.client(wire.url)).error)


def test_what_was_refused_once_is_not_tried_again():
    assert (tool_form(HERE), takes_ids(HERE)) == ("json", True)
    learn_tool_form(HERE, f"400:\n{SCHEMA} {'x' * 900}")
    learn_no_ids(HERE, ID)
    assert (tool_form(HERE), takes_ids(HERE)) == ("openapi", False)
    found = known(HERE)
    assert found is not None
    assert (found.function_schema, found.function_ids) == ("parameters", False)
    assert found.reasons["function_ids"] == ID
    assert found.reasons["function_schema"].startswith("400: Invalid JSON")
    assert len(found.reasons["function_schema"]) == 200
    assert (tool_form(Profile("other", "https://gateway.example")), takes_ids(HERE)) == ("json", False)


def test_what_is_known_already_keeps_its_first_reason():
    learn_no_ids(HERE, "first")
    learn_tool_form(HERE, "first")
    learn_no_ids(HERE, "second")
    learn_tool_form(HERE, "second")
    found = known(HERE)
    assert found is not None
    assert set(found.reasons.values()) == {"first"}


def test_what_is_found_out_otherwise_holds_at_once():
    learn_tool_form(HERE, "no")
    learn(HERE, function_schema="parametersJsonSchema", function_ids=True)
    assert (tool_form(HERE), takes_ids(HERE)) == ("json", True)
