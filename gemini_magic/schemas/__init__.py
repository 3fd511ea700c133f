"""Schemas: what is asked of the model, how answers are read, and the columns they fill."""

from __future__ import annotations

from gemini_magic.schemas.build import schema_of
from gemini_magic.schemas.columns import Column
from gemini_magic.schemas.schema import Schema

__all__ = ["Column", "Schema", "schema_of"]
