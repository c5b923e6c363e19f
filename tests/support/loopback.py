"""Tests speak to this machine only. A connection to anywhere else fails, whoever in Python opens it."""

from __future__ import annotations

import ipaddress
import sys
from typing import Any

_CONNECTS = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})


class LeavesThisMachine(RuntimeError):
    """A test tried to reach another machine."""


def is_here(address: object) -> bool:
    """Whether a socket's address is on this machine: a path, or a loopback host."""
    if not isinstance(address, tuple):
        return True  # a Unix socket's path, or a connected socket
    host = str(address[0])
    if host in ("", "localhost"):
        return True
    try:
        return ipaddress.ip_address(host.split("%")[0]).is_loopback
    except ValueError:
        return False


def stay_here() -> None:
    """From now on refuse every connection to elsewhere, for the rest of this process."""

    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        if event in _CONNECTS and not is_here(arguments[1]):
            raise LeavesThisMachine(f"a test tried to reach {arguments[1]}; tests use loopback only")

    sys.addaudithook(refuse)
