"""The HTML of our own outputs, read back as text for a terminal.

While an answer arrives, a notebook gets HTML alone. What is written here looks like its Markdown, and text that grows
in the one grows in the other; headings have no mark, because for a moment every list begins like one.
"""

from __future__ import annotations

from html.parser import HTMLParser

_BLOCKS = frozenset(
    {"blockquote", "div", "figure", "h1", "h2", "h3", "h4", "h5", "h6", "ol", "p", "pre", "table", "ul"}
)
_MARKS = {"b": "**", "strong": "**", "em": "*", "s": "~~"}
_SKIPPED = frozenset({"style", "summary", "caption"})
_SKIPPED_CLASSES = frozenset({"gm-footer", "gm-note", "gm-place"})
_INDENT = "    "


def words(html: str) -> str:
    """The text of an answer's HTML: code indented, lists and tables with their marks, no notes and no footer."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.text.strip("\n")


def rest_of(text: str, written: str) -> str | None:
    """What of a text is still to be written, white space apart; None when something else was written."""
    place = 0
    for character in "".join(written.split()):
        while place < len(text) and text[place].isspace():
            place += 1
        if place == len(text) or text[place] != character:
            return None
        place += 1
    return text[place:]


def settled(text: str) -> str:
    """A text that grows, without the end that may yet be read in another way: a word, or a row of a table."""
    text = text.rstrip()
    begin = text.rfind("\n") + 1
    if text[begin:].lstrip().startswith("|"):
        return text[:begin].rstrip()
    end = max(text.rfind(" "), text.rfind("\n"))
    return text[:end].rstrip() if end > 0 else ""


class _Reader(HTMLParser):
    """Collects the text of elements in the order they come."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""
        self._open: list[tuple[str, str]] = []
        self._skipped = 0
        self._lists: list[int | None] = []
        self._code = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in {"br", "hr"}:
            self._put("\n" if tag == "br" else "\n\n---")
            return
        if self._skipped or tag in _SKIPPED or _SKIPPED_CLASSES.intersection(given.get("class", "").split()):
            self._skipped += 1
        self._open.append((tag, f"]({given['href']})" if "href" in given else ""))
        self._begin(tag, given)

    def _begin(self, tag: str, given: dict[str, str]) -> None:
        if tag in _BLOCKS:
            self._new_block(tag)
        if tag in {"ol", "ul"}:
            self._lists.append(int(given.get("start") or 1) if tag == "ol" else None)
        elif tag == "pre":
            self._code += 1
            self._put(_INDENT)
        elif tag in {"li", "tr"}:
            self._new_line()
            self._put(self._bullet() if tag == "li" else "")
        elif tag in {"td", "th"}:
            self._put(" | " if self.text and not self.text.endswith("\n") else "| ")
        else:
            self._put(_MARKS.get(tag, "") or {"a": "[", "code": "`"}.get(tag, ""))

    def handle_endtag(self, tag: str) -> None:
        if not any(opened == tag for opened, _ in self._open):
            return
        opened, ending = self._open.pop()
        while opened != tag:
            opened, ending = self._open.pop()
        self._end(tag, ending)
        self._skipped = max(self._skipped - 1, 0)

    def _end(self, tag: str, ending: str) -> None:
        if tag == "pre":
            self._code -= 1
        elif tag in {"ol", "ul"}:
            self._lists.pop()
        elif tag == "tr":
            self._put(" |")
        self._put(ending or _MARKS.get(tag, "") or ("`" if tag == "code" else ""))

    def handle_data(self, data: str) -> None:
        if self._code:
            self._put(data.replace("\n", f"\n{_INDENT}"))
        elif data.strip() or not self.text.endswith(("\n", " ")):
            self._put(data if data.strip() else " " if "\n" not in data else "")

    def _put(self, text: str) -> None:
        if not self._skipped:
            self.text += text

    def _bullet(self) -> str:
        indent = "  " * (len(self._lists) - 1)
        number = self._lists[-1] if self._lists else None
        if number is None:
            return f"{indent}- "
        self._lists[-1] = number + 1
        return f"{indent}{number}. "

    def _new_block(self, tag: str) -> None:
        """Leave an empty line before a block, but none between a bullet and its text or inside a list."""
        if self._skipped or self.text.endswith(("- ", ". ")) or not self.text:
            return
        gap = "\n" if tag in {"ol", "ul"} and self._lists else "\n\n"
        self.text = self.text.rstrip("\n ") + gap

    def _new_line(self) -> None:
        if self.text and not self._skipped:
            self.text = self.text.rstrip("\n ") + ("\n\n" if self.text.endswith("\n\n") else "\n")
