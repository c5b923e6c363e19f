"""Where a worker tells its own figures: workflow tasks that failed, slots that are free, how long they wait."""

from __future__ import annotations

import socket
import ssl
from contextlib import AbstractAsyncContextManager, nullcontext

from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig

from records.settings import get_settings
from workflows.private_door import PrivateDoor

_HERE = "127.0.0.1"


def own_figures() -> tuple[Runtime | None, AbstractAsyncContextManager[object]]:
    """The runtime that counts them, and the door at which they are told; neither where the setting is empty.

    Temporal's SDK tells in clear: with a certificate it tells this machine alone, behind a door that speaks TLS. Raises
    ValueError when the setting is no host and port, RuntimeError when somebody listens there already.
    """
    settings = get_settings()
    where = settings.worker_metrics
    if not where:
        return None, nullcontext()
    if not settings.tls_cert:
        return _told_at(where), nullcontext()
    host, _, port = where.rpartition(":")
    outer, inner = (host, int(port)), (_HERE, _free_port())
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(settings.tls_cert, settings.tls_key)
    return _told_at(f"{inner[0]}:{inner[1]}"), PrivateDoor(outer, inner, context)


def _told_at(where: str) -> Runtime:
    return Runtime(telemetry=TelemetryConfig(metrics=PrometheusConfig(bind_address=where)))


def _free_port() -> int:
    with socket.create_server((_HERE, 0)) as listening:
        return int(listening.getsockname()[1])
