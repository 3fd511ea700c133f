"""Mathematics that typesets and does nothing else.

Notebook front ends run MathJax over every text they show outside of code. Some of its commands make links, load
packages, define macros, set styles or ids; these are shown by name instead. Outside of mathematics the
signs that would start a formula are set apart, so that prices stay prices.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_inline import StateInline

_BRACKETS = {r"\(": (r"\)", "math_inline"), r"\[": (r"\]", "math_inline_double")}
_COMMAND = re.compile(r"\\(?:label\s*\{[^{}]*\}|([A-Za-z]+)|.)", re.DOTALL)
_DENIED = frozenset(
    {
        "DeclareMathOperator",
        "DeclarePairedDelimiter",
        "DeclarePairedDelimiters",
        "DeclarePairedDelimitersX",
        "DeclarePairedDelimitersXPP",
        "DeclareRobustCommand",
        "Newextarrow",
        "action",
        "bbox",
        "catcode",
        "class",
        "csname",
        "cssId",
        "data",
        "def",
        "definecolor",
        "edef",
        "endtoggle",
        "eqref",
        "expandafter",
        "futurelet",
        "gdef",
        "href",
        "htmlClass",
        "htmlData",
        "htmlId",
        "htmlStyle",
        "hyperlink",
        "hyperref",
        "include",
        "includegraphics",
        "input",
        "label",
        "let",
        "mathtip",
        "mmlToken",
        "newcommand",
        "newenvironment",
        "openin",
        "openout",
        "providecommand",
        "read",
        "ref",
        "renewcommand",
        "renewenvironment",
        "require",
        "special",
        "style",
        "texttip",
        "toggle",
        "tooltip",
        "unicode",
        "url",
        "write",
        "xdef",
    }
)
_DELIMITER = re.compile(r"[$\\]")


def defuse(tex: str) -> str:
    """TeX in which commands that reach beyond the formula are shown by their name, and labels are left out."""
    return _COMMAND.sub(_by_name, tex)


def _by_name(match: re.Match[str]) -> str:
    if match[0][1:].startswith("label") and match[1] is None:
        return ""  # a formula is typeset again and again while it arrives; its label would count as a second one
    name = match[1]
    return rf"\mathtt{{{name}}}" if name in _DENIED else match[0]


def set_apart(escaped: str) -> str:
    """Escaped text in which no sign opens a formula: each stands in an element of its own."""
    return _DELIMITER.sub(lambda match: f"<span>{match[0]}</span>", escaped)


def bracket_math(parser: MarkdownIt) -> None:
    r"""Teach a Markdown parser the formulas between ``\(`` and ``\)``, ``\[`` and ``\]`` that many models write."""
    parser.inline.ruler.before("escape", "math_brackets", _read_brackets)


def _read_brackets(state: StateInline, silent: bool) -> bool:
    closing, token = _BRACKETS.get(state.src[state.pos : state.pos + 2], ("", ""))
    if not closing or state.env.get(closing) is state.src:
        return False
    end = state.src.find(closing, state.pos + 2)
    if end < 0:
        state.env[closing] = state.src  # none further on either: later openings need not search again
        return False
    if not silent:
        state.push(token, "math", 0).content = state.src[state.pos + 2 : end]
    state.pos = end + 2
    return True
