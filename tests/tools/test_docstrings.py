from __future__ import annotations

import pytest

from gemini_magic.tools.docstrings import Documented, read

GOOGLE = """Find the weather of a city.

    It asks a station.

    Args:
        city (str): The city's name,
            in English.
        days: How many days ahead.
        *more (int, optional): Further days.

    Returns:
        A sentence.

    Raises:
        ValueError: The city is unknown.
    """
NUMPY = """Find the weather of a city.

    It asks a station.

    Parameters
    ----------
    city : str
        The city's name,
        in English.
    days
        How many days ahead.
    *more : int, optional
        Further days.

    Returns
    -------
    str
        A sentence.

    Examples
    --------
    >>> weather("Paris")
    """
SPHINX = """Find the weather of a city.

    It asks a station.

    :param str city: The city's name,
        in English.
    :param days: How many days ahead.
    :param more: Further days.
    :type more: int
    :returns: A sentence.
    :raises ValueError: The city is unknown.
    """


@pytest.mark.parametrize("text", [GOOGLE, NUMPY, SPHINX], ids=["google", "numpy", "sphinx"])
def test_every_style_says_the_same(text: str) -> None:
    assert read(text) == Documented(
        "Find the weather of a city.\n\nIt asks a station.\n\nReturns: A sentence.",
        {"city": "The city's name, in English.", "days": "How many days ahead.", "more": "Further days."},
        {"city": str, "more": int},
    )


@pytest.mark.parametrize("text", [None, "", " \n\t "])
def test_no_docstring_says_nothing(text: str | None) -> None:
    assert read(text) == Documented()


def test_a_docstring_without_sections_is_a_description() -> None:
    assert read("Add two numbers:\n\n      slowly,\n    and carefully.").description == (
        "Add two numbers:\n\n  slowly,\nand carefully."
    )


def test_numpy_describes_several_parameters_at_once() -> None:
    said = read("Add.\n\nParameters\n----------\nx, y : float\n    What to add.\n")
    assert said.parameters == {"x": "What to add.", "y": "What to add."}
    assert said.types == {"x": float, "y": float}


def test_attributes_are_no_parameters() -> None:
    assert read("A thing.\n\nAttributes:\n    name: Its name.\n").parameters == {}


@pytest.mark.parametrize("words", ["array-like", "DataFrame", "", "__import__('os')", "Unit"])
def test_unknown_types_are_no_types(words: str) -> None:
    assert read(f"Add.\n\nArgs:\n    x ({words}): What.\n").types == {}


def test_a_broken_section_costs_the_section_only() -> None:
    said = read("Add two numbers.\n\nArgs:\n    no colon here\n\nMore.")
    assert said.description.startswith("Add two numbers.")
    assert said.parameters == {}


@pytest.mark.parametrize(
    "text", [":", ":param", ":param:", "Args:\n", "Args:\n:", "@param", "\n:class:`x` does", "----"]
)
def test_odd_docstrings_never_raise(text: str) -> None:
    assert isinstance(read(text), Documented)
