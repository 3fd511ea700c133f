"""A notebook as one HTML page that runs no script and fetches nothing."""

from __future__ import annotations

from importlib.resources import as_file, files
from typing import TYPE_CHECKING

from nbconvert.exporters.html import HTMLExporter

if TYPE_CHECKING:
    from pathlib import Path

    from nbformat import NotebookNode


def write_page(notebook: NotebookNode, path: Path, *, title: str) -> None:
    """Write the page.

    Args:
        notebook: With its outputs; those of ours were sanitised when they were made.
        path: The file to write; its folder is made when it is not there.
        title: The page's title.
    """
    with as_file(files("gemini_magic.cli") / "templates") as templates:
        style = (templates / "page" / "page.css").read_text(encoding="utf-8")
        exporter = HTMLExporter(  # type: ignore[no-untyped-call]
            template_name="page", extra_template_basedirs=[str(templates)]
        )
        resources = {"metadata": {"name": title}, "page_style": style}
        html, _ = exporter.from_notebook_node(notebook, resources)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(html, encoding="utf-8")
