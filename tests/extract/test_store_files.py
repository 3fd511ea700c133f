"""Files that are no store, are damaged, cannot be written, or lie where they should not: never a wrong answer."""

from __future__ import annotations

import csv
import io
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from gemini_magic.exceptions import StoreDiskFull, StoreError, StoreLocked, StoreMismatch
from gemini_magic.extract.job import Job, Outcome
from gemini_magic.extract.store import Store
from gemini_magic.extract.store_csv import csv_safe
from gemini_magic.extract.store_place import concerns

CHILD = Path(__file__).parent / "store_child.py"
JOB = Job(SimpleNamespace(json_schema={"type": "object"}), "Read {{text}}", "m")
#: Where files cost no time of a disk.
MEMORY = next((one for one in ("/dev/shm",) if os.access(one, os.W_OK)), None)  # noqa: S108 - a folder is made in it
ENDINGS = ("", "-wal", "-shm")


def outcome(number, size=200):
    return Outcome(f"{number:064x}", "ok", {"n": number}, raw="x" * size, attempts=1)


def fill(path, count, **more):
    with Store.open(path, JOB) as store:
        for number in range(count):
            store.put(outcome(number, **more))
    return path


def crashed(store, folder):
    """The files as a crash at this moment would leave them."""
    folder.mkdir()
    for ending in ("", "-wal"):
        shutil.copy(f"{store.path}{ending}", folder)
    return folder / store.path.name


def contents(path):
    """Every byte of a file and of what belongs to it."""
    return {ending: Path(f"{path}{ending}").read_bytes() for ending in ENDINGS if Path(f"{path}{ending}").exists()}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.sqlite3"


@pytest.fixture
def quick_folder():
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:
        yield Path(name)


def test_b91_an_empty_file_becomes_a_store(path):
    path.touch(mode=0o644)
    fill(path, 3)
    with Store.open(path, JOB) as store:
        assert len(store) == 3


def test_b91_a_store_that_was_emptied_is_not_taken_for_a_new_one(path, tmp_path):
    with Store.open(path, JOB) as store:
        store.put(outcome(1))
        copy = crashed(store, tmp_path / "copy")
    copy.write_bytes(b"")
    before = contents(copy)
    with pytest.raises(StoreError, match=r"is gone or empty, and what was written last is still in .*-wal"):
        Store.open(copy, JOB)
    assert contents(copy) == before


@pytest.mark.parametrize("data", [b"name,city\na,Oslo\n", b"\0" * 5_000, b"SQLite format 3\0", b"\x80\x04K\x01."])
@pytest.mark.parametrize("resume", [True, False])
def test_b92_what_is_no_database_is_refused_and_stays(data, path, resume):
    path.write_bytes(data)
    with pytest.raises(StoreError, match=r"is not a store; it is not even a database. Name another file"):
        Store.open(path, JOB, resume=resume)
    assert path.read_bytes() == data
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("resume", [True, False])
def test_b93_the_database_of_another_program_is_refused_and_stays(path, resume):
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE outcomes (number)")
        database.execute("INSERT INTO outcomes VALUES (1)")
        database.commit()
        before = contents(path)
        with pytest.raises(StoreMismatch, match=r"is a database of another program"):
            Store.open(path, JOB, resume=resume)
        assert contents(path) == before


@pytest.mark.parametrize(("version", "words"), [(0, "Name another file"), (2, "Upgrade: pip install -U gemini-magic")])
def test_b94_an_older_or_newer_store_is_refused_and_stays(version, words, path):
    fill(path, 1)
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"PRAGMA user_version = {version}")
    before = path.read_bytes()
    with pytest.raises(StoreMismatch, match=f"has version {version}, and this gemini_magic reads version 1. {words}"):
        Store.open(path, JOB)
    assert path.read_bytes() == before


