"""What an extraction may be told beside its data, schema and prompt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

from gemini_magic.exceptions import UsageError
from gemini_magic.settings import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal
    from os import PathLike

    from gemini_magic.client import Client
    from gemini_magic.extract.locks import Locks
    from gemini_magic.extract.usage import Progress
    from gemini_magic.ledger import Budget
    from gemini_magic.parts import Pictures

#: The engine of this machine.
ASYNCIO = "asyncio"


class Options(TypedDict, total=False):
    """The options of `extract`; those that are not given have the values of ``DEFAULTS``."""

    columns: Sequence[str] | str | None
    """The columns of the data to use; all that the prompt names by default."""
    system: str | None
    """The system instruction."""
    model: str | None
    """The model; the profile's own by default."""
    profile: str | None
    """The profile, as for `connect`."""
    client: Client | None
    """A client in place of a profile."""
    config: Mapping[str, Any] | None
    """Generation config, such as ``{"temperature": 0}``."""
    extra: Mapping[str, Any] | None
    """Raw fields of the request."""
    details: bool
    """Add ``_status``, ``_error``, ``_attempts``, ``_tokens`` and ``_seconds``."""
    store: str | PathLike[str] | None
    """The file with the answers; by default one for this job in the user's folder for data."""
    resume: bool
    """Take the answers that are there."""
    workers: int
    """Requests at a time, at most."""
    rpm: float | None
    """Requests a minute, at most."""
    tpm: float | None
    """Tokens a minute, at most."""
    budget: Budget | float | str | Decimal | None
    """What this run may spend: tokens as a number, or a text such as ``"50k"`` or ``"$2.50"``."""
    limit: int | None
    """How many rows are asked at most; the others stay null."""
    where: object
    """Which rows are asked: a mask of the same length, or a function of a row's dict."""
    estimate: bool
    """Ask five rows only, and return an `Estimate` of what the others will take."""
    pack: int
    """How many rows go into one request; each has to come back under its own number."""
    locks: Locks | object
    """A frame of an earlier run that a person has corrected, or its ``run.locks``: those cells stay, and show the
    model what is wanted. See `Locks` for what that means for rows that are answered already."""
    flatten: bool
    """Make columns of the fields of nested objects."""
    explode: bool | str
    """Make a row of each item: True for a schema that is a list, or the name of a column with lists."""
    engine: object
    """``"asyncio"``, or a Dask client."""
    ship_key: bool | None
    """Whether the key is sent to the workers of Dask; by default only to a ``LocalCluster`` of this process, and others
    have their own in their environment, keyring or config file."""
    progress: Progress | None
    """Is told how far it is; see `Progress`."""
    pictures: Pictures | None
    """What is asked for pictures."""
    max_attempts: int
    """Requests for one row, retries and repairs included; rounds of calls are not counted."""
    tools: object
    """What the model may call for each row: Python functions, also async ones, `gm.tool`, ``gm.tools.frame(df)``, and
    tools of the server as they stand on the wire, such as ``{"googleSearch": {}}``. In a batch nobody can be asked, so
    each function has to be ``read_only``, or needs ``approve="always"``. They run in threads of their own, those of
    several rows at a time; with a cluster of Dask on its workers, to which they have to get by pickle. Answers that are
    there already are taken whatever the functions would give now; ``resume=False`` asks anew."""
    approve: str | None
    """``"always"`` lets every function run, ``"never"`` none; by default those marked ``read_only``."""
    max_steps: int | None
    """How often the model may ask for calls for one row; 8 by default."""
    tool_mode: str | Sequence[str] | None
    """``"auto"``, ``"any"`` or ``"none"``, or the functions from which the model has to choose at first."""


DEFAULTS: Options = {
    "columns": None,
    "system": None,
    "model": None,
    "profile": None,
    "client": None,
    "config": None,
    "extra": None,
    "details": False,
    "store": None,
    "resume": True,
    "workers": 16,
    "rpm": None,
    "tpm": None,
    "budget": None,
    "limit": None,
    "where": None,
    "estimate": False,
    "pack": 1,
    "locks": None,
    "flatten": False,
    "explode": False,
    "engine": ASYNCIO,
    "ship_key": None,
    "progress": None,
    "pictures": None,
    "max_attempts": 6,
    "tools": None,
    "approve": None,
    "max_steps": None,
    "tool_mode": None,
}


def complete(options: Options) -> Options:
    """The options with the defaults of those that were not given.

    Raises:
        UsageError: There is no option of that name.
    """
    for name in options:
        if name not in DEFAULTS:
            near = did_you_mean(name, DEFAULTS) or f"There are: {', '.join(DEFAULTS)}."
            raise UsageError(f"There is no option {name!r} of an extraction.", hint=near)
    return {**DEFAULTS, **options}
