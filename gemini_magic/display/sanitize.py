"""The only door to HTML.

What a model writes is hostile until it has been here. Markdown is parsed with raw HTML off, rendered by the
few rules below, and then cleaned with a narrow list of tags; text that is no Markdown is escaped. Whatever comes
out is `Safe`, and nothing else may become part of a page: `element` escapes every other string it is given.
"""

from __future__ import annotations

import base64
import html
import re
from functools import cache, lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from mdit_py_plugins.dollarmath import dollarmath_plugin

from gemini_magic.display import framed
from gemini_magic.display.blocks import BlockSplitter
from gemini_magic.display.highlight import CLASSES, tokens
from gemini_magic.display.images import image_type
from gemini_magic.display.links import names_place, place, safe_target
from gemini_magic.display.sounds import audio_type
from gemini_magic.display.tex import bracket_math, defuse, set_apart
from gemini_magic.display.visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

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
_OUR_TAGS = _TAGS | {"b", "caption", "details", "figure", "section", "summary", "sup"}
_OUR_ATTRIBUTES = {"class", "role", "open", "scope", "tabindex"}
_ALIGN = {"text-align:right": "gm-right", "text-align:center": "gm-center"}
_LONGEST = 500_000
_REFERENCE = re.compile(r"^[ >]*(?:[-*+]|\d+[.)])?[ ]*\[[^\]\n]*\]:", re.MULTILINE)
_MAX_NESTING = 20
HOLDER = "\ufdd0"
"""Holds a place in Markdown, and then in HTML, for an element of ours; Unicode promises that no text has it."""

_TAG = re.compile(r"<(/?)([a-z][a-z0-9]*)(?:[^>\"]|\"[^\"]*\")*>")
UNLISTED = "jp-toc-ignore"
"""The class of a heading that JupyterLab's table of contents leaves out."""

_HEADING = re.compile(r"<h[1-6]>")
_CLOSED = frozenset({"a", "code", "div", "pre", "span"})
_BLOCKS = frozenset({"div", "pre"})
_REL = "noopener noreferrer nofollow"
_SANDBOX = "allow-popups allow-popups-to-escape-sandbox"

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
    link_rel=_REL,
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
    *blocks, tail = blocks_of(source)
    return join(*map(block, blocks), markdown(tail))


def blocks_of(source: str) -> list[str]:
    """A whole Markdown text in blocks that can be rendered one by one; the last may be empty."""
    if _REFERENCE.search(source):
        return [source]  # what stands in one block may decide what a link in another means
    splitter = BlockSplitter()
    return [*splitter.feed(source), splitter.tail]


@lru_cache(maxsize=64)
def block(source: str) -> Safe:
    """A finished block of Markdown; remembered, because the whole text will ask for it again."""
    return markdown(source)


def preformatted(source: str) -> Safe:
    """A text as it is, line by line, with no Markdown read into it."""
    return element("pre", source, class_="gm-plain") if source.strip() else Safe()


def clean(fragment: str) -> Safe:
    """A fragment of HTML reduced to what an answer may consist of."""
    return Safe(_cleaner.clean(fragment))


def filled(fragment: Safe, elements: Iterable[Safe]) -> Safe:
    """A fragment whose holders have become elements, in order; those in code, links and formulas stand behind them."""
    waiting = iter(elements)
    pieces: list[str] = []
    held: list[Safe] = []
    depth = begin = 0
    for tag in _TAG.finditer(fragment):
        pieces += _fill(fragment[begin : tag.start()], waiting, held if depth else None)
        pieces += _fill(tag[0], waiting, held)
        if tag[2] in _CLOSED:
            depth += -1 if tag[1] else 1
        if held and not depth:
            pieces.append(element("p", *held) if tag[2] in _BLOCKS else join(*held))
            held.clear()
        begin = tag.end()
    return Safe("".join((*pieces, *_fill(fragment[begin:], waiting, None))))


