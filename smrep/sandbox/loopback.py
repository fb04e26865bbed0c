"""Loopback addresses and host names."""

from __future__ import annotations

from ipaddress import ip_address


def is_loopback(address: str) -> bool:
    """Return whether `address` is a loopback IP address; False for a host name."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def is_local(name: str) -> bool:
    """Return whether a host name or address is this machine."""
    return name.lower() == "localhost" or is_loopback(name)
