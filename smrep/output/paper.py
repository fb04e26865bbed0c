"""What a format may know of where it is printed."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Paper:
    """A place to print on."""

    colour: bool = False
    width: int | None = None
    """Columns of the terminal; None where it is none."""
    unicode: bool = True
    """Whether lines may be drawn with more than ASCII."""


def fits(columns: str) -> bool:
    """Tell whether the text is a number of columns, or of lines, that a terminal can have."""
    return re.fullmatch(r"0*[1-9]\d{0,3}", columns, re.ASCII) is not None
