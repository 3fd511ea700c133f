"""What the pane asks for beside answers: files to save, files to load, models, and the script for formulas."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from gemini_magic.chat import Conversation, store
from gemini_magic.chat.export import written
from gemini_magic.chat.files import MAX_BYTES, safe_name
from gemini_magic.chat.outputs import conversations_in_notebook
from gemini_magic.exceptions import ConfigError, ConversationFileError, InputError, StoreError
from gemini_magic.parts.files.names import shown_name
from gemini_magic.settings import choose_profile

if TYPE_CHECKING:
    from pathlib import Path

    from gemini_magic.chat.registry import Registry
    from gemini_magic.client import Client

_MIMES = {"md": "text/markdown", "json": "application/json", "ipynb": "application/x-ipynb+json"}
_MODULES = {"maths": "maths.js"}
_ANSWERS = "generateContent"


def exported(chat: Conversation, form: object) -> dict[str, str]:
    """A conversation as the text of a file: ``name``, ``mime`` and ``text``.

    Raises:
        InputError: There is no such form.
        StoreError: The conversation holds the client's key.
    """
    if form not in _MIMES:
        raise InputError(f"A conversation is saved as {', '.join(_MIMES)}, not as {str(form)[:40]!r}.")
    place, data = written(chat.saved(), f"{safe_name(chat.name or 'conversation')}.{form}")
    text = data.decode()
    if chat.connected and chat.client.holds_key(text):
        raise StoreError(
            "The conversation holds your API key, so it is not written to a file.", hint="Undo the turn with it."
        )
    return {"name": place.name, "mime": _MIMES[str(form)], "text": text}


def loaded(data: bytes, name: str) -> Conversation:
    """A conversation from the bytes of a file; nothing in it is run or sent.

    Raises:
        ConversationFileError: It is not one, or damaged.
    """
    where = f"The file {shown_name(name)}"
    if len(data) > MAX_BYTES:
        raise ConversationFileError(f"{where} has {len(data):,} bytes; conversation files have at most {MAX_BYTES:,}.")
    document = store.parsed(data, where)
    if isinstance(document, dict) and "nbformat" in document:
        found = list(conversations_in_notebook(document, where).values())
        if not found:
            raise ConversationFileError(
                f"{where} holds no conversation.", hint="Save the notebook after asking, with its outputs."
            )
        return Conversation.restored(found[0] if len(found) == 1 else store.choose(found, "main", where))
    return Conversation.restored(store.read_document(document, where))


def restored(path: Path | None) -> Conversation:
    """The conversation that an earlier kernel has autosaved.

    Raises:
        ConversationFileError: There is none, or it is damaged.
    """
    if path is None:
        raise ConversationFileError("No earlier kernel has saved this conversation.")
    return Conversation.load(path)


def free_name(base: str, registry: Registry | None) -> str:
    """A name of its own for a branch of a conversation."""
    taken = set(registry.names) if registry is not None else set()
    stem = base or "chat"
    return next(name for number in range(2, len(taken) + 3) if (name := f"{stem}-{number}") not in taken)


def models_of(client: Client) -> list[dict[str, str]]:
    """The models that can answer, with what people call them."""
    found = [
        ((model.name or "").removeprefix("models/"), model.display_name or "")
        for model in client.models()
        if model.supported_generation_methods is None or _ANSWERS in model.supported_generation_methods
    ]
    return [{"name": name, "label": label or name} for name, label in found if name]


def profile_of(chat: Conversation) -> dict[str, str]:
    """Name and model of the profile that answers; empty where the settings name none that there is."""
    if chat.connected:
        return {"name": chat.client.profile.name, "model": chat.client.model}
    try:
        profile, _ = choose_profile()
    except ConfigError:  # the first question says it in full
        return {"name": "", "model": ""}
    return {"name": profile.name, "model": profile.default_model}


def module_text(name: object) -> str:
    """A script that the pane loads when it needs it.

    Raises:
        InputError: There is no such script.
    """
    if not isinstance(name, str) or name not in _MODULES:
        raise InputError(f"There is no module {str(name)[:40]!r}.")
    return static_text(_MODULES[name])


@cache
def static_text(name: str) -> str:
    """A file of the built front end.

    Raises:
        ConfigError: It has not been built.
    """
    try:
        return files("gemini_magic.widget").joinpath("static", name).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(
            f"The chat pane's file {name} is missing.", hint="In a checkout, `make frontend` builds it."
        ) from None


def plain(value: Any) -> str:  # noqa: ANN401 - any JSON
    """A text of a message; empty when it is none."""
    return value if isinstance(value, str) else ""
