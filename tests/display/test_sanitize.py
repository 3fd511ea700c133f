from __future__ import annotations

import html
import re

import html5lib
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_magic.display.live import LiveAnswer
from gemini_magic.display.sanitize import Safe, clean, code, document, element, join, link, markdown, style, text

CONTEXTS = {
    "plain": "{0}",
    "list": "- {0}\n- next",
    "table": "| head |\n|---|\n| {0} |",
    "quote": "> {0}",
    "fence": "```html\n{0}\n```",
    "heading": "## {0}",
    "link text": "[{0}](https://ok.example/)",
}
ALLOWED = {
    "a": {"href", "target", "rel"},
    "ol": {"start"},
    "div": {"class"},
    "span": {"class"},
    "td": {"class"},
    "th": {"class"},
}
TAGS = set("a blockquote br code div em h1 h2 h3 h4 h5 h6 hr li ol p pre s span strong table".split())  # noqa: SIM905
TAGS |= {"tbody", "td", "th", "thead", "tr", "ul"}
CLASSES = {"highlight", "gm-math", "gm-place", "gm-right", "gm-center"}
CLASSES |= {"c", "k", "m", "s", "na", "nb", "nc", "nd", "nf", "nt", "gd", "gh", "gi"}
DANGEROUS_TEX = re.compile(
    r"\\(href|url|includegraphics|unicode|class|style|cssId|require|htmlData|def|let|mmlToken)\b"
)


def assert_narrow(fragment):
    """Parse as a browser would, and look at every element."""
    for node in html5lib.parseFragment(fragment, namespaceHTMLElements=False).iter():
        if node.tag == "DOCUMENT_FRAGMENT":
            continue
        assert node.tag in TAGS, node.tag
        assert set(node.attrib) <= ALLOWED.get(node.tag, set()), node.attrib
        assert set(node.attrib.get("class", "").split()) <= CLASSES
        if "href" in node.attrib:
            assert re.match(r"(https?://[A-Za-z0-9\[]|mailto:)", node.attrib["href"]), node.attrib["href"]
            assert node.attrib["rel"] == "noopener noreferrer nofollow"
            assert node.attrib["target"] == "_blank"


@pytest.mark.parametrize("context", CONTEXTS)
def test_hostile_text_becomes_narrow_html_wherever_it_stands(payloads, context):
    for payload in payloads:
        fragment = markdown(CONTEXTS[context].format(payload))
        assert_narrow(fragment)
        assert not DANGEROUS_TEX.search(outside_code(fragment)), fragment


def outside_code(fragment):
    """The text that MathJax looks at: what is not code, cut where elements begin and end."""
    without = re.sub(r"<(code|pre)>.*?</\1>", "", fragment, flags=re.DOTALL)
    return re.sub(r"<[^>]*>", "\n", without)


def test_hostile_text_that_comes_character_by_character_is_narrow_at_every_moment(payloads, screen, hand_clock):
    for payload in payloads:
        if len(payload) > 500:
            continue
        live = LiveAnswer(screen, hand_clock)
        for character in payload:
            hand_clock.move(10)
            live.text(character)
    for _, bundle, _ in screen.messages:
        assert_narrow(re.sub(r"<style>.*?</style>|</?section[^>]*>", "", bundle["text/html"], flags=re.DOTALL))


def test_cleaning_twice_changes_nothing(payloads):
    for payload in payloads:
        once = markdown(payload)
        assert clean(once) == once


@given(st.text(alphabet="<>&\"'=/ abimgsrcxonejvt:()[]!`*_|\\$\n\x00-#"))
def test_any_text_becomes_narrow_html(source):
    fragment = markdown(source)
    assert_narrow(fragment)
    assert clean(fragment) == fragment


@given(st.text())
def test_any_words_are_escaped(words):
    assert "<" not in re.sub(r"</?span>", "", text(words))


def test_a_document_is_what_its_markdown_is(payloads):
    for source in (
        "\n\n".join(["A paragraph of *some* length." * 9, "```\nx\n\ny\n```", "- a\n\n- b"] * 20),
        *payloads,
    ):
        assert "".join(document(source).split()) == "".join(markdown(source).split())


def test_references_reach_across_a_whole_document():
    source = (
        "A [link][1]. "
        + "Many words follow. " * 60
        + "\n\n"
        + "And more of them. " * 60
        + "\n\n[1]: https://ok.example/"
    )
    assert 'href="https://ok.example/"' in document(source)


def test_images_become_words_that_name_the_host():
    assert "[image: a cat (cats.example)]" in markdown("![a cat](https://cats.example/x.png?q=secret)")
    assert "secret" not in markdown("![a cat](https://cats.example/x.png?q=secret)")
    assert "[image: x (data:)]" in markdown("![x](data:image/png;base64,AAAA)")


def test_links_show_the_host_they_lead_to():
    assert "(evil.example)" in markdown("[good.example](https://evil.example/a)")
    assert "(xn--80ak6aa92e.com)" in markdown("[apple.com](https://\u0430\u0440\u0440\u04cf\u0435.com)")
    assert "gm-place" not in markdown("[ok.example/page](https://ok.example/page)")
    assert "gm-place" not in markdown("<https://ok.example/page>")


