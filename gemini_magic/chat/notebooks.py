"""Which notebook runs here, as far as its front end says so."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

_SESSION = "JPY_SESSION_NAME"
_VS_CODE = "__vsc_ipynb_file__"
#: What stands for the notebook where nobody says which it is.
NAMELESS = "no notebook"


def notebook_path(shell: Any) -> Path | None:  # noqa: ANN401 - IPython's shells differ
    """The file of the notebook that runs here, or None where the front end does not say, as in Colab."""
    told = (getattr(shell, "user_ns", {}).get(_VS_CODE), os.environ.get(_SESSION))
    paths = (Path(name) for name in told if isinstance(name, str) and name.endswith(".ipynb") and "\0" not in name)
    return next(paths, None)


def notebook_name(shell: Any) -> str:  # noqa: ANN401 - IPython's shells differ
    """What autosave calls the notebook."""
    path = notebook_path(shell)
    return NAMELESS if path is None else str(path.absolute())
