"""Writes Terraform's import and resource blocks for replicated secrets."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from smrep.model import FAILED, IN_SYNC, Replica, Secret, Target, in_region
from smrep.regions import Region
from smrep.rules.hints import format_command_on
from smrep.rules.manifest.fields import plain
from smrep.rules.replication.key_failures import DEFAULT, normal

_TYPE = "aws_secretsmanager_secret"
_NAME = re.compile(r"[0-9A-Za-z/_+=.@-]{1,512}")
"""What the provider takes for a secret's name."""
_NO_TAG = "aws:"
"""Tags that begin so are AWS's own; the provider neither shows nor takes them."""

_HEAD = """\
For Terraform 1.5 or later and the provider hashicorp/aws, whose Region has to be {home}.
The first plan imports, and names two fields as changes which AWS does not know: recovery_window_in_days and
force_overwrite_replica_secret. Applying it writes them into the state and sends nothing; the next plan is empty.
Keep both out of ignore_changes: where the state has no recovery window, Terraform deletes a secret without one.
Not looked at, and not here: values, resource policies, rotation."""


@dataclass(frozen=True, slots=True)
class Remark:
    """What somebody has to know who takes a secret over: of the whole of it, or of one replica."""

    name: str
    region: Region | None
    text: str
    hint: str | None = None
    """The next command to run."""

    @property
    def note(self) -> str:
        """The remark where the secret does not stand beside it."""
        told = f"{self.name}: {self.text}" if self.region else self.text
        return f"{told.rstrip('.')}: {self.hint}" if self.hint else told


@dataclass(frozen=True, slots=True)
class TerraformExport:
    """The primaries of a Region as they were described, and what their replicas' own Regions show."""

    home: Region
    primaries: Sequence[Secret]
    own_keys: Mapping[str, str]
    """Replica's ARN -> the key that its own Region shows."""
    gone: Collection[str] = ()
    """ARNs of replicas that a primary lists and their Region does not hold."""

    @property
    def replicated(self) -> list[Secret]:
        """The primaries that list a replica, by name."""
        return sorted((each for each in self.primaries if each.replicas), key=lambda each: each.name)

    def remarks(self) -> list[Remark]:
        """Return all there is to remark, in the order of the blocks."""
        return [remark for primary in self.replicated for remark in self._remarks(primary)]

    def written(self, notes: Sequence[str]) -> str:
        """Return the blocks, sorted by name, with `notes` and what holds for all as comments at the top."""
        shown = [primary for primary in self.replicated if _left_out(primary) is None]
        names = identifiers([primary.name for primary in shown])
        parts = [[comment(each) for each in (*notes, *_HEAD.format(home=self.home).splitlines())]]
        for primary in self.replicated:
            if primary.name in names:
                parts += self._blocks(primary, names[primary.name])
            else:
                parts.append([comment(each.text) for each in self._remarks(primary)])
        return "\n".join("".join(f"{line}\n" for line in part) for part in parts)

    def _blocks(self, primary: Secret, name: str) -> list[list[str]]:
        address = f"{_TYPE}.{name}"
        told: dict[Region | None, list[str]] = {}
        for remark in self._remarks(primary):
            told.setdefault(remark.region, []).append(comment(remark.text))
        # the key as it is shown: on a replica that was promoted it may be AWS's own, and the provider compares texts
        own = {"name": primary.name, "description": primary.description, "kms_key_id": primary.kms_key_id}
        lines = attributes({key: value for key, value in own.items() if value})
        if tags := {quoted(key): value for key, value in sorted(primary.tags) if not key.startswith(_NO_TAG)}:
            lines += ["", *block("tags =", attributes(tags))]
        for entry in sorted(primary.replicas, key=lambda each: each.region):
            fields = {"region": str(entry.region)}
            if entry.kms_key_id not in (None, DEFAULT):
                fields["kms_key_id"] = str(entry.kms_key_id)
            lines += ["", *told.get(entry.region, ()), *block("replica", attributes(fields))]
        imported = ["import {", f"  to = {address}", *(f"  {each}" for each in attributes({"id": primary.arn})), "}"]
        return [imported, block(f'resource "{_TYPE}" "{name}"', lines)]

    def _remarks(self, primary: Secret) -> Iterator[Remark]:
        reason = _left_out(primary)
        if reason:
            yield Remark(primary.name, None, f"{primary.name} is left out: {reason}")
            return
        for entry in sorted(primary.replicas, key=lambda each: each.region):
            yield from self._of_replica(primary, entry)

    def _of_replica(self, primary: Secret, entry: Replica) -> Iterator[Remark]:
        """Yield what differs from a replica in sync; Terraform goes by the primary's word, whatever that is."""
        region, arn = entry.region, in_region(primary.arn, entry.region)
        if entry.status != IN_SYNC:
            state = f"{region} is {entry.status}" if entry.status else f"AWS gives no status for {region}"
            again = _spelled("retry", primary, region) if entry.status == FAILED else None
            yield Remark(primary.name, region, f"{state}: {entry.message}" if entry.message else state, again)
        elif arn in self.gone:
            seen = f"{region} holds no replica, though the primary says InSync"
            yield Remark(primary.name, region, seen, _spelled("doctor", primary, region))
        own = self.own_keys.get(arn)
        if own and normal(own, region, primary.account) != normal(entry.kms_key_id, region, primary.account):
            seen = f"{region} itself shows the key {own}; Terraform sees what the primary shows"
            yield Remark(primary.name, region, seen)


