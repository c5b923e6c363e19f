"""Where traces go: by OTLP over HTTP, to a collector of the operator's."""

from __future__ import annotations

from importlib.metadata import version

from records.settings import Settings


def trace_from_now(settings: Settings, process: str) -> None:
    """Send this process's traces where the settings say; nothing when they say nowhere. Call once, before the work.

    A span holds the pattern of an address, ids, times and the class of an answer, and names nobody.
    """
    if not settings.traces_url:
        return
    # Only now: loading them takes as long as loading all the rest of the command line.
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    about = {"service.name": f"footbridge-{process}", "service.version": version("footbridge")}
    provider = TracerProvider(resource=Resource.create(about))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=settings.traces_url)))
    trace.set_tracer_provider(provider)
