"""Which network addresses the program goes to when somebody else's answer says where: public ones only.

After OWASP's Server-Side Request Forgery Prevention Cheat Sheet. What lies inside a hospital's or cloud's own network
(RFC 1918, RFC 4193, loopback, link-local with the metadata services) is nothing that a name from outside may lead to.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address

METADATA = frozenset(
    {
        ip_address("169.254.169.254"),  # AWS, Azure, Google, Oracle …
        ip_address("fd00:ec2::254"),  # AWS
        ip_address("100.100.100.200"),  # Alibaba
        ip_address("168.63.129.16"),  # Azure's own, which looks like a public one
    }
)
"""Services that hand out a machine's credentials to whoever asks from it: nobody's sign-in, nobody's gateway."""
_TRANSLATED = IPv6Network("64:ff9b::/96")  # RFC 6052: an IPv4 address within
_SHARED = IPv4Network("100.64.0.0/10")  # RFC 6598


def is_public(address: Address) -> bool:
    """Whether this address belongs to the internet at large, and to no service of the machine's own surroundings."""
    plain = _within(address)
    return plain.is_global and not (plain.is_multicast or plain.is_reserved or plain in METADATA)


def may_be_inside(address: Address) -> bool:
    """Whether an operator may allow this address by naming its host: private ones and the machine itself."""
    plain = _within(address)
    is_shared = isinstance(plain, IPv4Address) and plain in _SHARED
    is_inside = plain.is_loopback or ((plain.is_private or is_shared) and not plain.is_reserved)
    return is_inside and not (plain.is_link_local or plain.is_multicast or plain.is_unspecified or plain in METADATA)


def _within(address: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for, where it stands for one."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address in _TRANSLATED:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address
