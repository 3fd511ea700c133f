"""A question whose functions google-genai calls by itself: told where on stdin, tells what came on stdout."""

from __future__ import annotations

import json
import sys

from google import genai
from google.genai import types

CALLED = []


def get_weather(city: str, days: int = 1) -> str:
    """The weather in a city.

    Args:
        city: Its name.
        days: For how many days.
    """
    CALLED.append(["get_weather", {"city": city, "days": days}])
    return f"{city}: {days} days of snow at -3.5 degrees ❄"


def add(a: int, b: int) -> int:
    """Add two numbers."""
    CALLED.append(["add", {"a": a, "b": b}])
    return a + b


def main() -> None:
    ask = json.load(sys.stdin)
    client = genai.Client(api_key=ask["token"], http_options=types.HttpOptions(base_url=ask["base_url"]))
    config = types.GenerateContentConfig(tools=[get_weather, add])
    if ask["thinks"]:
        config.thinking_config = types.ThinkingConfig(include_thoughts=True)
    answer = client.models.generate_content(model=ask["model"], contents=ask["prompt"], config=config)
    text = "".join(part.text or "" for part in answer.candidates[0].content.parts if not part.thought)
    sys.stdout.write(json.dumps({"version": genai.__version__, "called": CALLED, "text": text}))


main()
