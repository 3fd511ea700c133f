"""A schema and a prompt for every row: a typed frame on the same index."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Unpack

from gemini_magic._optional import require
from gemini_magic.connect import connect
from gemini_magic.exceptions import InputError, UsageError
from gemini_magic.extract.accessor import register_accessors
from gemini_magic.extract.extraction import Extraction, locks_of
from gemini_magic.extract.job import Job
from gemini_magic.extract.options import ASYNCIO, complete
from gemini_magic.extract.packing import MAX_PACK, Packing
from gemini_magic.extract.prompts import Template, check_columns_named
from gemini_magic.extract.purse import Purse, budget_of
from gemini_magic.extract.results import View, check_view
from gemini_magic.extract.rows import Guard
from gemini_magic.extract.tooling import tooling_of
from gemini_magic.extract.usage import NoProgress
from gemini_magic.frames import is_null, read_rows
from gemini_magic.parts import Pictures
from gemini_magic.schemas import schema_of
from gemini_magic.settings import known_keys

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gemini_magic.client import Client
    from gemini_magic.extract.engines import Engine
    from gemini_magic.extract.options import Options
    from gemini_magic.extract.run import Run
    from gemini_magic.frames import Source
    from gemini_magic.ledger import Budget
    from gemini_magic.schemas import Schema

    Selected = Callable[[int, Mapping[str, Any]], bool]


def extract(data: object, schema: object, prompt: str = "", **options: Unpack[Options]) -> Any:  # noqa: ANN401 - a frame
    """Ask the same of every row, and give the answers back as columns on the same index.

    Rows without a value are not sent, and rows that say the same are sent once. Every answer is in a file before it
    counts: after an interrupt, a crash or a restart the same call goes on where it was. `run_of` of the frame tells
    what failed, what it took, and asks again.

    Args:
        data: A frame or series of pandas, polars, pyarrow or dask, a list, a dict of lists, or an iterator.
        schema: What an answer has to be; see `schema_of`: a pydantic model, dataclass, TypedDict, ``Literal``, JSON
            Schema, or a text such as ``"city, temp float"``.
        prompt: The prompt, with ``{{name}}`` where the value of a column goes; without one, the row follows it.
        **options: ``columns``, ``where`` and ``limit`` choose rows; ``model``, ``system``, ``config``, ``extra``,
            ``profile``, ``client`` and ``pictures`` say how to ask; ``workers``, ``rpm``, ``tpm``, ``budget``,
            ``max_attempts``, ``pack`` and ``engine`` how fast and how much; ``tools``, ``approve``, ``max_steps`` and
            ``tool_mode`` what the model may call; ``store``, ``resume`` and ``locks`` what to keep; ``details``,
            ``flatten`` and ``explode`` what comes back; ``estimate`` and ``progress`` tell about it. See `Options`.

    Returns:
        A frame of the library that the data came from (a list for lists), with its index and order;
        or an `Estimate`.

    Raises:
        InputError: The schema, the prompt, a column, a tool or the data cannot be used, or a function would have to
            ask whether it may run; nothing was sent.
        ConfigError: There is no such profile, or no key; nothing was sent.
        UsageError: An option cannot be used, or there is none of its name; nothing was sent.
        BudgetExceeded: The budget is used up; ``.partial`` is the frame as far as it came.
        ApiError, TransportError: Nothing more can be had now, such as after 20 failures in a row; likewise.
        StoreError: Answers cannot be kept, or belong to another job; likewise.
        Interrupted: The user has stopped it; likewise. It is a `KeyboardInterrupt`.
    """
    chosen = complete(options)
    extraction = prepare(data, schema, prompt, **options)
    if not chosen["estimate"]:
        return extraction.run().frame
    from gemini_magic.extract.estimate import estimate  # noqa: PLC0415 - rarely

    return estimate(extraction, workers=chosen["workers"], rpm=chosen["rpm"], tpm=chosen["tpm"])


def prepare(data: object, schema: object, prompt: str = "", **options: Unpack[Options]) -> Extraction:
    """As `extract`, checked but not begun; nothing is sent. Arguments and errors are those of `extract`."""
    chosen = complete(options)
    _check_numbers(limit=chosen["limit"], pack=chosen["pack"])
    wanted, engine = schema_of(schema), chosen["engine"]
    if _library(data) == "dask":
        data, engine = _opened(data, engine)
    source, template = _read(data, prompt, chosen["columns"])
    view = View(chosen["details"], chosen["flatten"], chosen["explode"])
    check_view(source, wanted, view)
    sender = _sender(chosen["client"], chosen["profile"], chosen["model"])
    job = _job(wanted, prompt, sender, chosen)
    limits = {name: chosen[name] for name in ("workers", "rpm", "tpm", "max_attempts")}
    maker = partial(_engine, engine, sender, limits, chosen["ship_key"])
    maker(None)  # which checks its limits
    allowed = budget_of(chosen["budget"])
    Purse(job.model, sender.profile.prices, allowed)
    return Extraction(
        source=source,
        job=job,
        template=template,
        engine=maker,
        view=view,
        store=chosen["store"],
        resume=chosen["resume"],
        selected=_selected(chosen["where"], source),
        limit=chosen["limit"],
        pack=chosen["pack"],
        locks=locks_of(chosen["locks"]),
        guard=Guard(known_keys()),
        budget=allowed,
        prices=sender.profile.prices,
        progress=chosen["progress"] or NoProgress(),
    )


def _job(schema: Schema, prompt: str, sender: Client, chosen: Options) -> Job:
    """What is the same for all rows, checked.

    Raises:
        InputError: A field of the generation config is none, a tool cannot be used, or rows of this schema cannot be
            packed.
    """
    job = Job(
        schema=schema,
        prompt=prompt,
        model=chosen["model"] or sender.model,
        system=chosen["system"],
        config=chosen["config"] or {},
        extra=chosen["extra"] or {},
        origin=sender.profile.origin,
        pictures=chosen["pictures"] or Pictures(),
        pack=chosen["pack"],
        tooling=tooling_of(chosen) if chosen["tools"] is not None else None,
    )
    if job.digest and job.pack > 1:  # a digest is of the whole request, so it looks at every field
        Packing(job, job.pack)
    return job


def run(data: object, schema: object, prompt: str = "", **options: Unpack[Options]) -> Run:
    """As `extract`, giving back the run in place of its frame."""
    return prepare(data, schema, prompt, **options).run()


def _read(data: object, prompt: str, columns: Sequence[str] | str | None) -> tuple[Source, Template]:
    """The rows with the columns that are used, and the prompt."""
    register_accessors()
    source = read_rows(data)
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


def _sender(client: Client | None, profile: str | None, model: str | None) -> Client:
    if client is None:
        return connect(profile, model=model)
    if profile is not None:
        raise UsageError("client= and profile= exclude each other; a client has its profile.")
    return client.with_options(model=model) if model else client


def _engine(
    engine: object, client: Client, limits: Mapping[str, Any], ship_key: bool | None, budget: Budget | None
) -> Engine:
    """What carries the requests.

    Raises:
        UsageError: There is no such engine.
        ConfigError: One of its limits cannot be used.
    """
    if engine == ASYNCIO:
        from gemini_magic.extract.engines import AsyncioEngine  # noqa: PLC0415 - asyncio is large

        return AsyncioEngine(client, **limits, budget=budget)
    if _library(engine) == "distributed":
        require("distributed", extra="dask", why="ask from a cluster")
        from gemini_magic.extract.engines._dask import DaskEngine  # noqa: PLC0415 - needs the extra

        cluster: Any = engine
        return DaskEngine(cluster, client, **limits, budget=budget, ship_key=ship_key)
    if callable(getattr(engine, "run", None)):
        return engine  # type: ignore[return-value]  # of somebody's own
    raise UsageError(f"engine={engine!r} is none.", hint="It is 'asyncio', or a client of Dask: engine=Client(…).")


def _opened(data: object, engine: object) -> tuple[object, object]:
    """A frame of Dask as rows that are read partition by partition, and the cluster that asks for them."""
    require("distributed", extra="dask", why="read rows of Dask")
    from gemini_magic.extract.engines._dask import opened  # noqa: PLC0415 - needs the extra

    return opened(data, engine)


def _computed(data: Any) -> Any:  # noqa: ANN401 - whatever holds rows
    """A series of dask as one of pandas."""
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
