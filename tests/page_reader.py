"""Parses the coverage page strictly: its elements, numbers and rows."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from smrep.output.safe import safe

VOID = {"meta", "link", "input"}
OWN_TAGS = {
    *("html", "head", "meta", "title", "link", "style", "body", "main", "script", "header", "section", "div", "p"),
    *("h1", "h2", "a", "b", "i", "span", "code", "ul", "li", "dl", "dt", "dd", "details", "summary"),
    *("table", "thead", "tbody", "tr", "th", "td", "form", "label", "input", "select", "option", "button"),
}


@dataclass
class Element:
    tag: str
    attrs: dict[str, str | None] = field(default_factory=dict)
    children: list[Element | str] = field(default_factory=list)

    def all(self, tag: str, **attrs: str) -> list[Element]:
        """Return the elements of that tag in it; a class need not be the only one."""
        return [each for each in self.walk() if each.tag == tag and all(each.has(*pair) for pair in attrs.items())]

    def the(self, tag: str, **attrs: str) -> Element:
        """Return the only one."""
        (found,) = self.all(tag, **attrs)
        return found

    def has(self, name: str, value: str) -> bool:
        given = self.attrs.get(name.rstrip("_"))
        return value in (given or "").split() if name == "class_" else given == value

    def walk(self) -> Iterator[Element]:
        for each in self.children:
            if isinstance(each, Element):
                yield each
                yield from each.walk()

    @property
    def classes(self) -> set[str]:
        return set((self.attrs.get("class") or "").split())

    @property
    def text(self) -> str:
        return "".join(each if isinstance(each, str) else each.text for each in self.children)


class _Reader(HTMLParser):
    """Reads, and takes no end tag but that of the element that is open."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open = [Element("")]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), attrs
        element = Element(tag, dict(attrs))
        self.open[-1].children.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def handle_pi(self, data: str) -> None:
        raise AssertionError(data)


def read(text: str) -> Element:
    """Return the page, which is well formed, made of our elements alone, and allows itself nothing else."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    (root,) = reader.open
    assert {each.tag for each in root.walk()} <= OWN_TAGS
    for each in root.walk():
        assert not [name for name in each.attrs if name.startswith("on") or name in ("src", "style", "srcdoc")]
        assert each.attrs.get("href") in (None, "#secrets", "data:,")
    _check_policy(root)
    return root


def _check_policy(root: Element) -> None:
    """Assert that the styles and scripts are those that the policy names, and that it names no other source."""
    (content,) = [each.attrs["content"] for each in root.all("meta") if "http-equiv" in each.attrs]
    rules = {name: set(values) for name, *values in (each.split() for each in (content or "").split(";"))}
    for tag in ("style", "script"):
        hashes = {base64.b64encode(hashlib.sha256(each.text.encode()).digest()).decode() for each in root.all(tag)}
        assert {f"'sha256-{each}'" for each in hashes} <= rules.pop(f"{tag}-src")
    none = {"'none'"}
    assert rules.pop("require-trusted-types-for") == {"'script'"}
    assert rules == {"default-src": none, "img-src": {"data:"}, "base-uri": none, "form-action": none}


def facts(root: Element) -> dict[str, str]:
    """Return what is told of the run, by its names."""
    return {each.the("dt").text: each.the("dd").text for each in root.the("dl").all("div")}


def rows(root: Element) -> list[Element]:
    """Return the rows of the secrets."""
    return [each for each in root.the("table", id="rows").all("tr") if not each.all("th", scope="col")]


def regions(root: Element) -> list[str]:
    """Return the Regions of the matrix, in their order."""
    heads = [each.text for each in root.the("table", id="rows").all("th", scope="col")]
    assert (heads[0], heads[-2:]) == ("Secret", ["Checked by", "Findings"])
    return heads[1:-2]


def totals(root: Element) -> dict[tuple[str, str], int]:
    """Return (state, Region or nothing) -> the number that is told; nothing where none is."""
    found = {}
    for cell in root.the("table", id="totals").all("td"):
        if "data-state" in cell.attrs and re.fullmatch("[0-9,]+", cell.text):
            place = (str(cell.attrs["data-state"]), str(cell.attrs["data-region"]))
            found[place] = int(cell.text.replace(",", ""))
    return found


def counted(document: dict[str, Any]) -> dict[tuple[str, str], int]:
    """Return the same from the JSON document: the summary, and in each Region what findings and errors tell."""
    replicas = [(each["region"], each) for secret in document["secrets"] for each in secret["replicas"]]
    names = {(region, name) for region, each in replicas for name in _names(each)}
    summary = {(name, ""): count for name, count in document["summary"].items() if name != "secrets"}
    states = {name for name, _ in summary} | {name for _, name in names}
    return summary | {
        (name, safe(region)): sum(name in _names(each) for there, each in replicas if there == region)
        for name in states
        for region, _ in replicas
    }


def _names(replica: dict[str, Any]) -> set[str]:
    kinds = {each["kind"] for each in replica["findings"]}
    return kinds | {"in_trouble"} if replica["error"] else kinds or {"covered"}
