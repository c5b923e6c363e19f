"""Which addresses are the internet's, which an operator may allow, and which nobody may."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from domain.addresses import is_public, may_be_inside

PUBLIC = ("93.184.216.34", "8.8.8.8", "2606:2800:220:1:248:1893:25c8:1946", "64:ff9b::808:808")
INSIDE = (
    "127.0.0.1", "127.8.9.10", "10.1.2.3", "172.16.0.1", "172.31.255.254", "192.168.1.1", "100.64.0.1",
    "::1", "fc00::1", "fd12:3456::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "2002:7f00:1::", "64:ff9b::a00:1",
)  # fmt: skip
NEVER = (
    "169.254.169.254", "169.254.1.1", "168.63.129.16", "100.100.100.200", "fd00:ec2::254", "fe80::1", "0.0.0.0",
    "::", "224.0.0.1", "239.1.1.1", "ff02::1", "255.255.255.255", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe",
    "::ffff:168.63.129.16", "2002:a9fe:a9fe::",
)  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_the_internet_at_large(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize("address", INSIDE)
def test_what_lies_inside_is_reached_only_when_its_host_was_named(address: str) -> None:
    assert not is_public(ip_address(address))
    assert may_be_inside(ip_address(address))


@pytest.mark.parametrize("address", NEVER)
def test_what_hands_out_credentials_or_speaks_to_many_is_never_reached(address: str) -> None:
    assert not is_public(ip_address(address))
    assert not may_be_inside(ip_address(address))
