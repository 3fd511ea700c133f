"""Conversations: turns that build on each other, by name, for as long as the kernel lives."""

from __future__ import annotations

from gemini_magic.chat.conversation import ChatStream, Conversation, Turn
from gemini_magic.chat.registry import KERNEL, Registry

__all__ = ["KERNEL", "ChatStream", "Conversation", "Registry", "Turn"]
