"""Frames of Dask: each partition is computed once, with the columns that are needed, and the result has the same."""

from __future__ import annotations

import os
import uuid
from collections import Counter
from typing import TYPE_CHECKING, Any

import dask.dataframe as dd
import pandas as pd
import pytest
from distributed import Client as DaskClient
from distributed import LocalCluster

from gemini_magic.exceptions import InputError, UnsupportedValue
from gemini_magic.extract import extract, run_of
from gemini_magic.extract.engines._dask import opened
from gemini_magic.extract.engines._dask_frames import DaskSource
from gemini_magic.schemas import schema_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gemini_magic.client import Client

SCHEMA, PROMPT = "city, temp int", "Read: {{text}}"
PARTS, EACH = 4, 3


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskClient]:
    folder = tmp_path_factory.mktemp("workers")
    env = {"GEMINI_MAGIC_CONFIG": str(folder / "none.toml"), "GEMINI_MAGIC_STATE": str(folder)}
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": ":0", "env": env}
    with LocalCluster(**options) as local, DaskClient(local, set_as_default=False) as client:
        yield client


class Files:
    """A reader of partitions that writes down, for each time it reads one, what was read, and where."""

    def __init__(self, log: Path) -> None:
        self.log = str(log)
        log.mkdir()

    def __call__(self, number: int, columns: list[str] | None = None) -> pd.DataFrame:
        name = f"{number} {os.getpid()} {','.join(columns or ['all'])}"
        with open(os.path.join(self.log, f"{uuid.uuid4().hex} {name}"), "w"):  # noqa: PTH118, PTH123 - on a worker
            pass
        frame = rows_of(number)
        return frame[columns] if columns else frame

    def frame(self) -> Any:
        return dd.from_map(self, range(PARTS), meta=rows_of(0).iloc[:0])

    @property
    def reads(self) -> list[list[str]]:
        return [name.split(" ")[1:] for name in os.listdir(self.log)]  # noqa: PTH208 - names are all

    @property
    def counts(self) -> Counter[int]:
        return Counter(int(number) for number, *_ in self.reads)


def rows_of(number: int) -> pd.DataFrame:
    places = range(number * EACH, number * EACH + EACH)
    texts = [f"Town{'abcdefghijklmnopqrstuvwxyz'[place]} {place}" for place in places]
    return pd.DataFrame({"text": texts, "other": list(places)}, index=[place * 10 for place in places])


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path / "reads")


ONCE = Counter(dict.fromkeys(range(PARTS), 1))


def test_each_partition_is_computed_once_on_the_cluster_with_the_columns_that_are_used(
    gateway: Any, client: Client, cluster: DaskClient, files: Files
) -> None:
    out = extract(files.frame(), SCHEMA, PROMPT, client=client, engine=cluster, columns="text")
    computed = out.compute()
    assert computed["temp"].tolist() == list(range(PARTS * EACH))
    assert computed.index.tolist() == [place * 10 for place in range(PARTS * EACH)]
    assert files.counts == ONCE
    assert {columns for *_, columns in files.reads} == {"text"}
    assert str(os.getpid()) not in {process for _, process, _ in files.reads}
    assert gateway.requests == PARTS * EACH


def test_each_partition_is_computed_once_without_a_cluster_too(gateway: Any, client: Client, files: Files) -> None:
    out = extract(files.frame(), SCHEMA, PROMPT, client=client, columns="text")
    assert out["temp"].compute().tolist() == list(range(PARTS * EACH))
    assert files.counts == ONCE
    assert {columns for *_, columns in files.reads} == {"text"}
    assert gateway.requests == PARTS * EACH


def test_rows_that_are_asked_again_are_read_again_and_one_row_reads_one_partition(
    gateway: Any, client: Client, files: Files
) -> None:
    out = extract(files.frame(), SCHEMA, PROMPT, client=client, columns="text")
    assert run_of(out).inspect(70).source == {"text": "Townh 7"}
    assert files.counts == ONCE + Counter([2])
    assert run_of(out).retry_failed().usage.reused == PARTS * EACH
    assert files.counts == ONCE + ONCE + Counter([2])
    assert gateway.requests == PARTS * EACH


def test_partitions_that_need_one_another_are_computed_together(cluster: DaskClient, files: Files) -> None:
    data = files.frame().map_overlap(itself, 0, 1, meta=rows_of(0).iloc[:0])
    source = DaskSource.of(data, cluster).select(["text"])
    assert len(list(source.rows())) == source.length == PARTS * EACH
    assert list(source.labels())[-1] == (PARTS * EACH - 1) * 10
    assert files.counts == ONCE


def itself(frame: pd.DataFrame) -> pd.DataFrame:
    return frame


def test_where_the_length_is_known_rows_are_asked_before_all_are_computed(
    gateway: Any, client: Client, tmp_path: Path
) -> None:
    log = tmp_path / "rows"
    log.touch()

    def read(text: str) -> str:
        with log.open("a") as file:
            file.write(f"{text}\n")
        return text

    data = dd.from_pandas(pd.concat([rows_of(number) for number in range(8)]), npartitions=8)
    data = data.assign(text=data["text"].map(read, meta=("text", "str")))
    computed: list[int] = []
    gateway.before = lambda _: computed.append(len(log.read_text().splitlines()))
    out = extract(data, SCHEMA, PROMPT, client=client, columns="text", workers=1)
    assert out["temp"].compute().tolist() == list(range(24))
    assert computed[0] < 24
    assert len(log.read_text().splitlines()) == 24


