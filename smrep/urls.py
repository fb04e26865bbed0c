"""URLs as they may be shown: a password or a token in one is nobody's to read."""

from __future__ import annotations

import re

HIDDEN = "***"
"""Stands for what is not shown."""

_URL = re.compile(
    r"(https?)://(?:[^/?#]*@)?([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?(/[^?#]*)?([?#].*)?", re.DOTALL
)


def shown(url: str) -> str:
    """Return the URL's scheme, host, port and path; no host where a password may reach into it.

    After an unescaped `/`, `?` or `#` in a password, its rest stands where the host or the path does. An `@` behind
    them, or a host that cannot be one, tells of it.
    """
    found = _URL.fullmatch(url)
    if found and "@" not in (found[4] or "") + (found[5] or ""):
        return f"{found[1]}://{found[2]}{found[3] or ''}{found[4] or ''}"
    scheme = re.match(r"https?(?=://)", url)
    return f"{scheme[0]}://{HIDDEN}" if scheme else HIDDEN
