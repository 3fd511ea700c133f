"""Figures of matplotlib, plotly and altair as PNG, known by their class without importing those libraries.

A figure goes as it would be saved, with tight edges; an Axes goes alone, with its colour bars and twins, when the
figure has others. Nothing of it depends on the time or on versions of software, so one figure gives one picture.
"""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Any

from gemini_magic.exceptions import GeminiMagicError, UnsupportedValue
from gemini_magic.parts.media import Pictures, called
from gemini_magic.parts.pictures.guards import check_size
from gemini_magic.parts.pictures.image import bytes_parts
from gemini_magic.parts.text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from gemini_magic import wire

_MARGIN = 0.08
_EXPORTERS = {
    "matplotlib": "Draw it again, or save it with fig.savefig() and send the file.",
    "plotly": "Plotly needs its exporter: `pip install kaleido`, and Chrome beside it; or send the data of the figure.",
    "altair": "Altair needs its exporter: `pip install vl-convert-python`; or send the data of the chart.",
}


def is_figure(value: object) -> bool:
    """Whether a value is a figure or Axes of matplotlib, or a figure or chart of plotly or altair."""
    return _drawer(value) is not None


def figure_parts(value: object, name: str, pictures: Pictures) -> list[wire.Part]:
    """Draw a figure, and turn it into one part.

    Raises:
        UnsupportedValue: It cannot be drawn, for one because its exporter is not installed.
    """
    found = _drawer(value)
    if found is None:
        raise UnsupportedValue(f"{called(name, type(value).__name__)} is no figure.")
    library, draw = found
    what = called(name, f"{library} {type(value).__name__}")
    try:
        data = draw(value, what)
    except GeminiMagicError:
        raise
    except Exception as error:
        raise UnsupportedValue(
            f"{what} cannot be drawn: {one_line(error).rstrip('.')}.", hint=_EXPORTERS[library]
        ) from error
    return bytes_parts(data, name, pictures)


def _drawer(value: object) -> tuple[str, Callable[[Any, str], bytes]] | None:
    if isinstance(value, type):
        return None
    for cls in type(value).__mro__:
        module, name = cls.__module__, cls.__name__
        if module.startswith("matplotlib.") and name in {"FigureBase", "Figure"}:
            return "matplotlib", _figure
        if module.startswith("matplotlib.axes") and name in {"_AxesBase", "Axes"}:
            return "matplotlib", _axes
        if module == "plotly.basedatatypes" and name == "BaseFigure":
            return "plotly", _plotly
        if module.startswith("altair.") and name == "TopLevelMixin":
            return "altair", _altair
    return None


def _figure(figure: Any, what: str) -> bytes:  # noqa: ANN401 - matplotlib's own
    return _saved(figure.get_figure(root=True) if hasattr(figure, "_parent") else figure, what, "tight")


def _saved(figure: Any, what: str, edges: object) -> bytes:  # noqa: ANN401 - matplotlib's own
    width, height = (int(inches * figure.dpi) for inches in figure.get_size_inches())
    check_size((width, height), what, Pictures())
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=figure.dpi, bbox_inches=edges, metadata={"Software": None})
    return stream.getvalue()


def _axes(axes: Any, what: str) -> bytes:  # noqa: ANN401 - matplotlib's own
    figure = axes.figure
    while getattr(figure, "figure", figure) is not figure:
        figure = figure.figure
    own = [one for one in figure.axes if _belongs(one, axes)]
    if len(own) == len(figure.axes):
        return _saved(figure, what, "tight")
    others = [one for one in figure.axes if one not in own and one.get_visible()]
    try:
        for one in others:
            one.set_visible(False)
        return _saved(figure, what, _edges(figure, own))
    finally:
        for one in others:
            one.set_visible(True)


def _edges(figure: Any, axes: list[Any]) -> object:  # noqa: ANN401 - matplotlib's own
    """The box around some axes and all that is written around them, in inches."""
    figure.canvas.draw()
    boxes = [box for one in axes if (box := one.get_tightbbox()) is not None]
    whole = type(boxes[0]).union(boxes) if boxes else figure.bbox.frozen()
    return whole.transformed(figure.dpi_scale_trans.inverted()).padded(_MARGIN)


def _belongs(one: Any, axes: Any) -> bool:  # noqa: ANN401 - matplotlib's own
    """Whether it is the Axes itself, a twin in the same place, or its colour bar."""
    mappable = getattr(getattr(one, "_colorbar", None), "mappable", None)
    same_place = one.get_position().bounds == axes.get_position().bounds
    return one is axes or same_place or getattr(mappable, "axes", None) is axes


def _plotly(figure: Any, what: str) -> bytes:  # noqa: ANN401 - plotly's own
    del what
    return bytes(figure.to_image(format="png"))


def _altair(chart: Any, what: str) -> bytes:  # noqa: ANN401 - altair's own
    del what
    import vl_convert  # noqa: PLC0415 - optional

    altair: Any = sys.modules["altair"]
    with altair.data_transformers.enable("default", max_rows=None):
        spec = chart.to_dict()
    version = ".".join(altair.SCHEMA_VERSION.removeprefix("v").split(".")[:2])
    known = version if version in vl_convert.get_vegalite_versions() else None
    # No address is allowed: a chart whose data is elsewhere says so instead of fetching it.
    return bytes(vl_convert.vegalite_to_png(spec, vl_version=known, allowed_base_urls=[]))
