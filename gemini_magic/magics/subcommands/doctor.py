"""Trying what a gateway can do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gemini_magic.client.probe import Finding, kept, probe
from gemini_magic.display.cards import Table
from gemini_magic.exceptions import GeminiMagicError
from gemini_magic.settings import LOCAL, resolve_key

if TYPE_CHECKING:
    from gemini_magic.client import Client
    from gemini_magic.magics.command import Command
    from gemini_magic.magics.subcommands.base import Run, Session


def _doctor(session: Session, command: Command) -> object:
    """Ask a gateway a few small questions, show what came of each, and remember it for the requests to come."""
    options = {**command.options, **({"profile": command.args[0]} if command.args else {})}
    client = session.client(options)[0].with_options(model=options.get("model"))
    probed = probe(client)
    findings = [_gateway(client), *probed.findings, *kept(client, probed)]
    rows = [{"check": finding.check, "finding": _words(finding)} for finding in findings]
    return Table(rows, f"What the gateway {client.profile.name} can do, tried with {client.model}")


def _gateway(client: Client) -> Finding:
    profile = client.profile
    if profile.name == LOCAL:
        return Finding("gateway", "the embedded server, on this machine")
    try:
        key, source = resolve_key(profile)
    except GeminiMagicError as error:
        key, source = None, str(error)
    return Finding("gateway", f"{profile.base_url}; key: {source if key is None else f'from {source}'}")


def _words(finding: Finding) -> str:
    return finding.words if finding.fine else f"problem: {finding.words}"


RUN: dict[str, Run] = {"doctor": _doctor}