@pytest.mark.parametrize("on_cluster", [True, False])
def test_labels_are_known_although_the_rows_were_not_read_to_the_end(*, cluster: DaskClient, on_cluster: bool) -> None:
    data = dd.from_pandas(pd.concat([rows_of(number) for number in range(4)]), npartitions=4)
    source = DaskSource.of(data, cluster if on_cluster else None).select(["other"])
    assert source.length == 12
    rows = source.rows()
    assert next(rows) == {"other": 0}
    rows.close()
    assert source.labels() == [place * 10 for place in range(12)]
    assert source.length == 12


def test_some_rows_are_those_of_their_partitions(files: Files) -> None:
    source = DaskSource.of(files.frame())
    assert [row["other"] for row in source.take([11, 0, 1, 4]).rows()] == [11, 0, 1, 4]
    assert source.take([11, 0, 1, 4]).labels() == [110, 0, 10, 40]
    assert (source.take([]).length, source.take([5]).take([0, 0]).labels()) == (0, [50, 50])
    head = source.head(4)
    assert (head.length, [row["other"] for row in head.rows()]) == (4, [0, 1, 2, 3])
    assert source.head(100).length == 12
    assert source.index.tolist() == source.labels()


def test_the_head_of_a_frame_needs_its_first_partitions_only(files: Files) -> None:
    assert [row["other"] for row in DaskSource.of(files.frame()).head(4).rows()] == [0, 1, 2, 3]
    assert files.counts == Counter([0, 1])


def test_a_partition_that_has_other_rows_than_before_is_named_as_what_it_is(tmp_path: Path) -> None:
    log = tmp_path / "reads"
    log.touch()

    def read(number: int) -> pd.DataFrame:
        with log.open("a") as file:
            file.write("x")
        return pd.concat([rows_of(number)] * len(log.read_text()))

    source = DaskSource.of(dd.from_map(read, [0, 1], meta=rows_of(0).iloc[:0]))
    list(source.rows())
    with pytest.raises(InputError, match="other rows than before"):
        list(source.rows())


def test_whoever_looks_at_row_after_row_reads_each_partition_once(files: Files) -> None:
    source = DaskSource.of(files.frame())
    seen = [next(source.select(["text"]).take([place]).rows())["text"] for place in range(12)]
    assert seen == [text for number in range(PARTS) for text in rows_of(number)["text"]]
    assert files.counts == ONCE


def test_kept_columns_stand_before_the_new_ones(cluster: DaskClient, files: Files) -> None:
    source = DaskSource.of(files.frame(), cluster)
    out = source.assemble([], ["other"])
    assert out.compute()["other"].tolist() == list(range(12))
    assert {columns for *_, columns in files.reads} == {"other"}


def test_a_dask_frame_comes_back_with_its_partitions_and_divisions(
    gateway: Any, client: Client, cluster: DaskClient
) -> None:
    data = dd.from_pandas(pd.concat(rows_of(number) for number in range(8)), npartitions=3)
    out = extract(data, SCHEMA, PROMPT, client=client, engine=cluster)
    assert isinstance(out, dd.DataFrame)
    assert (out.npartitions, out.divisions) == (3, data.divisions)
    assert gateway.requests == 24
    computed = out.compute()
    pd.testing.assert_index_equal(computed.index, data.compute().index)
    assert computed["temp"].tolist() == list(range(24))
    assert dict(out.dtypes) == dict(computed.dtypes)
    assert gateway.requests == 24
    run = run_of(out)
    assert run.usage.rows == 24
    assert run.inspect(70).source == {"text": "Townh 7"}


def test_a_dask_series_with_nulls_and_repeated_labels(gateway: Any, client: Client, cluster: DaskClient) -> None:
    texts = pd.Series(["Oslo 3", None, "Rome 21", "Oslo 3"], index=[5, 5, 6, 7], name="text")
    out = extract(dd.from_pandas(texts, npartitions=2), SCHEMA, client=client, engine=cluster).compute()
    assert out.index.tolist() == [5, 5, 6, 7]
    assert out["temp"].tolist()[0::2] == [3, 21]
    assert out["temp"].isna().tolist() == [False, True, False, False]
    assert gateway.requests == 2


def test_items_of_dask_rows_are_exploded_onto_their_labels(gateway: Any, client: Client, cluster: DaskClient) -> None:
    gateway.answer = lambda _: [{"n": 1}, {"n": 2}]
    data = dd.from_pandas(pd.DataFrame({"text": ["Oslo 3", "Rome 4"]}, index=["a", "b"]), npartitions=2)
    items = schema_of("n int", is_list=True)
    out = extract(data, items, PROMPT, client=client, engine=cluster, explode=True).compute()
    assert out.index.tolist() == ["a", "a", "b", "b"]
    assert out["n"].tolist() == [1, 2, 1, 2]


def test_rows_of_dask_go_to_the_cluster_of_the_current_client(cluster: DaskClient) -> None:
    data = dd.from_pandas(rows_of(0), npartitions=1)
    with cluster.as_current():
        source, engine = opened(data)
    assert (source.length, source.names, len(source.pieces)) == (3, ("text", "other"), 1)
    assert engine is cluster
    assert opened(data, "mine")[1] == "mine"
    with pytest.raises(UnsupportedValue, match="to_dataframe"):
        opened(data.to_bag())
