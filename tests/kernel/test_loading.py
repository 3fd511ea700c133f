"""Loading the extension into a real kernel."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.kernel

HEAVY = ("httpx", "pydantic", "pandas", "PIL", "ipywidgets", "anywidget", "numpy", "markdown_it", "nh3", "narwhals")
STATE = """[
    {kind: sorted(table) for kind, table in get_ipython().magics_manager.magics.items()},
    sorted(get_ipython().magics_manager.registry),
    sorted(type(one).__name__ for one in get_ipython().configurables),
    [str(one) for one in get_ipython().input_transformer_manager.token_transformers],
    [str(one) for one in get_ipython().input_transformer_manager.cleanup_transforms],
    {name: len(functions) for name, functions in get_ipython().events.callbacks.items()},
    len(get_ipython().Completer.custom_matchers),
    [str(one) for one in get_ipython().display_formatter.mimebundle_formatter.type_printers],
    [str(one) for one in get_ipython().display_formatter.mimebundle_formatter.deferred_printers],
    str(get_ipython().custom_exceptions),
    [str(sys.excepthook), str(sys.displayhook)],
]"""


@pytest.fixture(scope="module")
def bare(new_kernel):
    """A kernel that has not loaded anything of ours."""
    return new_kernel()


def files_of(kernel):
    return {str(path) for path in kernel.folder.rglob("*") if path.is_file()}


def test_loading_shows_nothing_writes_nothing_and_brings_nothing_heavy(bare):
    bare.run("import sys\n%who")
    before = files_of(bare)
    cell = bare.run("%load_ext gemini_magic")
    assert cell.status == "ok"
    assert set(cell.kinds) == {"status", "execute_input"}
    assert files_of(bare) == before
    assert bare.value(f"[name for name in {HEAVY!r} if name in sys.modules]") == []


def test_unloading_leaves_ipython_as_it_was(bare):
    bare.run("import sys\n%unload_ext gemini_magic")
    before = bare.value(STATE)
    bare.run("%load_ext gemini_magic")
    assert bare.value(STATE) != before
    bare.run("%gemini -o reply why?\nreply")
    cell = bare.run("%unload_ext gemini_magic")
    assert set(cell.kinds) == {"status", "execute_input"}
    assert bare.value(STATE) == before


def test_a_reply_is_shown_as_an_answer_while_we_are_loaded(bare):
    bare.run("%load_ext gemini_magic\nreply = %gemini why?")
    (output,) = bare.run("reply").outputs
    assert output["data"]["text/plain"].startswith("Yes.")
    assert "text/html" in output["data"]
    bare.run("%unload_ext gemini_magic")
    (output,) = bare.run("reply").outputs
    assert "text/html" not in output["data"]


def test_help_is_shown_by_the_pager(bare):
    bare.run("%load_ext gemini_magic")
    cell = bare.run("%gemini?")
    (page,) = cell.reply["content"]["payload"]
    assert "--temperature" in page["data"]["text/plain"]
