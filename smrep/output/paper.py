"""What a format may know of where it is printed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Paper:
    """A place to print on."""

    colour: bool = False
    width: int | None = None
    """Columns of the terminal; None where it is none."""
    unicode: bool = True
    """Whether lines may be drawn with more than ASCII."""
