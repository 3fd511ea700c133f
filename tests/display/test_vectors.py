"""The vectors that the front end of the chat widget is held to as well, from the Python side.

`python tests/display/test_vectors.py` records the blocks again, from the texts that stand in the file.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import html5lib
import pytest

from gemini_magic.display.blocks import BlockSplitter
from gemini_magic.display.sanitize import document, markdown

VECTORS = Path(__file__).parent.parent / "data" / "vectors"
BLOCKS = json.loads((VECTORS / "blocks.json").read_text(encoding="utf-8"))
SANITIZE = json.loads((VECTORS / "sanitize.json").read_text(encoding="utf-8"))
FUZZ = BLOCKS["fuzz"]
LARGE = 2**32


def cuts_of(text, *, smallest, growth, size=40):
    """Where the blocks of a text end, in characters."""
    splitter = BlockSplitter(smallest=smallest, growth=growth)
    blocks = [block for begin in range(0, len(text), size) for block in splitter.feed(text[begin : begin + size])]
    assert "".join([*blocks, splitter.tail]) == text
    return [sum(map(len, blocks[: number + 1])) for number in range(len(blocks))]


def random_texts(fuzz):
    """The same texts in Python and in JavaScript: a generator that both can write in a line."""
    state = fuzz["seed"]
    for _ in fuzz["cuts"]:
        state = (state * 1_664_525 + 1_013_904_223) % LARGE
        text = ""
        for _ in range(state % fuzz["longest"] + 1):
            state = (state * 1_664_525 + 1_013_904_223) % LARGE
            text += fuzz["pieces"][(state >> 8) % len(fuzz["pieces"])]
        yield text


@pytest.mark.parametrize("size", [1, 7, 40])
@pytest.mark.parametrize("vector", BLOCKS["named"], ids=lambda vector: vector["name"])
def test_the_splitter_cuts_where_the_vectors_say(vector, size):
    options = {"smallest": vector["smallest"], "growth": vector["growth"]}
    assert cuts_of(vector["text"], size=size, **options) == vector["cuts"]


def test_the_splitter_cuts_random_texts_where_the_vectors_say():
    for text, cuts in zip(random_texts(FUZZ), FUZZ["cuts"], strict=True):
        assert cuts_of(text, smallest=FUZZ["smallest"], growth=FUZZ["growth"]) == cuts, text


def test_the_vectors_reach_all_that_a_splitter_decides():
    assert len(BLOCKS["named"]) >= 40
    assert sum(map(bool, FUZZ["cuts"])) > len(FUZZ["cuts"]) / 3


def nodes_of(fragment):
    tree = html5lib.parseFragment(fragment, namespaceHTMLElements=False)
    return [node for node in tree.iter() if node.tag != "DOCUMENT_FRAGMENT"], "".join(tree.itertext())


@pytest.mark.parametrize("render", [markdown, document], ids=["markdown", "document"])
@pytest.mark.parametrize("vector", SANITIZE, ids=lambda vector: vector["name"])
def test_markdown_becomes_what_the_vectors_say(vector, render):
    nodes, text = nodes_of(render(vector["markdown"]))
    for words in vector.get("text", []):
        assert words in " ".join(text.split())
    for words in vector.get("no_text", []):
        assert words not in " ".join(text.split())
    for tag, count in vector.get("tags", {}).items():
        assert len([node for node in nodes if node.tag == tag]) == count, tag
    links = [node.attrib["href"] for node in nodes if node.tag == "a"]
    assert links == vector.get("links", [])
    if "code" in vector:
        assert [without_end("".join(node.itertext())) for node in nodes if node.tag == "pre"] == vector["code"]
    if "maths" in vector:
        assert re.findall(r"\${1,2}[^$]+\${1,2}", "\n".join(formulas_of(nodes))) == vector["maths"]


def without_end(code):
    return code.removesuffix("\n")


def formulas_of(nodes):
    """The formulas, which stand alone in elements of their own; so do single signs that are none."""
    return [text for node in nodes if node.tag in {"span", "div"} and len(text := node.text or "") > 1 and "$" in text]


def record():
    """Write down where the blocks end now."""
    for vector in BLOCKS["named"]:
        vector["cuts"] = cuts_of(vector["text"], smallest=vector["smallest"], growth=vector["growth"])
    texts = random_texts(FUZZ)
    FUZZ["cuts"] = [cuts_of(text, smallest=FUZZ["smallest"], growth=FUZZ["growth"]) for text in texts]
    named = ",\n".join(json.dumps(vector, ensure_ascii=True) for vector in BLOCKS["named"])
    fuzz = json.dumps(FUZZ, ensure_ascii=True, separators=(",", ":"))
    (VECTORS / "blocks.json").write_text(f'{{"named": [\n{named}\n],\n"fuzz": {fuzz}\n}}\n', encoding="utf-8")


if __name__ == "__main__":
    record()
