"""Offers the exporters; what they need is imported when they are used."""

from __future__ import annotations

from selfspec_core import Exporter, hookimpl
from selfspec_plugins.export.gguf_format import GgufExporter
from selfspec_plugins.export.ollama import OllamaExporter
from selfspec_plugins.export.weights import AdapterExporter, MergedExporter


@hookimpl
def selfspec_exporters() -> list[type[Exporter]]:
    """Offers the plain adapter, one merged model, a GGUF file, and one with its Modelfile."""
    return [AdapterExporter, MergedExporter, GgufExporter, OllamaExporter]
