from __future__ import annotations

import pickle
from typing import Any

import pytest

from gemini_magic import wire
from gemini_magic.exceptions import InputError, SchemaError
from gemini_magic.tools import Tool, Toolbox, tool


def near(city: str) -> str:
    """Near."""
    return city


def far(city: str, weights: dict[str, float] | None = None) -> str:  # noqa: ARG001 - it is declared, not used
    """Far."""
    return city


@tool(name="now")
def tell_time() -> str:
    return ""


SEARCH = {"googleSearch": {}}
DECLARED = {"name": "raw.look", "description": "Look.", "parametersJsonSchema": {"type": "object"}}


def names(box: Toolbox) -> list[str]:
    return list(box.functions)


@pytest.mark.parametrize("nothing", [None, [], (), [None, []]])
def test_nothing_is_an_empty_toolbox(nothing: Any) -> None:
    box = Toolbox.of(nothing)
    assert not box
    assert len(box) == 0
    assert box.written() == []
    assert not box.has_server_tools
    assert box.declared == frozenset()


def test_one_tool_or_many_or_nested_lists_are_taken() -> None:
    assert names(Toolbox.of(near)) == ["near"]
    assert names(Toolbox.of([near, [far, (tell_time,)]])) == ["near", "far", "now"]
    assert Toolbox.of(SEARCH).raw == (SEARCH,)
    box = Toolbox.of([near, SEARCH])
    assert Toolbox.of(box) is box
    assert names(Toolbox.of([box, far])) == ["near", "far"]


