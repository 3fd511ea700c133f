from __future__ import annotations

import re

import html5lib
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_magic.display import framed

CONTEXTS = (
    "{0}",
    "<div>{0}</div>",
    "<table><tr><td>{0}</td></tr></table>",
    "<svg>{0}</svg>",
    "<style>{0}</style>",
    "<p title='{0}'>",
)


@pytest.mark.parametrize("context", CONTEXTS)
def test_pages_that_others_wrote_neither_run_nor_fetch(payloads, framed_page, context):
    for payload in payloads:
        framed_page(framed.page(context.format(payload)))


@given(st.text(alphabet="<>&\"'=/ abiframescriptonsrchdxlnkt:;!-\n"))
def test_any_page_is_narrow(framed_page, source):
    framed_page(framed.page(source))


def test_looks_and_web_links_stay():
    page = framed.page(
        "<style>.chip{color:red}</style><a class=chip href='https://x.example/' ping=//evil onclick=x>go</a>"
        "<svg viewBox='0 0 1 1'><path d='M0 0'/></svg><img src='data:image/png;base64,AAAA'><img src='https://evil/'>"
    )
    assert "<style>.chip{color:red}</style>" in page
    link = html5lib.parse(page, namespaceHTMLElements=False).find(".//a").attrib
    assert link == {
        "class": "chip",
        "href": "https://x.example/",
        "target": "_blank",
        "rel": "noopener noreferrer nofollow",
    }
    assert 'd="M0 0"' in page
    assert "evil" not in page


@pytest.mark.parametrize(
    "css",
    [
        "a{background:url(https://evil/x)}",
        "a{background:URL( 'https://evil/x' )}",
        "a{background:u\\72l(https://evil/x)}",
        "@import 'https://evil/x';",
        "@im\\70ort url(//evil/x)",
        "a{background:image-set('https://evil/x' 1x)}",
        "a{background:-webkit-image-set(url(https://evil/x) 1x)}",
        "@font-face{font-family:x;src:url(//evil/x)}",
    ],
)
def test_styles_name_no_address_that_would_be_fetched(css):
    for source in (f"<style>{css}</style>", f'<p style="{css}">x</p>', f'<svg><path fill="{css}"></path></svg>'):
        page = framed.page(source)
        assert not re.search(r"(url|image-set|src)\s*\(|@import", page, re.IGNORECASE), page


def test_styles_keep_images_that_the_page_carries_itself():
    style = "<style>a{background:url(data:image/png;base64,AAAA)}</style>"
    assert style in framed.page(style)


def test_the_policy_comes_before_anything_that_others_wrote():
    page = framed.page("<link rel=stylesheet href=//evil><body>")
    assert page.index("Content-Security-Policy") < page.index("<body")
    assert "img-src data:" in page
    assert "script-src" not in page
