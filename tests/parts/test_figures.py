"""Figures: drawn to memory, the same one always the same."""

from __future__ import annotations

import io
import sys

import pytest

from gemini_magic.exceptions import ImageRejected, UnsupportedValue
from gemini_magic.parts import Pictures, is_media, to_parts
from gemini_magic.parts.cache import KERNEL

Image = pytest.importorskip("PIL.Image")
matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("agg")
plt = pytest.importorskip("matplotlib.pyplot")
Figure = pytest.importorskip("matplotlib.figure").Figure


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def drawn(dpi=60, **grid):
    figure, axes = plt.subplots(dpi=dpi, figsize=(4, 3), **grid)
    return figure, axes


def sent(value, **wishes):
    assert is_media(value)
    (part,) = to_parts(value, name="{{fig}}", pictures=Pictures(**wishes))
    return part.inline_data.to_bytes()


def shown(value, **wishes):
    return Image.open(io.BytesIO(sent(value, **wishes)))


# matplotlib


def test_a_figure_is_a_png_that_is_the_same_each_time():
    figure, axes = drawn()
    axes.plot([1, 3, 2])
    first = sent(figure)
    before = KERNEL.encoded
    assert first[:4] == b"\x89PNG"
    assert sent(figure) == sent(axes) == first
    assert KERNEL.encoded == before
    assert b"Software" not in first
    axes.plot([3, 1, 2])
    assert sent(figure) != first


def test_a_figure_has_its_own_dpi_and_tight_edges():
    small, large = (shown(drawn(dpi)[0]).size for dpi in (50, 100))
    assert large[0] == pytest.approx(2 * small[0], abs=4)
    assert small < (200, 150)


def test_b54_a_closed_figure_is_still_drawn():
    figure, axes = drawn()
    axes.plot([1, 2])
    before = sent(figure)
    plt.close(figure)
    assert sent(figure) == before


def test_a_figure_without_pyplot_is_drawn():
    figure = Figure(figsize=(2, 2), dpi=50)
    figure.add_subplot().plot([1, 2])
    assert shown(figure).format == "PNG"


def test_an_axes_among_others_goes_alone():
    figure, axes = drawn(nrows=2, ncols=2, dpi=80)
    axes[0, 1].set_facecolor("red")
    alone, whole = shown(axes[0, 1]), shown(figure)
    assert alone.size[0] < 0.7 * whole.size[0]
    assert alone.convert("RGB").getpixel((alone.size[0] // 2, alone.size[1] // 2)) == (255, 0, 0)
    assert sent(axes[0, 1]) == sent(axes[0, 1])
    assert all(one.get_visible() for one in figure.axes)
    axes[0, 1].set_visible(False)
    assert shown(axes[0, 1]).format == "PNG"


def test_an_axes_brings_its_colour_bar_and_its_twin():
    figure, axes = drawn(ncols=2)
    plain = shown(axes[0]).size[0]
    figure.colorbar(axes[0].imshow([[1, 2], [3, 4]]), ax=axes[0])
    axes[0].set_aspect("auto")
    assert shown(axes[0]).size[0] > plain - 10
    assert shown(axes[0]).size[0] > shown(axes[1]).size[0]
    single, only = drawn()
    only.twinx().plot([1, 2])
    assert sent(only) == sent(single)


def test_a_part_of_a_figure_is_drawn_as_the_whole():
    figure = Figure(dpi=50)
    left, _ = figure.subfigures(1, 2)
    axes = left.subplots()
    assert sent(left) == sent(figure)
    assert sent(axes) == sent(figure)


def test_a_figure_that_would_be_too_large_is_refused_before_it_is_drawn():
    figure = Figure(figsize=(100, 100), dpi=100)
    with pytest.raises(ImageRejected, match=r"^\{\{fig\}\} \(matplotlib Figure\) has 100 megapixels"):
        sent(figure)


def test_a_figure_that_cannot_be_drawn_says_why():
    figure, axes = drawn()
    axes.set_title(r"$\notacommand{$")
    with pytest.raises(UnsupportedValue, match=r"^\{\{fig\}\} \(matplotlib Figure\) cannot be drawn: ValueError"):
        sent(figure)


def test_a_figure_is_made_smaller_where_that_was_asked():
    made = shown(drawn()[0], max_side=40, quality=80)
    assert (made.format, max(made.size)) == ("JPEG", 40)


def test_classes_and_modules_of_figures_are_none():
    assert not is_media(Figure)
    assert not is_media(plt)


# plotly


def test_b54_a_plotly_figure_without_its_exporter_names_the_way_out(monkeypatch):
    go = pytest.importorskip("plotly.graph_objects")

    def fail(*_args, **_kwargs):
        raise ValueError("\nImage export requires the Kaleido package.\nMore lines.")

    figure = go.Figure(go.Scatter(y=[1, 2]))
    monkeypatch.setattr(go.Figure, "to_image", fail)
    with pytest.raises(UnsupportedValue) as caught:
        to_parts(figure, name="{{fig}}")
    text = str(caught.value)
    assert text.startswith("{{fig}} (plotly Figure) cannot be drawn: ValueError: Image export requires the Kaleido")
    assert "pip install kaleido" in text
    assert "\n" not in text


def test_a_plotly_figure_is_what_its_exporter_makes(monkeypatch):
    go = pytest.importorskip("plotly.graph_objects")
    stream = io.BytesIO()
    Image.new("RGB", (30, 20), "red").save(stream, "PNG")
    monkeypatch.setattr(go.Figure, "to_image", lambda *_, **__: stream.getvalue())
    assert sent(go.Figure()) == stream.getvalue()


# altair


@pytest.fixture
def chart():
    alt = pytest.importorskip("altair")
    pytest.importorskip("vl_convert")
    rows = [{"x": number, "y": number * number} for number in range(5)]
    return alt.Chart(alt.Data(values=rows)).mark_bar().encode(x="x:O", y="y:Q")


def test_an_altair_chart_is_drawn(chart):
    made = sent(chart)
    assert Image.open(io.BytesIO(made)).format == "PNG"
    assert sent(chart) == made
    assert sent(chart | chart) != made


def test_an_altair_chart_without_its_exporter_names_the_way_out(chart, monkeypatch):
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    with pytest.raises(UnsupportedValue, match=r"^\{\{fig\}\} \(altair Chart\).*pip install vl-convert-python"):
        to_parts(chart, name="{{fig}}")


def test_the_data_of_an_altair_chart_is_never_fetched(wire):
    alt = pytest.importorskip("altair")
    pytest.importorskip("vl_convert")
    chart = alt.Chart(f"{wire.url}/data.csv").mark_bar().encode(x="x:O")
    with pytest.raises(UnsupportedValue, match="cannot be drawn"):
        to_parts(chart, name="{{fig}}")
    assert wire.connections == 0