def test_the_field_tools_has_all_functions_in_one_entry_and_then_the_servers_tools_in_order() -> None:
    box = Toolbox.of([{"codeExecution": {}}, DECLARED, near, SEARCH, tell_time])
    functions, code, search = box.written()
    assert [told["name"] for told in functions["functionDeclarations"]] == ["near", "now", "raw.look"]
    assert functions["functionDeclarations"][0] == {
        "name": "near",
        "description": "Near.",
        "parametersJsonSchema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    }
    assert functions["functionDeclarations"][1] == {"name": "now"}
    assert (code, search) == ({"codeExecution": {}}, SEARCH)
    assert box.raw == ({"codeExecution": {}}, {"functionDeclarations": [DECLARED]}, SEARCH)
    assert box.declared == {"near", "now", "raw.look"}
    assert names(box) == ["near", "now"]
    assert box.has_server_tools
    assert len(box) == 5
    assert repr(box) == "<Toolbox near, now, raw.look, codeExecution, googleSearch>"


def test_what_is_written_can_be_changed_by_its_reader() -> None:
    box = Toolbox.of([near, DECLARED, SEARCH])
    before = box.digest
    for entry in box.written():
        entry["more"] = 1
        for told in entry.get("functionDeclarations", ()):
            told.clear()
    assert Toolbox(box.tools, box.raw).digest == box.digest == before


def test_models_of_the_protocol_are_taken_as_they_stand_on_the_wire() -> None:
    box = Toolbox.of([wire.Tool(google_search={}), wire.FunctionDeclaration(name="look"), {"url_context": {}}])
    assert box.written() == [{"functionDeclarations": [{"name": "look"}]}, SEARCH, {"urlContext": {}}]


def test_a_dict_of_both_kinds_is_written_in_two_entries() -> None:
    box = Toolbox.of({"functionDeclarations": [DECLARED], "googleMaps": {"enableWidget": True}})
    assert box.written() == [{"functionDeclarations": [DECLARED]}, {"googleMaps": {"enableWidget": True}}]


def test_a_tool_that_nobody_knows_yet_goes_out_as_it_is() -> None:
    assert Toolbox.of({"timeTravel": {"to": [1985]}}).written() == [{"timeTravel": {"to": [1985]}}]


def test_only_exact_names_lead_to_functions() -> None:
    functions = Toolbox.of([near, DECLARED]).functions
    for name in (
        "Near",
        "near ",
        "\uff4eear",
        "ne\u0430r",
        "os.system",
        "eval",
        "__class__",
        "raw.look",
        "",
        "near.function",
    ):
        assert name not in functions
    assert isinstance(functions["near"], Tool)
    with pytest.raises(TypeError):
        functions["far"] = tool(far)


@pytest.mark.parametrize(
    "tools",
    [
        [near, near],
        [near, tool(far, name="near")],
        [tell_time, {"name": "now"}],
        [{"name": "x"}, {"functionDeclarations": [{"name": "x"}, {"name": "y"}]}],
    ],
    ids=str,
)
def test_two_functions_of_one_name_are_an_error(tools: Any) -> None:
    with pytest.raises(InputError, match=r"Two functions are called '(near|now|x)'.*gm\.tool"):
        Toolbox.of(tools)


@pytest.mark.parametrize(
    ("tools", "words"),
    [
        ("near", "'near' is a text and no tool"),
        (3, "3 is no tool"),
        ([near, [object]], "object is a class"),
        (lambda city: city, "A lambda has no name"),
        ({}, "An empty dict is no tool"),
        ({"name": "get weather"}, "'get weather' is no name"),
        ({"functionDeclarations": [{"description": "no name"}]}, "None is no name"),
        ({"functionDeclarations": 3}, "is no tool of the protocol"),
        ({"googleSearch": "yes"}, '{"googleSearch": "yes"} is no tool of the protocol'),
    ],
    ids=str,
)
def test_what_is_no_tool_is_an_error(tools: Any, words: str) -> None:
    with pytest.raises(InputError) as caught:
        Toolbox.of(tools)
    assert words in str(caught.value)


def test_a_function_that_cannot_be_declared_is_an_error_at_once() -> None:
    def call(*rows): ...

    with pytest.raises(SchemaError, match=r"call\(\) takes \*rows"):
        Toolbox.of(call)


def test_a_list_within_itself_is_an_error() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(InputError, match="is no tool"):
        Toolbox.of(endless)


def test_gemini_s_own_language_is_written_on_request() -> None:
    look = {"name": "look", "parametersJsonSchema": {"type": "object", "properties": {"q": {"type": "string"}}}}
    box = Toolbox.of([near, look, {"name": "old", "parameters": {"type": "STRING"}}, SEARCH])
    functions, search = box.written("openapi")
    assert [told.get("parameters", {}).get("type") for told in functions["functionDeclarations"]] == [
        "OBJECT",
        "OBJECT",
        "STRING",
    ]
    assert "parametersJsonSchema" not in str(functions)
    assert search == SEARCH
    with pytest.raises(SchemaError, match="The function far cannot be declared: 'weights'"):
        Toolbox.of(far).written("openapi")
    with pytest.raises(ValueError, match="'xml'"):
        box.written("xml")


def test_toolboxes_join_and_what_both_have_comes_once() -> None:
    one, other = Toolbox.of([near, SEARCH]), Toolbox.of([tool(near), SEARCH, far])
    both = one | other
    assert names(both) == ["near", "far"]
    assert both.raw == (SEARCH,)
    assert names(one | tell_time) == ["near", "now"]
    assert names(one | None) == ["near"]
    with pytest.raises(InputError, match="Two functions are called 'near'"):
        one | tool(far, name="near")


def test_toolboxes_are_equal_only_to_themselves_and_have_a_digest_of_what_is_sent() -> None:
    one, other = Toolbox.of([near, SEARCH]), Toolbox.of([near, SEARCH])
    assert one != other
    assert len({one, other, one}) == 2
    assert one.digest == other.digest != Toolbox.of(near).digest
    assert one.digest == Toolbox.of([tool(near, approve="never"), SEARCH]).digest


def test_a_toolbox_pickles_after_use(weather: Any) -> None:
    box = Toolbox.of([weather.near, weather.far, SEARCH])
    assert (box.digest, list(box.functions)) == (box.digest, ["near", "far"])
    back = pickle.loads(pickle.dumps(box))  # noqa: S301 - our own bytes
    assert back.digest == box.digest
    assert list(back.functions) == ["near", "far"]
    assert back.functions["near"].read_only