def unlisted(fragment: Safe) -> Safe:
    """A fragment whose headings the notebook's table of contents leaves out, because they stand elsewhere already."""
    return Safe(
        _TAG.sub(lambda tag: f'<{tag[2]} class="{UNLISTED}">' if _HEADING.fullmatch(tag[0]) else tag[0], fragment)
    )


def _fill(piece: str, waiting: Iterator[Safe], held: list[Safe] | None) -> Iterator[str]:
    """A piece of HTML with its holders filled, or, where they may not stand, without them."""
    first, *rest = piece.split(HOLDER)
    yield first
    for words in rest:
        if held is None:
            yield next(waiting)
        else:
            held.append(next(waiting))
        yield words


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
    anchor = f'<a href="{_escape(address)}" target="_blank" rel="{_REL}">{text(words)}</a>'
    return Safe(anchor) if names_place(words, address) else join(Safe(anchor), Safe(_place_span(address)))


def number_link(number: int, target: str, words: str) -> Safe:
    """The mark ``[1]`` that leads to a source; its title and its name for screen readers say to which."""
    title = _escape(visible(" ".join(f"Source {number}: {words}".split())))
    address = safe_target(target)
    if address is None:
        return Safe(f'<span title="{title}">[{number}]</span>')
    return Safe(f'<a href="{_escape(address)}" target="_blank" rel="{_REL}" title="{title}">[{number}]</a>')


def picture(data: bytes, words: str) -> Safe:
    """An image that stands in the page itself; its bytes must be those of a PNG, JPEG, WebP or GIF."""
    mime_type = image_type(data)
    if mime_type is None:
        raise ValueError("These bytes are no image that may be shown.")
    return Safe(f'<img alt="{_escape(visible(words))}" src="{_data_address(data, mime_type)}">')


def player(data: bytes, words: str) -> Safe:
    """Sound with its controls; it begins only when the reader wants it to."""
    mime_type = audio_type(data)
    if mime_type is None:
        raise ValueError("These bytes are no sound that may be played.")
    source = _data_address(data, mime_type)
    return Safe(f'<audio controls preload="metadata" aria-label="{_escape(visible(words))}" src="{source}"></audio>')


def bar(done: int, total: int | None, label: str) -> Safe:
    """A bar that fills; without a total it says only that something goes on."""
    filled = f' value="{min(done, total)}" max="{max(total, 1)}"' if total is not None else ""
    return Safe(f'<progress{filled} aria-label="{_escape(visible(label))}"></progress>')


def frame(source: str, *, label: str, class_: str, margin: str = "8px") -> Safe:
    """HTML that others wrote, in a frame where nothing runs and nothing is fetched; links open pages of their own."""
    page = _escape(framed.page(visible(source), margin))
    head = f'class="{_escape(class_)}" title="{_escape(visible(label))}" sandbox="{_SANDBOX}"'
    return Safe(f'<iframe {head} referrerpolicy="no-referrer" loading="lazy" srcdoc="{page}"></iframe>')


@cache
def style() -> Safe:
    """The style sheet of everything we show, as an element."""
    sheet = files("gemini_magic.display").joinpath("static", "gemini.css").read_text(encoding="utf-8")
    return Safe(f"<style>{' '.join(sheet.split())}</style>")


def _escape(words: str) -> str:
    return html.escape(words, quote=True)


def _data_address(data: bytes, mime_type: str) -> str:
    return f"data:{mime_type};base64,{base64.b64encode(data).decode('ascii')}"


def _place_span(target: str) -> str:
    return f' <span class="gm-place">({text(place(target))})</span>'


class _AnswerRenderer(RendererHTML):
    """Markdown tokens to HTML; only what stands here differs from the usual."""

    def text(self, tokens: Sequence[Token], idx: int, *_: object) -> str:
        return set_apart(_escape(visible(tokens[idx].content)))

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
