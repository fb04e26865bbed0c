"""Which addresses and names are this machine's own."""

from __future__ import annotations

from ipaddress import ip_address


def is_loopback(address: str) -> bool:
    """Whether an IP address is this machine's own; a name is no address."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def is_local(name: str) -> bool:
    """Whether a host's name, or its address, is this machine's own."""
    return name.lower() == "localhost" or is_loopback(name)