@pytest.mark.parametrize(
    "target", ["/api/contents", "other.ipynb", "#top", "//evil.example", "attachment:x", "https://good@evil.example/"]
)
def test_links_that_are_no_whole_web_address_lead_nowhere(target):
    fragment = markdown(f"[words]({target})")
    assert "<a" not in fragment
    assert "words" in fragment
    assert "link removed" in fragment


def test_a_mail_link_keeps_the_recipient_alone():
    assert 'href="mailto:a@b.example"' in markdown("[m](mailto:a@b.example?body=secret)")


def test_formulas_stay_for_the_front_end_and_prices_stay_prices():
    assert "$x^2$" in markdown("so $x^2$ it is")
    assert "$$\nx &lt; y\n$$" in markdown("$$\nx < y\n$$")
    assert "$a_1$" in markdown(r"so \(a_1\) it is")
    assert "$$b$$" in markdown(r"so \[b\] it is")
    assert "$5 and" not in markdown("from $5 and up to $10")


@pytest.mark.parametrize(
    "source",
    [
        r"$\href{javascript:run()}{x}$",
        r"$$\style{x}{y}$$",
        r"\(\unicode{65}\)",
        "$$\n\\require{html}\n$$",
        r"$\\\href{a}{b}$",
    ],
)
def test_dangerous_commands_are_shown_by_name(source):
    fragment = markdown(source)
    assert not DANGEROUS_TEX.search(fragment)
    assert r"\mathtt{" in fragment


def test_a_line_break_in_a_formula_is_no_command():
    assert r"a \\href" in markdown(r"$a \\href$")


def test_labels_are_left_out_so_that_a_formula_can_be_typeset_again():
    assert "label" not in markdown("$$\nx \\label{eq:one} = 1\n$$")


@pytest.mark.parametrize(
    "source", [r"\\(\href{x}{y}\\)", r"\\begin{align}x\\end{align}", "&#36;x&#36;", r"[\\](javascript:1)(x"]
)
def test_no_formula_begins_in_ordinary_text(source):
    words = re.sub(r"<span>[$\\]</span>", "", markdown(source))
    assert not re.search(r"[$]|\\", words.replace("[\\]", ""))


def test_code_is_coloured_and_complete():
    fragment = code("def f(x):\n    return 'a<b'  # why\n", "python")
    assert '<span class="k">def' in fragment
    assert re.sub(r"<[^>]*>", "", fragment).replace("&#x27;", "'").replace("&lt;", "<") == (
        "def f(x):\n    return 'a<b'  # why\n"
    )


@pytest.mark.parametrize("language", ["", "no-such-language", "../../etc", "python\nx", "<b>"])
def test_code_in_an_unknown_language_is_plain(language):
    assert code("a < b", language) == '<div class="highlight"><pre>a &lt; b</pre></div>'


def test_tables_keep_their_alignment():
    fragment = markdown("| a | b |\n|--:|:-:|\n| 1 | 2 |")
    assert '<td class="gm-right">1</td>' in fragment
    assert '<td class="gm-center">2</td>' in fragment


def test_elements_escape_what_is_not_safe():
    assert element("p", "<b>", Safe("<em>x</em>")) == "<p>&lt;b&gt;<em>x</em></p>"
    assert element("p", label='"><script>') == '<p aria-label="&quot;&gt;&lt;script&gt;"></p>'
    assert join("a & b", Safe("&amp;")) == "a &amp; b&amp;"


def test_elements_are_of_known_tags_and_attributes():
    with pytest.raises(ValueError, match="script"):
        element("script")
    with pytest.raises(ValueError, match="onclick"):
        element("p", onclick="run()")


def test_a_link_of_ours_obeys_the_same_rules():
    assert "<a" not in link("x", "javascript:run()")
    assert 'href="https://ok.example/?a&amp;b"' in link("x", "https://ok.example/?a&b")


def test_the_style_sheet_is_small_and_fetches_nothing():
    assert len(style()) < 5_200
    assert "url(" not in style()
    assert "@import" not in style()


def test_a_text_of_monstrous_length_is_shown_as_text():
    assert markdown("[" * 500_001).startswith("<pre>")


@pytest.mark.parametrize(
    "unit", ["[", "![", "*a **b ", "`", "$a ", "$$a\n\n", "\\(", "> ", "<a@b", "[a](<b", "&amp;", "| a ", "- ", "~~x"]
)
def test_repetition_does_not_explode(unit):
    assert len(markdown(unit * 2_000)) < 600_000


@pytest.mark.parametrize("entity", ["&#x202e;", "&#8238;", "&#x200b;", "&#x2066;", "&#xfeff;"])
def test_hidden_characters_are_not_let_in_as_entities(entity):
    shown = html.unescape(str(markdown(f"safe {entity}txt.exe")))
    assert html.unescape(entity) not in shown
