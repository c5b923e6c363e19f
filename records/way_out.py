"""Going out over HTTP: where a name leads is looked at when the connection is made, and it goes there and nowhere else.

The organization's sign-in says itself where its keys are, and a name can lead somewhere else a moment later. So a name
is resolved once for each connection, what is not public is refused unless the operator named the host
(`FOOTBRIDGE_INTERNAL_HOSTS`), and the connection is made to the very address that was looked at. The certificate is
still checked against the name. Redirects are not followed, and no proxy of the environment is used.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from ipaddress import ip_address

import httpx

from domain.addresses import is_public, may_be_inside

Resolve = Callable[[str, int], list[str]]


class Forbidden(httpx.ConnectError):
    """The name leads to an address that is none of the internet's, and that nobody allowed. Nothing was sent."""


def open_client(transport: CheckedTransport, *, timeout: float, auth: tuple[str, str] | None = None) -> httpx.Client:
    """A client that goes only where it may. `timeout` is in seconds, for each of connecting, writing and waiting."""
    headers = {"Accept": "application/json", "User-Agent": "Footbridge"}
    return httpx.Client(
        transport=transport, timeout=timeout, auth=auth, headers=headers, follow_redirects=False, trust_env=False
    )


class CheckedTransport(httpx.BaseTransport):
    """Resolves, looks, and connects to what it looked at. Each request has a connection of its own."""

    def __init__(
        self, internal_hosts: str = "", *, verify: ssl.SSLContext | bool = True, resolve: Resolve | None = None
    ) -> None:
        """`internal_hosts`, with commas between (`sso.hospital.internal`, `10.0.0.5:8443`), may lie inside."""
        self._internal = frozenset(host.strip().lower() for host in internal_hosts.split(",") if host.strip())
        self._resolve = resolve or _resolve
        # Kept connections are known by address: two names at one address must never share one.
        limits = httpx.Limits(max_keepalive_connections=0)
        self._inner = httpx.HTTPTransport(verify=verify, trust_env=False, limits=limits)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Raises Forbidden, and what httpx raises."""
        error: httpx.ConnectError = Forbidden(f"{request.url.host} leads to no address that may be reached")
        for address in self.addresses(request.url):
            there = httpx.Request(
                request.method,
                request.url.copy_with(host=address),
                headers=request.headers,  # they hold the name
                stream=request.stream,
                extensions=request.extensions | {"sni_hostname": request.url.host},
            )
            try:
                return self._inner.handle_request(there)
            except httpx.ConnectError as problem:
                error = problem
        raise error

    def close(self) -> None:
        """Close every connection."""
        self._inner.close()

    def addresses(self, url: httpx.URL) -> list[str]:
        """Where a connection for this address may go, looked up now. Raises httpx.ConnectError for an unknown name."""
        port = url.port or (443 if url.scheme == "https" else 80)
        named = {url.host.lower(), f"{url.host.lower()}:{port}"} & self._internal
        try:
            found = self._resolve(url.host, port)
        except OSError as error:
            raise httpx.ConnectError(f"{url.host} could not be found") from error
        return [one for one in found if is_public(ip_address(one)) or (named and may_be_inside(ip_address(one)))]


def _resolve(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found))
