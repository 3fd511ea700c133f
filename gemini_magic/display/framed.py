"""Pages that others wrote, made ready for a frame of their own.

The frame runs no scripts and fetches nothing: its sandbox and its policy see to that. What is taken out here is
what they do not cover, such as hints to look up a host's name, and addresses that are no web links.
"""

from __future__ import annotations

import re
from functools import cache

import nh3

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
"""What a page in a frame may load: its own styles, and images that it carries itself."""

_TEXT = "a abbr b bdi blockquote br caption cite code col colgroup dd del details dfn div dl dt em figcaption figure"
_TEXT += " footer h1 h2 h3 h4 h5 h6 header hr i img ins kbd li main mark nav ol p pre q rp rt ruby s samp section small"
_TEXT += " span strong style sub summary sup table tbody td tfoot th thead time tr u ul var wbr article aside button"
_DRAWING = "svg g path circle ellipse line polygon polyline rect text tspan"
_GEOMETRY = "cx cy d fill fill-rule clip-rule height opacity points r rx ry stroke stroke-width transform viewBox width"
_GEOMETRY += " x x1 x2 xmlns y y1 y2 text-anchor font-size"
_DROPPED = {"iframe", "noscript", "object", "script", "template", "textarea", "title", "xmp"}
_STYLE = re.compile(r"(<style[^>]*>)(.*?)</style>", re.DOTALL)
_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_IMPORT = re.compile(r"@import\b[^;]*;?", re.IGNORECASE)
_ADDRESS = re.compile(
    r"(?:url\s*\((?!\s*[\"']?data:image/(?:png|jpeg|gif|webp);base64,)|(?:src|image|[a-z-]*image-set|cross-fade)\s*\()",
    re.IGNORECASE,
)
_WEB = re.compile(r"https?://[^\s\\]+", re.IGNORECASE)
_IMAGE = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]+", re.IGNORECASE)
_ATTRIBUTES: dict[str, set[str]] = {
    "*": {"align", "class", "dir", "id", "lang", "style", "title", "role", "aria-label", "colspan", "rowspan"},
    "a": {"href"},
    "details": {"open"},
    "img": {"alt", "height", "src", "width"},
    "ol": {"start", "type"},
    **{name: set(_GEOMETRY.split()) for name in _DRAWING.split()},
}


def page(source: str, margin: str = "8px") -> str:
    """A whole page around what is left of a piece of HTML."""
    head = f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    cleaned = _STYLE.sub(lambda style: f"{style[1]}{_quiet(style[2])}</style>", _cleaner().clean(source))
    body = f'<body style="margin: {margin}">{cleaned}</body>'
    return f"<!DOCTYPE html><html><head>{head}</head>{body}</html>"


@cache
def _cleaner() -> nh3.Cleaner:
    return nh3.Cleaner(
        tags={*_TEXT.split(), *_DRAWING.split()},
        clean_content_tags=_DROPPED,
        attributes=_ATTRIBUTES,
        attribute_filter=_kept,
        url_schemes={"data", "http", "https"},
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}},
        strip_comments=True,
    )


def _kept(tag: str, name: str, value: str) -> str | None:
    """A value that may stay: links lead to the web, and images are in the page itself."""
    if name == "href":
        return value if tag == "a" and _WEB.fullmatch(value.strip()) else None
    if name == "src":
        return value if _IMAGE.fullmatch(value.strip()) else None
    return _quiet(value) if name == "style" or tag in _DRAWING.split() else value


def _quiet(css: str) -> str:
    """Styles that name no address but that of an image in the page itself: the policy loads none anyway."""
    css = _IMPORT.sub("", _COMMENT.sub(" ", css.replace("\\", "")))
    return _ADDRESS.sub("none(", css)
