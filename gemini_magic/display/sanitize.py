"""The only door to HTML.

What a model writes is hostile until it has been here. Markdown is parsed with raw HTML off, rendered by the
few rules below, and then cleaned with a narrow list of tags; text that is no Markdown is escaped. Whatever comes
out is `Safe`, and nothing else may become part of a page: `element` escapes every other string it is given.
"""

from __future__ import annotations

import html
import re
from functools import cache, lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from mdit_py_plugins.dollarmath import dollarmath_plugin

from gemini_magic.display.blocks import BlockSplitter
from gemini_magic.display.highlight import CLASSES, tokens
from gemini_magic.display.links import names_place, place, safe_target
from gemini_magic.display.tex import bracket_math, defuse, set_apart
from gemini_magic.display.visible import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it.token import Token

_TAGS = {
    "a",
    "blockquote",
    "br",
    "code",
    "div",
    "em",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "li",
    "ol",
    "p",
    "pre",
    "s",
    "span",
    "strong",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "tr",
    "ul",
}
_OUR_TAGS = _TAGS | {"b", "caption", "details", "figure", "section", "summary"}
_OUR_ATTRIBUTES = {"class", "role", "open", "scope", "tabindex"}
_ALIGN = {"text-align:right": "gm-right", "text-align:center": "gm-center"}
_LONGEST = 500_000
_REFERENCE = re.compile(r"^[ >]*(?:[-*+]|\d+[.)])?[ ]*\[[^\]\n]*\]:", re.MULTILINE)
_MAX_NESTING = 20

_cleaner = nh3.Cleaner(
    tags=_TAGS,
    clean_content_tags={"script", "style"},
    attributes={"a": {"href", "target"}, "ol": {"start"}},
    allowed_classes={
        "div": {"highlight", "gm-math"},
        "span": {*CLASSES, "gm-place"},
        "td": {*_ALIGN.values()},
        "th": {*_ALIGN.values()},
    },
    url_schemes={"http", "https", "mailto"},
    url_relative="deny",
    link_rel="noopener noreferrer nofollow",
    strip_comments=True,
)


class Safe(str):
    """HTML that has been through this module."""

    __slots__ = ()


def markdown(source: str) -> Safe:
    """Turn a model's Markdown into HTML that runs nothing and fetches nothing.

    Mathematics stays between its dollar signs for the front end to typeset; images become words;
    links name the place they lead to.
    """
    if len(source) > _LONGEST:
        return element("pre", source)
    return clean(_parser().render(visible(source)))


def document(source: str) -> Safe:
    """A whole Markdown text, as `markdown` renders it, from blocks that may have been rendered while it arrived."""
    if _REFERENCE.search(source):
        return markdown(source)  # what stands in one block may decide what a link in another means
    splitter = BlockSplitter()
    return join(*map(block, splitter.feed(source)), markdown(splitter.tail))


@lru_cache(maxsize=64)
def block(source: str) -> Safe:
    """A finished block of Markdown; remembered, because the whole text will ask for it again."""
    return markdown(source)


def clean(fragment: str) -> Safe:
    """A fragment of HTML reduced to what an answer may consist of."""
    return Safe(_cleaner.clean(fragment))


def text(words: str) -> Safe:
    """Plain words as HTML: escaped, nothing hidden, and no formula begins in them."""
    return Safe(set_apart(_escape(visible(words))))


def element(name: str, *children: str, label: str = "", **attributes: str) -> Safe:
    """An element of our own around children; those that are not `Safe` are escaped.

    Args:
        name: One of the tags we use.
        children: What stands inside, in order.
        label: The name that a screen reader gives to the element.
        attributes: ``class_``, ``role``, ``open``, ``scope`` or ``tabindex``.
    """
    if name not in _OUR_TAGS:
        raise ValueError(f"{name!r} is not a tag that answers are made of.")
    given = {key.rstrip("_"): value for key, value in attributes.items()}
    if unknown := given.keys() - _OUR_ATTRIBUTES:
        raise ValueError(f"{sorted(unknown)} are not attributes that answers are made of.")
    if label:
        given["aria-label"] = label
    head = "".join(f' {key}="{_escape(visible(value))}"' for key, value in given.items())
    return Safe(f"<{name}{head}>{join(*children)}</{name}>")


def join(*children: str) -> Safe:
    """Children one after another; those that are not `Safe` are escaped."""
    return Safe("".join(child if isinstance(child, Safe) else text(child) for child in children))


