"""Readers of input that come before IPython's own, for lines and cells of ours alone.

IPython takes a line that ends in a question mark for a request for help: ``%gemini Why is the sky blue?`` never reaches
a magic. And it tidies every cell: ``>>>`` and ``...`` in front of lines are taken away, and spaces on empty lines. Both
would change prompts. ``%gemini?`` and ``%%gemini?`` are help as ever.
"""

from __future__ import annotations

import re
from tokenize import DEDENT, INDENT, TokenInfo
from typing import TYPE_CHECKING, Any

from IPython.core.inputtransformer2 import EscapedCommand, MagicAssign, cell_magic, leading_empty_lines

if TYPE_CHECKING:
    from IPython.core.inputtransformer2 import TransformerManager

_FIRST = 1  # IPython's reader for help has priority 5, the lower the earlier
_CELL = re.compile(r"%%gemini(?=\s)")


class AskedCell:
    """``%%gemini`` with a body."""

    #: IPython asks this before it judges whether a cell in a terminal is complete.
    has_side_effects = True

    def __call__(self, lines: list[str]) -> list[str]:
        """The cell as Python, its body as it was typed; cells that are not ours as they are."""
        cell: list[str] = leading_empty_lines(lines)  # type: ignore[no-untyped-call]
        if not cell or not _CELL.match(cell[0]):
            return lines
        python: list[str] = cell_magic(cell)  # type: ignore[no-untyped-call]
        return python


class AskedLine(EscapedCommand):
    """``%gemini …?``."""

    priority = _FIRST

    @classmethod
    def find(cls, tokens_by_line: list[list[TokenInfo]]) -> Any:  # noqa: ANN401 - as IPython has it
        """The first such line of a cell."""
        return super().find([line for line in tokens_by_line if _asks(line)])  # type: ignore[no-untyped-call]


class AskedAssign(MagicAssign):
    """``reply = %gemini …?``."""

    priority = _FIRST

    def __init__(self, start: tuple[int, int]) -> None:
        super().__init__(start)  # type: ignore[no-untyped-call]
        # Readers come in the order of their places, and the one for help starts where the line does.
        self._column, self.start_col = self.start_col, 0

    @classmethod
    def find(cls, tokens_by_line: list[list[TokenInfo]]) -> Any:  # noqa: ANN401 - as IPython has it
        """The first such line of a cell."""
        return super().find([line for line in tokens_by_line if _asks(line)])  # type: ignore[no-untyped-call]

    def transform(self, lines: list[str]) -> Any:  # noqa: ANN401 - as IPython has it
        """The cell with that line as Python."""
        self.start_col = self._column
        return super().transform(lines)


def _asks(line: list[TokenInfo]) -> bool:
    """Whether a line ends in a question mark that belongs to a prompt of ours."""
    words = [token for token in line if token.type not in {INDENT, DEDENT}]
    place = next((number for number, token in enumerate(words) if token.string == "%"), len(words))
    magic, prompt = words[place : place + 2], words[place + 2 : -1]
    return (
        [token.string for token in magic] == ["%", "gemini"]
        and bool(prompt)
        and prompt[-1].string == "?"
        and prompt[0].start != magic[-1].end
    )


def install(manager: TransformerManager) -> None:
    """Put our readers before IPython's."""
    manager.cleanup_transforms.insert(0, AskedCell())
    manager.token_transformers += [AskedLine, AskedAssign]


def uninstall(manager: TransformerManager) -> None:
    """Take our readers away."""
    cells: list[Any] = manager.cleanup_transforms
    cells[:] = [reader for reader in cells if not isinstance(reader, AskedCell)]
    lines: list[Any] = manager.token_transformers
    lines[:] = [reader for reader in lines if reader not in {AskedLine, AskedAssign}]
