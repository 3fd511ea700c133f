"""A schema and a prompt for every row: a typed frame on the same index."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from gemini_magic._optional import require
from gemini_magic.connect import connect
from gemini_magic.exceptions import InputError, UsageError
from gemini_magic.extract.accessor import register_accessors
from gemini_magic.extract.extraction import Extraction, locks_of
from gemini_magic.extract.job import Job
from gemini_magic.extract.packing import MAX_PACK, Packing
from gemini_magic.extract.prompts import Template, check_columns_named
from gemini_magic.extract.purse import Purse, budget_of
from gemini_magic.extract.results import View, check_view
from gemini_magic.extract.rows import Guard
from gemini_magic.extract.schemas import schema_of
from gemini_magic.extract.usage import NoProgress
from gemini_magic.frames import is_null, read_rows
from gemini_magic.parts import Pictures
from gemini_magic.settings import known_keys

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal
    from os import PathLike

    from gemini_magic.client import Client
    from gemini_magic.extract.engines import Engine
    from gemini_magic.extract.locks import Locks
    from gemini_magic.extract.run import Run
    from gemini_magic.extract.usage import Progress
    from gemini_magic.frames import Source
    from gemini_magic.ledger import Budget

    Selected = Callable[[int, Mapping[str, Any]], bool]

_ASYNCIO = "asyncio"


def extract(
    data: object,
    schema: object,
    prompt: str = "",
    *,
    columns: Sequence[str] | str | None = None,
    system: str | None = None,
    model: str | None = None,
    profile: str | None = None,
    client: Client | None = None,
    config: Mapping[str, Any] | None = None,
    extra: Mapping[str, Any] | None = None,
    details: bool = False,
    store: str | PathLike[str] | None = None,
    resume: bool = True,
    workers: int = 16,
    rpm: float | None = None,
    tpm: float | None = None,
    budget: Budget | float | str | Decimal | None = None,
    limit: int | None = None,
    where: object = None,
    estimate: bool = False,
    pack: int = 1,
    locks: Locks | object = None,
    flatten: bool = False,
    explode: bool | str = False,
    engine: object = _ASYNCIO,
    progress: Progress | None = None,
    pictures: Pictures | None = None,
    max_attempts: int = 6,
) -> Any:  # noqa: ANN401 - a frame of the library that the data came from
    """Ask the same of every row, and give the answers back as columns on the same index.

    Rows without a value are not sent, and rows that say the same are sent once. Every answer is in a file before it
    counts: after an interrupt, a crash or a restart the same call goes on where it was. `run_of` of the frame tells
    what failed, what it took, and asks again.

    Args:
        data: A frame or series of pandas, polars, pyarrow or dask, a list, a dict of lists, or an iterator.
        schema: What an answer has to be; see `schema_of`: a pydantic model, dataclass, TypedDict, ``Literal``, JSON
            Schema, or a text such as ``"city, temp float"``.
        prompt: The prompt, with ``{{name}}`` where the value of a column goes; without one, the row follows it.
        columns: The columns of the data to use; all that the prompt names by default.
        system: The system instruction.
        model: The model; the profile's own by default.
        profile: The profile, as for `connect`.
        client: A client in place of a profile.
        config: Generation config, such as ``{"temperature": 0}``.
        extra: Raw fields of the request.
        details: Add ``_status``, ``_error``, ``_attempts``, ``_tokens`` and ``_seconds``.
        store: The file with the answers; by default one for this job in the user's folder for data.
        resume: Take the answers that are there.
        workers: Requests at a time, at most.
        rpm: Requests a minute, at most.
        tpm: Tokens a minute, at most.
        budget: What this run may spend: tokens as a number, or a text such as ``"50k"`` or ``"$2.50"``.
        limit: How many rows are asked at most; the others stay null.
        where: Which rows are asked: a mask of the same length, or a function of a row's dict.
        estimate: Ask five rows only, and return an `Estimate` of what the others will take.
        pack: How many rows go into one request; each has to come back under its own number.
        locks: A frame of an earlier run that a person has corrected, or its ``run.locks``: those cells stay, and show
            the model what is wanted. See `Locks` for what that means for rows that are answered already.
        flatten: Make columns of the fields of nested objects.
        explode: Make a row of each item: True for a schema that is a list, or the name of a column with lists.
        engine: ``"asyncio"``, or a Dask client.
        progress: Is told how far it is; see `Progress`.
        pictures: What is asked for pictures.
        max_attempts: Requests for one row, retries and repairs included.

    Returns:
        A frame of the library that the data came from (a list for lists), with its index and order;
        or an `Estimate`.

    Raises:
        InputError: The schema, the prompt, a column or the data cannot be used; nothing was sent.
        ConfigError: There is no such profile, or no key; nothing was sent.
        UsageError: An option cannot be used; nothing was sent.
        BudgetExceeded: The budget is used up; ``.partial`` is the frame as far as it came.
        ApiError, TransportError: Nothing more can be had now, such as after 20 failures in a row; likewise.
        StoreError: Answers cannot be kept, or belong to another job; likewise.
        Interrupted: The user has stopped it; likewise. It is a `KeyboardInterrupt`.
    """
    options = {name: value for name, value in locals().items() if name not in {"data", "schema", "prompt"}}
    if _library(data) == "dask":
        data, options["engine"] = _opened(data, engine)
    extraction = prepare(data, schema, prompt, **options)
    if estimate:
        from gemini_magic.extract.estimate import estimate as estimated  # noqa: PLC0415 - rarely

        return estimated(extraction, workers=workers, rpm=rpm, tpm=tpm)
    return extraction.run().frame


def prepare(
    data: object,
    schema: object,
    prompt: str = "",
    *,
    columns: Sequence[str] | str | None = None,
    system: str | None = None,
    model: str | None = None,
    profile: str | None = None,
    client: Client | None = None,
    config: Mapping[str, Any] | None = None,
    extra: Mapping[str, Any] | None = None,
    details: bool = False,
    store: str | PathLike[str] | None = None,
    resume: bool = True,
    workers: int = 16,
    rpm: float | None = None,
    tpm: float | None = None,
    budget: Budget | float | str | Decimal | None = None,
    limit: int | None = None,
    where: object = None,
    estimate: bool = False,
    pack: int = 1,
    locks: Locks | object = None,
    flatten: bool = False,
    explode: bool | str = False,
    engine: object = _ASYNCIO,
    progress: Progress | None = None,
    pictures: Pictures | None = None,
    max_attempts: int = 6,
) -> Extraction:
    """As `extract`, checked but not begun; nothing is sent. Arguments and errors are those of `extract`."""
    del estimate
    _check_numbers(limit=limit, pack=pack)
    wanted = schema_of(schema)
    source, template = _read(data, prompt, columns)
    view = View(details, flatten, explode)
    check_view(source, wanted, view)
    sender = _sender(client, profile, model)
    job = Job(
        schema=wanted,
        prompt=prompt,
        model=model or sender.model,
        system=system,
        config=config or {},
        extra=extra or {},
        origin=sender.profile.origin,
        pictures=pictures or Pictures(),
        pack=pack,
    )
    _check_job(job)
    limits = {"workers": workers, "rpm": rpm, "tpm": tpm, "max_attempts": max_attempts}
    maker = partial(_engine, engine, sender, limits)
    maker(None)  # which checks its limits
    allowed = budget_of(budget)
    Purse(job.model, sender.profile.prices, allowed)
    return Extraction(
        source=source,
        job=job,
        template=template,
        engine=maker,
        view=view,
        store=store,
        resume=resume,
        selected=_selected(where, source),
        limit=limit,
        pack=pack,
        locks=locks_of(locks),
        guard=Guard(known_keys()),
        budget=allowed,
        prices=sender.profile.prices,
        progress=progress or NoProgress(),
    )


def run(data: object, schema: object, prompt: str = "", **options: Any) -> Run:  # noqa: ANN401 - those of `extract`
    """As `extract`, giving back the run in place of its frame."""
    return prepare(data, schema, prompt, **options).run()


def _read(data: object, prompt: str, columns: Sequence[str] | str | None) -> tuple[Source, Template]:
    """The rows with the columns that are used, and the prompt."""
    register_accessors()
    source = read_rows(_computed(data))
    if columns is not None:
        names = [columns] if isinstance(columns, str) else list(columns)
        check_columns_named(names, source.names, "columns=")
        source = source.select(names)
    if not isinstance(prompt, str):
        raise InputError(f"A prompt is a text, not of the type {type(prompt).__name__}.")
    template = Template.of(prompt, source.names)
    return source, template


def _check_numbers(*, limit: int | None, pack: int) -> None:
    if limit is not None and (type(limit) is not int or limit < 0):
        raise UsageError(f"limit must be a whole number, 0 or more; it is {limit!r}.")
    if type(pack) is not int or not 1 <= pack <= MAX_PACK:
        raise UsageError(f"pack must be a whole number from 1 to {MAX_PACK}; it is {pack!r}.")


def _check_job(job: Job) -> None:
    """Find out now what would otherwise end the first request.

    Raises:
        InputError: A field of the generation config is none, or rows of this schema cannot be packed.
    """
    if job.digest and job.pack > 1:  # a digest is of the whole request, so it looks at every field
        Packing(job, job.pack)


def _sender(client: Client | None, profile: str | None, model: str | None) -> Client:
    if client is None:
        return connect(profile, model=model)
    if profile is not None:
        raise UsageError("client= and profile= exclude each other; a client has its profile.")
    return client.with_options(model=model) if model else client


def _engine(engine: object, client: Client, limits: Mapping[str, Any], budget: Budget | None) -> Engine:
    """What carries the requests.

    Raises:
        UsageError: There is no such engine.
        ConfigError: One of its limits cannot be used.
    """
    if engine == _ASYNCIO:
        from gemini_magic.extract.engines import AsyncioEngine  # noqa: PLC0415 - asyncio is large

        return AsyncioEngine(client, **limits, budget=budget)
    if _library(engine) == "distributed":
        require("distributed", extra="dask", why="ask from a cluster")
        from gemini_magic.extract.engines._dask import DaskEngine  # noqa: PLC0415 - needs the extra

        cluster: Any = engine
        return DaskEngine(cluster, client, **limits, budget=budget)
    if callable(getattr(engine, "run", None)):
        return engine  # type: ignore[return-value]  # of somebody's own
    raise UsageError(f"engine={engine!r} is none.", hint="It is 'asyncio', or a client of Dask: engine=Client(…).")


def _opened(data: object, engine: object) -> tuple[object, object]:
    """A frame of Dask as rows that are read partition by partition, and the cluster that asks for them."""
    require("distributed", extra="dask", why="read rows of Dask")
    from gemini_magic.extract.engines._dask import opened  # noqa: PLC0415 - needs the extra

    return opened(data, engine)


def _computed(data: Any) -> Any:  # noqa: ANN401 - whatever holds rows
    """A frame or series of dask as one of pandas: its rows come here, and go out again as requests."""
    return data.compute() if _library(data) == "dask" else data


def _library(value: object) -> str:
    return type(value).__module__.partition(".")[0]


def _selected(where: object, source: Source) -> Selected | None:
    """Which rows are asked.

    Raises:
        InputError: It is neither a mask of as many rows nor a function.
    """
    if where is None:
        return None
    if isinstance(where, str):
        raise InputError("where= is no text.", hint="Give a mask, where=df.lang == 'de', or a function of a row.")
    if callable(where):
        return partial(_chosen, where)
    if not isinstance(where, Iterable):
        raise InputError(f"where= is a mask or a function, not of the type {type(where).__name__}.")
    mask = [next(iter(row.values())) for row in read_rows(_computed(where)).rows()]
    if source.length is not None and len(mask) != source.length:
        raise InputError(f"The mask where= has {len(mask):,} values, and the data has {source.length:,} rows.")
    wrong = next((value for value in mask if not is_null(value) and not _is_bool(value)), None)
    if wrong is not None:
        raise InputError(f"The mask where= has the value {wrong!r}, which is neither True nor False.")
    chosen = [not is_null(value) and bool(value) for value in mask]
    return lambda position, _: position < len(chosen) and chosen[position]


def _is_bool(value: object) -> bool:
    return isinstance(value, bool) or type(value).__name__ in {"bool", "bool_"}


def _chosen(where: Callable[[dict[str, Any]], object], position: int, values: Mapping[str, Any]) -> bool:
    try:
        return bool(where(dict(values)))
    except Exception as error:
        raise InputError(f"where= failed at row {position:,}: {type(error).__name__}: {error}.") from error
