"""Conversations: turns that build on each other, by name, for as long as the kernel lives."""

from __future__ import annotations

from gemini_magic.chat.conversation import Conversation
from gemini_magic.chat.registry import KERNEL, Registry
from gemini_magic.chat.stream import ChatStream
from gemini_magic.chat.turns import Turn

__all__ = ["KERNEL", "ChatStream", "Conversation", "Registry", "Turn"]
