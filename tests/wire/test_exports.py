from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys

from gemini_magic import wire

FORBIDDEN = ["IPython", "PIL", "dask", "httpx", "ipywidgets", "pandas", "polars", "starlette"]


def test_all_is_sorted_and_there():
    assert wire.__all__ == sorted(wire.__all__)
    assert all(hasattr(wire, name) for name in wire.__all__)


def test_all_names_every_model():
    modules = [
        importlib.import_module(f"gemini_magic.wire.{module.name}") for module in pkgutil.iter_modules(wire.__path__)
    ]
    defined = {
        name
        for module in modules
        for name, kind in vars(module).items()
        if isinstance(kind, type) and kind.__module__ == module.__name__ and not name.startswith("_")
    }
    assert defined == set(wire.__all__)


def test_a_first_answer_imports_no_request_models():
    code = (
        "import sys; from gemini_magic.wire import Content, GenerateContentResponse, Model;"
        "late = ['config', 'tools', 'request'];"
        "sys.exit(str([name for name in late if f'gemini_magic.wire.{name}' in sys.modules] or ''))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603
    assert done.stderr.strip() == ""


def test_the_wire_needs_pydantic_alone():
    code = f"import sys, gemini_magic.wire; sys.exit(str([name for name in {FORBIDDEN} if name in sys.modules] or ''))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603
    assert done.stderr.strip() == ""


def test_models_are_built_when_first_used():
    built = "wire.Part.__pydantic_complete__"
    code = f"from gemini_magic import wire; print({built}); wire.Part(); print({built})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout.split() == ["False", "True"]


FIRST_USE_IN_MANY_THREADS = """
import sys, threading
from gemini_magic import wire

sys.setswitchinterval(1e-5)
start = threading.Barrier(12)
failed = []

def use(number):
    start.wait()
    try:
        if number % 2:
            wire.GenerateContentResponse.model_validate_json('{"candidates":[{"content":{"parts":[{"text":"x"}]}}]}')
        else:
            wire.GenerateContentRequest(contents=[wire.Content.user("x")]).model_dump_json(exclude_unset=True)
    except Exception as error:
        failed.append(repr(error))

threads = [threading.Thread(target=use, args=(number,)) for number in range(12)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(failed)
"""


def test_the_first_use_may_happen_in_many_threads_at_once():
    command = [sys.executable, "-c", FIRST_USE_IN_MANY_THREADS]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout.strip() == "[]"
