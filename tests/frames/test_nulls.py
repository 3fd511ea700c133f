from __future__ import annotations

import subprocess
import sys
from decimal import Decimal

import pytest

from gemini_magic.frames import is_null

np = pytest.importorskip("numpy")
pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")


@pytest.mark.parametrize(
    "value",
    [
        None,
        float("nan"),
        np.float64("nan"),
        np.float32("nan"),
        np.float16("nan"),
        np.datetime64("NaT"),
        np.timedelta64("NaT"),
        np.ma.masked,
        complex("nan"),
        Decimal("NaN"),
        Decimal("sNaN"),
        pd.NA,
        pd.NaT,
        pl.Series([1, None])[1],
        pa.scalar(None),
        pa.scalar(None, pa.string()),
    ],
    ids=repr,
)
def test_nulls_of_all_libraries_are_null(value):
    assert is_null(value) is True


@pytest.mark.parametrize(
    "value",
    [
        "",
        "nan",
        b"",
        0,
        False,
        0.0,
        float("inf"),
        Decimal(0),
        1j,
        [],
        {},
        (),
        [None],
        np.float32(0),
        np.int8(0),
        np.bool_(0),
        np.datetime64("2024-01-01"),
        np.array([]),
        np.array([float("nan"), 1.0]),
        pd.Timestamp("2024-01-01"),
        pd.Series([None, None]),
        pl.Series([None]),
        pa.scalar(1),
        pa.array([None]),
        object(),
        None.__class__,
    ],
    ids=lambda value: type(value).__name__,
)
def test_empty_and_other_values_are_not_null(value):
    assert is_null(value) is False


def test_asking_imports_nothing():
    code = "import sys; from gemini_magic.frames import is_null; is_null(1.5); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    assert not {"narwhals", "pandas", "polars", "pyarrow", "numpy"} & set(done.stdout.split())
