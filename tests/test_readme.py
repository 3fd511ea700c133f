from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import nbformat
import pytest
from nbclient import NotebookClient

from gemini_magic.cli import main
from gemini_magic.local.server import LocalServer
from gemini_magic.magics.arguments import BY_FLAG
from gemini_magic.magics.vocabulary import SUBCOMMANDS
from gemini_magic.settings import PROFILES, load_config

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
ENGLISH, _, CHINESE = README.partition("\n## 中文\n")
ECHO = 'profile = "local"\n\n[profiles.local]\nmodel = "echo"\n'


class Block(NamedTuple):
    language: str
    text: str


def blocks(text: str) -> list[Block]:
    return [Block(*found) for found in re.findall(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)]


def commands(text: str) -> list[list[str]]:
    """Every command of shell blocks and of inline code, in words, without what other programs are told."""
    lines = [line for block in blocks(text) if block.language == "sh" for line in block.text.splitlines()]
    lines += re.findall(r"`((?:make|gemini-magic) [^`]*)`", text)
    found = [part for line in lines for part in line.partition("#")[0].split("&&")]
    return [shlex.split(part) for part in found if part.strip()]


def test_readme_is_short_and_the_first_cell_comes_early() -> None:
    lines = README.splitlines()
    assert len(ENGLISH.splitlines()) <= 160
    assert len(lines) <= 190
    assert lines.index("```ipython") < 30
    assert max(map(len, ENGLISH.splitlines())) <= 132


def test_the_blocks_of_the_second_language_are_of_the_first() -> None:
    assert set(blocks(CHINESE)) <= {*blocks(ENGLISH), *_lines_of_shell(ENGLISH)}
    assert {block.language for block in blocks(README)} == {"ipython", "python", "sh", "toml"}
    assert README.count("\n```") == 2 * len(blocks(README))


def _lines_of_shell(text: str) -> list[Block]:
    return [
        Block("sh", f"{line}\n") for block in blocks(text) if block.language == "sh" for line in block.text.splitlines()
    ]


def spoken_of(text: str) -> set[str]:
    """The options, subcommands and functions that the prose names."""
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    spans = re.findall(r"`([^`]+)`", prose)
    options = {word for span in spans for word in re.findall(r"(?<!\S)--?[a-z][a-z-]*", span) if span.startswith("-")}
    return options | {" ".join(span.split()[:2]) for span in spans if span.startswith("%gemini ")}


def test_both_languages_speak_of_the_same_options_and_subcommands() -> None:
    assert spoken_of(CHINESE) == spoken_of(ENGLISH)
    named = {name.removeprefix("%gemini ") for name in spoken_of(ENGLISH)}
    assert named <= {*SUBCOMMANDS, *BY_FLAG}


def test_both_languages_name_the_same_commands() -> None:
    named = {" ".join(words[:2]) for words in commands(CHINESE)}
    only_english = {"make check", "make bench", "make frontend", "make lab", "gemini-magic demo"}
    assert named == {" ".join(words[:2]) for words in commands(ENGLISH)} - only_english


def test_every_make_target_of_the_readme_exists() -> None:
    rules = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert {words[1] for words in commands(README) if words[0] == "make"} <= rules


def test_every_command_of_the_readme_exists(capsys: pytest.CaptureFixture[str]) -> None:
    given = [words[1:] for words in commands(README) if words[0] == "gemini-magic"]
    assert {words[0] for words in given} == {"demo", "doctor", "local", "serve"}
    for words in given:
        with pytest.raises(SystemExit) as ended:
            main([*words, "--help"])
        assert ended.value.code == 0, words
    assert "usage: gemini-magic" in capsys.readouterr().out


def test_the_extras_of_the_readme_exist() -> None:
    declared = re.findall(r"^(\w+) = \[", (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    named = {name for extras in re.findall(r"\.\[([\w,]+)\]", README) for name in extras.split(",")}
    assert {"local", "pandas"} <= named <= set(declared)


def test_the_gateways_of_the_readme_are_the_profiles() -> None:
    rows = re.findall(r"^\| `(\w+)` \| `([^`]+)` \| (.*?) \| `([^`]+)` \|$", README, re.MULTILINE)
    listed = {name: (url, tuple(re.findall(r"`(\w+)`", keys)), model) for name, url, keys, model in rows}
    assert listed == {
        name: (profile.base_url, profile.key_variables, profile.default_model) for name, profile in PROFILES.items()
    }


def test_the_config_file_of_the_readme_is_understood(tmp_path: Path) -> None:
    text = next(block.text for block in blocks(ENGLISH) if block.language == "toml")
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")
    mine = load_config({"GEMINI_MAGIC_CONFIG": str(path)}).profiles["mine"]
    assert (mine.base_url, mine.key_variables) == ("https://gateway.example", ("MY_GATEWAY_KEY",))


@pytest.fixture
def echo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalServer]:
    """`echo` answers whoever asks nobody by name, and stands in for the gateway that the blocks do name."""
    config = tmp_path / "config.toml"
    config.write_text(ECHO, encoding="utf-8")
    monkeypatch.setenv("GEMINI_MAGIC_CONFIG", str(config))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    with LocalServer() as server:
        monkeypatch.setenv("UNIGATEWAY_API_KEY", server.token)
        yield server


@pytest.mark.kernel
def test_every_cell_of_the_readme_runs_on_echo(echo: LocalServer, tmp_path: Path) -> None:
    code = [block.text.rstrip() for block in blocks(ENGLISH) if block.language in {"ipython", "python"}]
    gateway = PROFILES["unigateway"]
    told = ((f'"{gateway.base_url}"', f'"{echo.base_url}"'), (f'"{gateway.default_model}"', '"echo"'))
    for named, instead in told:
        assert named in code[-1]
        code[-1] = code[-1].replace(named, instead)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in code])
    here = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, kernel_name="python3", timeout=60, resources=here).execute()
    first, *_ = [cell.outputs for cell in notebook.cells if cell.source.startswith("%%gemini")]
    assert "Which city is warmer than 20 degrees?" in first[-1]["data"]["text/plain"]
    assert "| Madrid | 31 |" in first[-1]["data"]["text/plain"]
    printed = "".join(output["text"] for output in notebook.cells[-1].outputs)
    assert "TextDelta" in printed
    assert printed.endswith("Name one colour.\n")
