"""Whether a stream gets colour, and whether it gets animation: two questions, each decided in one place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TextIO


def wants_colour(choice: str, stream: TextIO, env: Mapping[str, str]) -> bool:
    """Return whether to colour: `choice` (always, never, auto), then NO_COLOR, the forcing variables, the terminal.

    Source: no-color.org; bixense.com/clicolors. FORCE_COLOR=0 asks for none.
    """
    if choice != "auto":
        return choice == "always"
    if env.get("NO_COLOR"):
        return False
    forced = env.get("FORCE_COLOR") or env.get("CLICOLOR_FORCE")
    if forced:
        return forced != "0"
    return env.get("TERM") != "dumb" and is_terminal(stream)


def wants_animation(stream: TextIO, env: Mapping[str, str]) -> bool:
    """Return whether a table may redraw itself: on a terminal that can, outside CI, whatever the colour."""
    return not env.get("CI") and env.get("TERM") != "dumb" and is_terminal(stream)


def is_terminal(stream: TextIO | None) -> bool:
    """Return whether the stream is a terminal; a closed one is none."""
    return stream is not None and not stream.closed and stream.isatty()
