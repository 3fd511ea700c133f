"""A request, put into the words of llama.cpp's chat endpoint."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gemini_magic.local import functions
from gemini_magic.local.backends._llama_results import results
from gemini_magic.local.errors import invalid
from gemini_magic.local.outline import outline
from gemini_magic.local.schema import Json, constrained, parameters, response_schema
from gemini_magic.wire import FunctionCallingConfig, FunctionCallingMode, GenerationConfig, Role, ToolConfig

if TYPE_CHECKING:
    from gemini_magic.wire import Content, FunctionDeclaration, GenerateContentRequest, Part

#: Tokens of an answer when the request names no limit: a small model that repeats itself does not stop by itself.
OUTPUT_LIMIT = 1_024

#: What small models need in free text, and what would spoil JSON.
_REPEAT_PENALTY = 1.1

_SAMPLING = {
    "frequency_penalty": "frequency_penalty",
    "presence_penalty": "presence_penalty",
    "seed": "seed",
    "temperature": "temperature",
    "top_k": "top_k",
    "top_p": "top_p",
}


@dataclass(frozen=True)
class Prompt:
    """What the engine is asked, and how its text is to be read.

    Attributes:
        body: For the chat endpoint.
        functions: Names that a call in the text may have; none when text is text.
        must_call: Whether all of the text is one call.
        candidates: How many answers to make.
        in_words: The same without functions, to ask when the answer is a call of a function that there is not.
        request: What it was made of.
    """

    body: Json
    functions: frozenset[str]
    must_call: bool
    candidates: int
    request: GenerateContentRequest
    in_words: Prompt | None = None

    def misfit(self, calls: list[tuple[str, Json]]) -> str | None:
        """The function of a call that has to be made anew, held to its declaration.

        Under mode VALIDATED that is any call; else one without a required argument, or with one that there is not.
        """
        for name, arguments in calls if not self.must_call else ():
            shape = parameters(functions.offered(self.request)[name])
            known, required = shape.get("properties", {}), shape.get("required", [])
            closed = "additionalProperties" not in shape and "$ref" not in shape
            if (
                functions.must_fit(self.request)
                or not arguments.keys() >= set(required)
                or (closed and arguments.keys() - known)
            ):
                return name
        return None

    def exactly(self, name: str) -> Prompt:
        """The same with a call of one function as the only answer."""
        config = FunctionCallingConfig(mode=FunctionCallingMode.ANY, allowed_function_names=[name])
        tools = ToolConfig(function_calling_config=config)
        return prompt(self.request.model_copy(update={"tool_config": tools}))


def prompt(request: GenerateContentRequest) -> Prompt:
    """Read a request.

    Raises:
        BadRequest: It has something that a text model cannot take.
    """
    config = request.generation_config or GenerationConfig()
    offered = _offered(request)
    must_call = bool(offered) and functions.must_call(request)
    schema = _call_schema(offered) if must_call else response_schema(config)
    body = {"messages": messages(request), **_sampling(config)}
    if schema is not None:
        body["response_format"] = {"type": "json_schema", "json_schema": {"schema": constrained(schema)}}
    elif config.response_mime_type == "application/json":
        body["response_format"] = {"type": "json_object"}
    elif not offered:
        body["repeat_penalty"] = _REPEAT_PENALTY
    return Prompt(
        body=body,
        functions=frozenset(offered),
        must_call=must_call,
        candidates=config.candidate_count or 1,
        in_words=prompt(request.model_copy(update={"tools": None})) if offered and not must_call else None,
        request=request,
    )


def messages(request: GenerateContentRequest) -> list[Json]:
    """The conversation as the chat template takes it, the system's words first."""
    contents = request.contents or []
    turns = [
        {
            "role": "assistant" if content.role == Role.MODEL else "user",
            "content": results(contents[: number + 1]) if functions.is_answered(content) else _text(content, number),
        }
        for number, content in enumerate(contents)
    ]
    system = _system(request)
    return [{"role": "system", "content": system}, *turns] if system else turns


def _sampling(config: GenerationConfig) -> Json:
    """Greedy unless the request says otherwise: that is where a small model is best, and it repeats exactly."""
    body: Json = {"max_tokens": config.max_output_tokens or OUTPUT_LIMIT, "temperature": 0.0}
    if (config.candidate_count or 1) > 1:
        body["temperature"] = 0.8  # equal candidates would be pointless
    for name, ours in _SAMPLING.items():
        value = getattr(config, name)
        if value is not None:
            body[ours] = value
    if config.stop_sequences:
        body["stop"] = config.stop_sequences
    return body


