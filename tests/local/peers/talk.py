"""Everything a client does, by google-genai: told where on stdin, tells what came on stdout."""

from __future__ import annotations

import json
import sys

import pydantic
from google import genai
from google.genai import types


class Weather(pydantic.BaseModel):
    city: str = pydantic.Field(max_length=20)
    degrees: int
    sky: str | None = pydantic.Field(default=None, max_length=20)


def main() -> None:
    ask = json.load(sys.stdin)
    client = genai.Client(api_key=ask["token"], http_options=types.HttpOptions(base_url=ask["base_url"]))
    model, limit = ask["model"], ask["limit"]
    brief = types.GenerateContentConfig(max_output_tokens=limit)
    answer = client.models.generate_content(model=model, contents=ask["prompt"], config=brief)
    stream = list(client.models.generate_content_stream(model=model, contents=ask["prompt"], config=brief))
    chat = client.chats.create(model=model, config=brief)
    turns = [chat.send_message(text).text for text in ask["turns"]]
    config = types.GenerateContentConfig(max_output_tokens=limit, system_instruction=ask["system"])
    system = client.models.generate_content(model=model, contents=ask["system_prompt"], config=config)
    schema = {"response_mime_type": "application/json", "response_schema": Weather}
    openapi = client.models.generate_content(model=model, contents=ask["fact"], config=schema)
    schema = {"response_mime_type": "application/json", "response_json_schema": Weather.model_json_schema()}
    plain = client.models.generate_content(model=model, contents=ask["fact"], config=schema)
    try:
        client.models.generate_content(model="no-such-model", contents="x")
    except genai.errors.ClientError as error:
        failure = [error.code, error.status, error.message]
    result = {
        "version": genai.__version__,
        "models": [entry.name for entry in client.models.list()],
        "one_model": client.models.get(model=model).name,
        "generate": answer.text,
        "finish": str(answer.candidates[0].finish_reason.name),
        "usage": answer.usage_metadata.total_token_count,
        "stream": [chunk.text for chunk in stream],
        "stream_finish": str(stream[-1].candidates[0].finish_reason.name),
        "turns": turns,
        "system": system.text,
        "openapi": openapi.parsed.model_dump(),
        "json_schema": json.loads(plain.text),
        "tokens": client.models.count_tokens(model=model, contents=ask["prompt"]).total_tokens,
        "error": failure,
    }
    sys.stdout.write(json.dumps(result))


main()