def test_b95_a_changed_byte_anywhere_never_gives_a_wrong_answer(quick_folder):
    whole, chance = fill(quick_folder / "a", 200).read_bytes(), random.Random(95)  # noqa: S311 - no secret
    copy, refused, answers, complete = quick_folder / "copy.sqlite3", 0, 0, 0
    for number in range(200):
        data = bytearray(whole)
        place = number if number < 100 else chance.randrange(len(data))
        data[place] ^= 1 << chance.randrange(8)
        for ending in (*ENDINGS, ".lock"):
            Path(f"{copy}{ending}").unlink(missing_ok=True)
        copy.write_bytes(data)
        try:
            with Store.open(copy, JOB) as store:
                found = list(store.outcomes())
                assert all(one == outcome(one.value["n"]) for one in found)
                assert [store.get(one.key) for one in found] == found
                assert store.keys() == {one.key for one in found}
                assert (len(found) == 200) or store.notes
                for missing in set(range(200)) - {one.value["n"] for one in found}:
                    store.put(outcome(missing))
                assert len(store) == 200
            answers, complete = answers + 1, complete + (len(found) == 200)
        except StoreError as error:
            refused += str(copy) in str(error)
    assert refused + answers == 200
    assert complete >= 40
    assert answers >= 120


def test_b95_answers_that_are_not_damaged_stay(path):
    fill(path, 50)
    with closing(sqlite3.connect(path)) as database:
        database.execute("UPDATE outcomes SET body = replace(body, '7', '8') WHERE number IN (8, 18)")
        database.execute("UPDATE outcomes SET key = 'x' WHERE number = 1")
        database.commit()
    with Store.open(path, JOB) as store:
        words = "47 answers could be read and stay, others are asked again. The damaged file is kept as"
        assert store.notes == (f"The store {path} was damaged; {words} a.sqlite3.previous.",)
        assert {one.value["n"] for one in store.outcomes()} == set(range(50)) - {0, 7, 17}
        store.put(outcome(7))
    with Store.open(path, JOB) as store:
        assert (store.notes, len(store)) == ((), 48)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER t AFTER INSERT ON outcomes BEGIN DELETE FROM outcomes; END",
        "CREATE VIEW v AS SELECT 1",
        "ALTER TABLE outcomes ADD COLUMN more TEXT",
        "DROP INDEX outcomes_key",
        "DROP TABLE about",
        "DELETE FROM about",
        "UPDATE about SET text = '{}'",
        "UPDATE about SET seal = seal + 1",
    ],
)
def test_a_store_of_another_make_is_refused(statement, path):
    fill(path, 1)
    with closing(sqlite3.connect(path)) as database:
        database.execute(statement)
        database.commit()
    with pytest.raises(StoreError, match=r"is damaged. With resume=False the run begins anew"):
        Store.open(path, JOB)
    with Store.open(path, JOB, resume=False) as store:
        assert len(store) == 0


def test_b96_a_missing_journal_leaves_what_was_in_the_file(path, tmp_path):
    fill(path, 20)
    with Store.open(path, JOB) as store:
        store.put(outcome(20))
        copy = crashed(store, tmp_path / "copy")
    Path(f"{copy}-wal").unlink()
    with Store.open(copy, JOB) as store:
        assert [one.value["n"] for one in store.outcomes()] == list(range(20))


def test_b96_a_journal_that_was_cut_anywhere_keeps_a_prefix(quick_folder):
    chance = random.Random(96)  # noqa: S311 - no secret
    path = fill(quick_folder / "a", 5)
    with Store.open(path, JOB) as store:
        for number in range(5, 105):
            store.put(outcome(number))
        copy = crashed(store, quick_folder / "copy")
    main, journal = copy.read_bytes(), Path(f"{copy}-wal").read_bytes()
    seen = set()
    for place in [0, 1, 31, 32, 33, len(journal), *(chance.randrange(len(journal)) for _ in range(194))]:
        copy.write_bytes(main)
        Path(f"{copy}-wal").write_bytes(journal[:place])
        with Store.open(copy, JOB) as store:
            found = list(store.outcomes())
        assert found == [outcome(number) for number in range(len(found))]
        seen.add(len(found))
    assert min(seen) == 5
    assert max(seen) == 105
    assert len(seen) > 50