def _spelled(command: str, primary: Secret, region: Region) -> str:
    return format_command_on(primary, command, [Target(region)])


def _left_out(primary: Secret) -> str | None:
    """Return why Terraform should not have the secret, or can't."""
    if primary.owning_service:
        return f"the AWS service {primary.owning_service} manages it"
    if primary.deleted:
        return "it is scheduled for deletion, which Terraform takes for gone"
    if not _NAME.fullmatch(primary.name):
        return "the provider takes no such name"
    return None


_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_HASH_STEP = 8
"""So many digits are added at a time to names that would be one."""


def quoted(text: str) -> str:
    """Return a string on one line that means the text; what a terminal would not print as it stands is escaped.

    So is what begins a template, and what GitHub's runner would take for a command.
    Source: docs.github.com, workflow commands; actions/runner.
    """
    inner = "".join(_character(each) for each in text).replace("##[", "\\u0023#[")
    return '"' + re.sub(r"([$%])(?=\{)", r"\1\1", inner) + '"'


def comment(text: str) -> str:
    """Return a comment on one line, whatever the text holds."""
    return f"# {plain(text).replace('##[', '# #[')}".rstrip()


def attributes(values: Mapping[str, str]) -> list[str]:
    """Return a line for each attribute, the signs below each other as `terraform fmt` puts them."""
    width = max(map(len, values), default=0)
    return [f"{key:{width}} = {quoted(value)}" for key, value in values.items()]


def block(head: str, lines: Iterable[str]) -> list[str]:
    """Return a block with its lines; empty ones stay empty."""
    return [f"{head} {{", *(f"  {each}" if each else "" for each in lines), "}"]


def identifiers(names: Sequence[str]) -> dict[str, str]:
    """Return an identifier for each of the names, no two alike, and the same ones whatever their order.

    Names that would be one are each given the beginning of their own hash, as much of it as is needed.
    """
    digits = dict.fromkeys(names, 0)
    while True:
        made = {name: _identifier(name, count) for name, count in digits.items()}
        often = Counter(made.values())
        alike = [name for name, identifier in made.items() if often[identifier] > 1]
        if not alike:
            return made
        for name in alike:
            digits[name] += _HASH_STEP


def _identifier(name: str, digits: int) -> str:
    """Return letters, digits, underscores and dashes, of which a digit or a dash does not come first."""
    stem = re.sub(r"[^A-Za-z0-9_-]", "_", name)
    if not re.match(r"[A-Za-z_]", stem):
        stem = f"_{stem}"
    return f"{stem}_{sha256(name.encode(errors='surrogatepass')).hexdigest()[:digits]}" if digits else stem


def _character(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\u{code:04x}" if character <= "\uffff" else f"\\U{code:08x}"
