"""Completion of ``%gemini`` and ``%%gemini``: one matcher, which sees the whole cell.

IPython's completer asks it first. Where a line or cell of ours is being typed it answers, and IPython's own guesses are
held back; everywhere else it has nothing to say. What it knows is imported by the first completion that needs it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from IPython.core.completer import SimpleCompletion, context_matcher

if TYPE_CHECKING:
    from collections.abc import Iterator

    from IPython.core.completer import CompletionContext
    from IPython.core.interactiveshell import InteractiveShell

_NAME = "gemini_magic"
_WORD = "%gemini"


class Silence:
    """No completions, and none of IPython's: it looks at the length alone before it lets nobody else speak."""

    def __len__(self) -> int:
        """Not empty, as far as IPython can see."""
        return 1

    def __iter__(self) -> Iterator[SimpleCompletion]:
        """Nothing."""
        return iter(())


def install(shell: InteractiveShell, magics: Any) -> None:  # noqa: ANN401 - the magics, with their traits
    """Complete what belongs to us in this shell.

    Args:
        shell: The IPython shell.
        magics: The magics, whose traits ``profile`` and ``model`` say what is in force.
    """
    uninstall(shell)
    completer = getattr(shell, "Completer", None)
    if completer is None:
        return

    @context_matcher(identifier=_NAME, priority=1)  # type: ignore[untyped-decorator]  # as IPython has it
    def complete(context: CompletionContext) -> dict[str, Any]:
        return _complete(context, shell, magics)

    completer.custom_matchers.append(complete)


def uninstall(shell: InteractiveShell) -> None:
    """Take our matcher away."""
    completer = getattr(shell, "Completer", None)
    if completer is not None:
        others = [one for one in completer.custom_matchers if getattr(one, "matcher_identifier", "") != _NAME]
        completer.custom_matchers[:] = others


def _complete(context: CompletionContext, shell: InteractiveShell, magics: Any) -> dict[str, Any]:  # noqa: ANN401
    nothing = {"completions": [], "matched_fragment": "", "suppress": False}
    if _WORD not in context.full_text:
        return nothing
    from gemini_magic.magics.completion.places import place_of  # noqa: PLC0415 - loading the extension stays light
    from gemini_magic.magics.completion.suggestions import suggest  # noqa: PLC0415 - as above

    place = place_of(context.full_text, context.cursor_line, context.cursor_position)
    found = suggest(place, shell, magics) if place is not None else None
    if place is None or found is None:
        return nothing
    completions = [SimpleCompletion(text, type=found.kind) for text in found.texts[: context.limit or None]]
    return {
        "completions": completions or Silence(),
        "matched_fragment": found.fragment,
        "suppress": True,
        "ordered": True,
    }