def _offered(request: GenerateContentRequest) -> dict[str, FunctionDeclaration]:
    """The functions to tell the model of; none right after a function answered: it would only call it again."""
    last = (request.contents or [])[-1:]
    return {} if any(map(functions.is_answered, last)) else functions.offered(request)


def _call_schema(offered: dict[str, FunctionDeclaration]) -> Json:
    calls: list[Json] = []
    definitions: Json = {}
    for name, function in offered.items():
        arguments = _renamed(parameters(function), len(calls), definitions)
        shape = {"name": {"const": name}, "arguments": arguments}
        calls.append({"type": "object", "properties": shape, "required": ["name", "arguments"]})
    return {"anyOf": calls, **({"$defs": definitions} if definitions else {})}


def _renamed(schema: Json, number: int, definitions: Json) -> Json:
    """A function's schema with its definitions moved to where references from inside a call find them."""
    own: Json = schema.pop("$defs", {}) if isinstance(schema.get("$defs"), dict) else {}
    names = {f"#/$defs/{name}": f"#/$defs/{number}-{name}" for name in own}
    definitions |= {f"{number}-{name}": _pointed(value, names) for name, value in own.items()}
    pointed: Json = _pointed(schema, names)
    return pointed


def _pointed(value: Any, names: Json) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, list):
        return [_pointed(item, names) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: names.get(item, item) if key == "$ref" and isinstance(item, str) else _pointed(item, names)
        for key, item in value.items()
    }


def _system(request: GenerateContentRequest) -> str:
    said = []
    if request.system_instruction is not None:
        said.append(_text(request.system_instruction, None))
    offered = _offered(request)
    if offered:
        said.append(_about(offered))
    schema = response_schema(request.generation_config)
    if schema is not None and not (offered and functions.must_call(request)):
        said.append(f"Answer with JSON of this form: {outline(schema)}")
    return "\n\n".join(filter(None, said))


def _about(offered: dict[str, FunctionDeclaration]) -> str:
    lines = []
    for name, function in offered.items():
        about = f": {function.description}" if function.description else ""
        lines.append(f"{name} {outline(parameters(function))}{about}")
    form = '{"name": "the function\'s name", "arguments": {...}}'
    return (
        "These functions can be called:\n"
        + "\n".join(lines)
        + f"\nWhen one of them is needed, answer with nothing but {form}. Otherwise answer in words."
    )


def _text(content: Content, number: int | None) -> str:
    field = "systemInstruction" if number is None else f"contents[{number}]"
    texts = [_part_text(part, f"{field}.parts[{index}]") for index, part in enumerate(content.parts or [])]
    return "\n".join(filter(None, texts))


def _part_text(part: Part, field: str) -> str:
    media = part.inline_data or part.file_data
    if media is not None:
        kind = media.mime_type or "a file"
        way_out = "leave it out, or choose a model behind a gateway"
        raise invalid(f"The local models read text only, and {field} is {kind}: {way_out}.", field)
    if part.thought:
        return ""
    if part.function_call is not None:
        return json.dumps({"name": part.function_call.name, "arguments": part.function_call.args or {}})
    if part.executable_code is not None:
        return f"```\n{part.executable_code.code}\n```"
    if part.code_execution_result is not None:
        return part.code_execution_result.output or ""
    return part.text or ""


def calls_in(text: str, names: frozenset[str]) -> list[tuple[str, dict[str, Any]]]:
    """The function calls that a text is, as name and arguments; empty when it is anything else."""
    bare = text.strip().removeprefix("<tool_call>").removesuffix("</tool_call>").strip()
    if bare.startswith("```"):
        bare = bare.partition("\n")[2].strip().removesuffix("```")
    try:
        value = json.loads(bare)
    except ValueError:
        return []
    calls = value if isinstance(value, list) else [value]
    read = [_call(call, names) for call in calls]
    return [call for call in read if call is not None] if all(read) else []


def _call(value: Any, names: frozenset[str]) -> tuple[str, dict[str, Any]] | None:  # noqa: ANN401 - JSON
    if not isinstance(value, dict) or value.get("name") not in names:
        return None
    arguments = value.get("arguments", {})
    return (value["name"], arguments) if isinstance(arguments, dict) else None


def is_astray(text: str) -> bool:
    """Whether a text that is no declared call has the form of one: small models call what they just made up."""
    begun = text.strip().removeprefix("```json").lstrip(" \n`{")
    return begun.startswith('"name"') and '"arguments"' in begun


def may_be_call(text: str) -> bool:
    """Whether a text that begins like this can still turn out to be a call."""
    begun = text.lstrip()
    starts = ("{", "[", "```", "<tool_call>")
    return not begun or begun.startswith(starts) or any(start.startswith(begun) for start in starts)