def code(source: str, language: str = "") -> Safe:
    """A block of code, coloured when its language is known."""
    spans = (
        f'<span class="{css}">{_escape(piece)}</span>' if css else _escape(piece)
        for css, piece in tokens(visible(source), language)
    )
    return Safe(f'<div class="highlight"><pre>{"".join(spans)}</pre></div>')


def link(words: str, target: str) -> Safe:
    """A link that names the place it leads to; only words when it may not lead there."""
    address = safe_target(target)
    if address is None:
        return element("span", words)
    anchor = f'<a href="{_escape(address)}" target="_blank" rel="noopener noreferrer nofollow">{text(words)}</a>'
    return Safe(anchor) if names_place(words, address) else join(Safe(anchor), Safe(_place_span(address)))


@cache
def style() -> Safe:
    """The style sheet of everything we show, as an element."""
    sheet = files("gemini_magic.display").joinpath("static", "gemini.css").read_text(encoding="utf-8")
    return Safe(f"<style>{' '.join(sheet.split())}</style>")


def _escape(words: str) -> str:
    return html.escape(words, quote=True)


def _place_span(target: str) -> str:
    return f' <span class="gm-place">({text(place(target))})</span>'


class _AnswerRenderer(RendererHTML):
    """Markdown tokens to HTML; only what stands here differs from the usual."""

    def text(self, tokens: Sequence[Token], idx: int, *_: object) -> str:
        return set_apart(_escape(tokens[idx].content))

    def code_inline(self, tokens: Sequence[Token], idx: int, *_: object) -> str:
        return f"<code>{_escape(tokens[idx].content)}</code>"

    def code_block(self, tokens: Sequence[Token], idx: int, *_: object) -> str:
        return code(tokens[idx].content)

    def fence(self, tokens: Sequence[Token], idx: int, *_: object) -> str:
        words = tokens[idx].info.split()
        return code(tokens[idx].content, words[0] if words else "")

    def image(self, tokens: Sequence[Token], idx: int, *_: object) -> str:
        token = tokens[idx]
        words = " ".join(("image:", token.content, f"({place(str(token.attrs.get('src', '')))})"))
        return f"<span>[{text(words)}]</span>"

    def link_open(self, tokens: Sequence[Token], idx: int, *_: object) -> str:
        address = safe_target(str(tokens[idx].attrs.get("href", "")))
        return f'<a href="{_escape(address)}" target="_blank">' if address else "<span>"

    def link_close(self, tokens: Sequence[Token], idx: int, *_: object) -> str:
        opening, words = _opening_link(tokens, idx)
        target = str(opening.attrs.get("href", ""))
        address = safe_target(target)
        if address is None:
            return f'</span> <span class="gm-place">[link removed: {text(place(target))}]</span>'
        return "</a>" if names_place(words, address) else f"</a>{_place_span(address)}"

    def math_inline(self, tokens: Sequence[Token], idx: int, *_: object) -> str:
        return f"<span>${_escape(defuse(tokens[idx].content))}$</span>"

    def math_block(self, tokens: Sequence[Token], idx: int, *_: object) -> str:
        return f'<div class="gm-math">$${_escape(defuse(tokens[idx].content))}$$</div>\n'

    def math_inline_double(self, tokens: Sequence[Token], idx: int, *_: object) -> str:
        return f"<span>$${_escape(defuse(tokens[idx].content))}$$</span>"

    def td_open(self, tokens: Sequence[Token], idx: int, *_: object) -> str:
        css = _ALIGN.get(str(tokens[idx].attrs.get("style", "")))
        return f'<{tokens[idx].tag} class="{css}">' if css else f"<{tokens[idx].tag}>"

    th_open = td_open


def _opening_link(tokens: Sequence[Token], closing: int) -> tuple[Token, str]:
    """The token that opened the link closed here, and the words between; links do not nest."""
    words: list[str] = []
    for token in reversed(tokens[:closing]):
        if token.type == "link_open":
            return token, "".join(reversed(words))
        words.append(token.content)
    raise ValueError("A link was closed that had not been opened.")


@cache
def _parser() -> MarkdownIt:
    options = {"html": False, "linkify": False, "maxNesting": _MAX_NESTING}
    parser = MarkdownIt("commonmark", options).enable(["table", "strikethrough"])
    dollarmath_plugin(
        parser,
        allow_labels=False,
        allow_space=False,
        allow_digits=False,
        allow_blank_lines=False,  # else every formula that is never closed costs a search to the end of the text
        double_inline=True,
    )
    parser.renderer = _AnswerRenderer(parser)
    parser.use(bracket_math)
    return parser
