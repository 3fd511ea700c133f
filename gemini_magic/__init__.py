"""Gemini, native in the notebook: your variables are the prompt, and the answer is a notebook object.

``%load_ext gemini_magic`` gives a notebook the ``%%gemini`` cell; ``import gemini_magic as gm`` gives code the
same client. Both load in a moment: what a call needs is imported by the first call.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from gemini_magic import tools
    from gemini_magic.chat import Conversation
    from gemini_magic.client import AsyncClient, Client
    from gemini_magic.connect import connect
    from gemini_magic.exceptions import (
        AnswerTruncated,
        ApiError,
        AuthError,
        BadRequest,
        Blocked,
        BudgetExceeded,
        ConfigError,
        ConnectFailed,
        ConnectionLost,
        ConversationFileError,
        FileRejected,
        GeminiMagicError,
        ImageRejected,
        InputError,
        InvalidAnswer,
        InvalidJSON,
        LocalServerError,
        NotFound,
        PermissionDenied,
        ProtocolError,
        QuotaExhausted,
        RateLimited,
        RedirectRefused,
        RequestTooLarge,
        ResponseTooLarge,
        SchemaError,
        SchemaMismatch,
        ServerUnavailable,
        StoreDiskFull,
        StoreError,
        StoreLocked,
        StoreMismatch,
        StreamTruncated,
        Timeout,
        TLSFailed,
        ToolDenied,
        ToolError,
        ToolLimit,
        TransportError,
        UnboundName,
        UnknownTool,
        UnsupportedValue,
        UsageError,
    )
    from gemini_magic.extract import compare, evaluate, extract, run_of
    from gemini_magic.parts.files import file, image
    from gemini_magic.reply import Reply
    from gemini_magic.tools import tool
    from gemini_magic.widget import ChatWidget

_HOMES = {
    "AsyncClient": "client",
    "ChatWidget": "widget",
    "Client": "client",
    "Conversation": "chat",
    "Reply": "reply",
    "compare": "extract",
    "connect": "connect",
    "evaluate": "extract",
    "extract": "extract",
    "file": "parts.files",
    "image": "parts.files",
    "run_of": "extract",
    "tool": "tools",
}
#: Rooms that are public as they are.
_ROOMS = frozenset({"tools"})

__all__ = [
    "AnswerTruncated",
    "ApiError",
    "AsyncClient",
    "AuthError",
    "BadRequest",
    "Blocked",
    "BudgetExceeded",
    "ChatWidget",
    "Client",
    "ConfigError",
    "ConnectFailed",
    "ConnectionLost",
    "Conversation",
    "ConversationFileError",
    "FileRejected",
    "GeminiMagicError",
    "ImageRejected",
    "InputError",
    "InvalidAnswer",
    "InvalidJSON",
    "LocalServerError",
    "NotFound",
    "PermissionDenied",
    "ProtocolError",
    "QuotaExhausted",
    "RateLimited",
    "RedirectRefused",
    "Reply",
    "RequestTooLarge",
    "ResponseTooLarge",
    "SchemaError",
    "SchemaMismatch",
    "ServerUnavailable",
    "StoreDiskFull",
    "StoreError",
    "StoreLocked",
    "StoreMismatch",
    "StreamTruncated",
    "TLSFailed",
    "Timeout",
    "ToolDenied",
    "ToolError",
    "ToolLimit",
    "TransportError",
    "UnboundName",
    "UnknownTool",
    "UnsupportedValue",
    "UsageError",
    "compare",
    "connect",
    "evaluate",
    "extract",
    "file",
    "image",
    "run_of",
    "tool",
    "tools",
]


class _Package(ModuleType):
    """This package, in which `connect` and `extract` are the functions and never the modules of those names."""

    def __setattr__(self, name: str, value: object) -> None:
        # Python binds a module to its package once somebody has imported it, over what had that name before.
        if name in {"connect", "extract"} and isinstance(value, ModuleType):
            return
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any public name
    """Import a public name when it is first used."""
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415 - costs milliseconds and is rarely asked for

        return version("gemini-magic")
    if name not in __all__:
        raise AttributeError(f"module 'gemini_magic' has no attribute {name!r}")
    if name in _ROOMS:
        return import_module(f"gemini_magic.{name}")
    value = getattr(import_module(f"gemini_magic.{_HOMES.get(name, 'exceptions')}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names."""
    return [*__all__, "__version__"]


def load_ipython_extension(ipython: InteractiveShell) -> None:
    """Give the shell ``%gemini`` and ``%%gemini``; IPython calls this for ``%load_ext gemini_magic``."""
    from gemini_magic.magics import load  # noqa: PLC0415 - needs IPython, which plain imports do without

    load(ipython)


def unload_ipython_extension(ipython: InteractiveShell) -> None:
    """Leave the shell as it was before; IPython calls this for ``%unload_ext gemini_magic``."""
    from gemini_magic.magics import unload  # noqa: PLC0415 - see above

    unload(ipython)
