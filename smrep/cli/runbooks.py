"""The runbooks, which come with the package and lie in docs/runbooks of the source."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent.parent
_HEAD = """\
For the night: what you see, what to type, what you must see before going on,
what can go wrong, and what it costs. The pages are Markdown.

"""


def names() -> list[str]:
    """Return the pages' names."""
    return sorted(path.stem for path in _folder().glob("[a-z]*.md"))


def page(name: str) -> str:
    """Return a page's text; `name` is one of `names`."""
    return (_folder() / f"{name}.md").read_text(encoding="utf-8")


def index() -> str:
    """Return how to read each page, and what it is about."""
    told = [
        f"  smrep help runbooks {name}\n      {page(name).splitlines()[0].removeprefix('# ')}\n" for name in names()
    ]
    return _HEAD + "".join(told)


def _folder() -> Path:
    packed = _PACKAGE / "runbooks"
    return packed if packed.is_dir() else _PACKAGE.parent / "docs" / "runbooks"