def test_b96_the_journal_of_another_store_is_not_played_into_this_one(path, tmp_path):
    fill(path, 60)
    before = path.read_bytes()
    with Store.open(tmp_path / "b.sqlite3", JOB) as other:
        for number in range(1_000, 1_060):
            other.put(outcome(number))
        foreign = Path(f"{other.path}-wal").read_bytes()
    Path(f"{path}-wal").write_bytes(foreign)
    with pytest.raises(
        StoreError, match=r"is damaged, or .*-wal is not of it; neither was touched. If it is not, move"
    ):
        Store.open(path, JOB)
    assert path.read_bytes() == before
    assert Path(f"{path}-wal").read_bytes() == foreign
    Path(f"{path}-wal").unlink()
    with Store.open(path, JOB) as store:
        assert list(store.outcomes()) == [outcome(number) for number in range(60)]


def test_b96_a_journal_of_the_other_kind_is_not_played_into_it(path):
    fill(path, 3)
    before = path.read_bytes()
    Path(f"{path}-journal").write_bytes(b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" + b"\0" * 1_000)
    with pytest.raises(StoreError, match=r"-journal is not of the store beside it. Move it away"):
        Store.open(path, JOB)
    assert path.read_bytes() == before


def test_b96_any_bytes_may_be_its_shared_memory(path, tmp_path):
    with Store.open(path, JOB) as store:
        store.put(outcome(0))
        copy = crashed(store, tmp_path / "copy")
    Path(f"{copy}-shm").write_bytes(random.Random(1).randbytes(32_768))  # noqa: S311 - no secret
    with Store.open(copy, JOB) as store:
        assert list(store.outcomes()) == [outcome(0)]


@pytest.fixture
def open_folder():
    """A folder that anybody can reach, as those of tests are not."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def unprivileged(path="", **variables):
    done = subprocess.run(  # noqa: S603 - ourselves
        [sys.executable, CHILD, "unprivileged", path],
        env={**os.environ, **variables},
        capture_output=True,
        check=True,
        text=True,
    )
    assert done.stderr == ""
    return json.loads(done.stdout)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can act as somebody else")
def test_b97_a_file_or_a_folder_that_cannot_be_written_is_named(open_folder):
    path = fill(open_folder / "a.sqlite3", 1)
    before = path.read_bytes()
    path.chmod(0o444)
    assert "Permission denied" in unprivileged(path)["message"]
    open_folder.chmod(0o777)  # now its file alone is in the way
    said = unprivileged(path)
    assert said["error"] == "StoreError"
    assert said["message"] == f"The store {path} cannot be used: Permission denied. Give it another path: store=PATH."
    assert path.read_bytes() == before
    assert list(open_folder.iterdir()) == [path]


@pytest.mark.skipif(os.getuid() != 0, reason="only root can act as somebody else")
def test_b97_without_a_writable_home_answers_are_kept_in_memory(open_folder):
    said = unprivileged(GEMINI_MAGIC_DATA=str(open_folder / "data"))
    words = f"{open_folder / 'data'} cannot be written, so answers are kept in this kernel only."
    assert said == {"path": None, "notes": [words], "rows": 1}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "is not a file"),
        (".", "is not a file"),
        ("/dev/full", "/dev/full is not a file, and cannot be a store"),
        ("folder", "folder is not a file, and cannot be a store"),
        ("file/x.sqlite3", "Not a directory"),
        ("a\0b", "null"),
        ("x" * 300, "File name too long"),
    ],
)
def test_b97_a_path_that_cannot_be_a_store_is_refused(name, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=words):
        Store.open(name, JOB)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["file", "folder"]


def test_a_store_that_another_program_holds_says_so(path):
    fill(path, 1)
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA locking_mode = EXCLUSIVE")
        database.execute("BEGIN EXCLUSIVE")
        database.execute("DELETE FROM outcomes")
        with pytest.raises(StoreLocked, match=r"is held by another program. Close it there"):
            Store.open(path, JOB)
    with Store.open(path, JOB) as store:
        assert len(store) == 1


def test_b98_network_and_synchronised_folders_are_mentioned(tmp_path):
    mounts = tmp_path / "mounts"
    mounts.write_text("/dev/a / ext4 rw 0 0\nserver:/home /home nfs4 rw 0 0\nh /home/u/my\\040disk fuse.sshfs rw 0 0\n")
    assert concerns(Path("/var/x"), mounts) == ""
    assert "is in a network folder (nfs4), where another machine" in concerns(Path("/home/u"), mounts)
    assert "network folder (fuse.sshfs)" in concerns(Path("/home/u/my disk/y"), mounts)
    assert "synchronised (Dropbox (Work))" in concerns(Path("/x/Dropbox (Work)/y"), mounts)
    assert concerns(Path("/x"), tmp_path / "none") == ""
    with Store.open(tmp_path / "OneDrive - Firm" / "a.sqlite3", JOB) as store:
        assert "a local path is safer: store=PATH" in store.notes[0]


def test_b101_a_value_that_fits_the_schema_no_longer_comes_as_it_was(path):
    given = Outcome("k", "ok", {"age": "forty"}, raw='{"age": "forty"}')
    with Store.open(path, JOB) as store:
        store.put(given)
    with Store.open(path, JOB) as store:
        assert store.get("k") == given


@pytest.mark.parametrize(
    "text",
    [
        "=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)",
        "\t=1", "\r=1", "\n=1", "  =1", "\u200b=1", "\uff1d1", "\uff0d1+1",
        "-1_0", "=", "-", "-inf\n",
    ],
)  # fmt: skip
def test_b102_a_formula_is_no_formula_in_a_csv_file(text):
    assert csv_safe(text) == f"'{text}"
    file = io.StringIO(newline="")
    csv.writer(file).writerow([csv_safe(text), "next"])
    assert next(csv.reader(io.StringIO(file.getvalue(), newline=""))) == [f"'{text}", "next"]


@pytest.mark.parametrize("text", ["", "a=b", "-5", "+3.5", "-1e-9", "Oslo", "<b>", "'=1", " ", "1-2", "\x1b[31mred"])
def test_b102_other_texts_stay(text):
    assert csv_safe(text) == text


def test_b102_stored_texts_come_back_as_they_were(path):
    texts = ["=cmd|' /C calc'!A0", "<script>alert(1)</script>", "\x1b]0;x\x07", "a\0b", "\u202e"]
    with Store.open(path, JOB) as store:
        store.put(Outcome("k", "ok", texts))
        assert store.get("k").value == texts


# No room


def full(path, limit):
    done = subprocess.run(  # noqa: S603 - ourselves
        [sys.executable, CHILD, "fill", path, str(limit)], capture_output=True, check=True, text=True, timeout=60
    )
    assert done.stderr == ""
    return json.loads(done.stdout)


def test_a_full_disk_is_said_and_what_was_put_stays(path):
    said = full(path, 65_536)
    assert said["error"] == StoreDiskFull.__name__
    assert said["message"].startswith(
        f"The store {path} cannot grow: the disk is full, or a limit is reached. Make room"
    )
    assert said["put"] == said["still"] > 5
    assert said["first"]
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    with Store.open(path, JOB) as store:
        assert [one.value["n"] for one in store.outcomes()] == list(range(said["put"]))
        store.put(outcome(said["put"]))


@pytest.mark.parametrize("limit", [0, 10, 5_000, 20_000])
def test_a_disk_that_is_full_from_the_beginning_leaves_nothing_half_made(limit, path):
    said = full(path, limit)
    assert (said["error"], said["put"]) == (StoreDiskFull.__name__, 0)
    with Store.open(path, JOB) as store:
        assert len(store) == 0
