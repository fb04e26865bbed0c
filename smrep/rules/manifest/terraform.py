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
from smrep.rules.replication.key_failures import DEFAULT, normalized_key

_TYPE = "aws_secretsmanager_secret"
_NAME = re.compile(r"[0-9A-Za-z/_+=.@-]{1,512}")
"""A secret's name that the provider accepts."""
_AWS_TAG_PREFIX = "aws:"
"""The prefix of AWS's own tags; the provider neither shows nor accepts them."""

_HEAD = """\
For Terraform 1.5 or later and the provider hashicorp/aws, whose Region has to be {home}.
The first plan imports, and names two fields as changes which AWS does not know: recovery_window_in_days and
force_overwrite_replica_secret. Applying it writes them into the state and sends nothing; the next plan is empty.
Keep both out of ignore_changes: where the state has no recovery window, Terraform deletes a secret without one.
Not checked, and not in this file: values, resource policies, rotation."""


@dataclass(frozen=True, slots=True)
class Remark:
    """A note for the reader of the export, about a secret or one replica."""

    name: str
    region: Region | None
    text: str
    hint: str | None = None
    """The next command to run."""

    @property
    def note(self) -> str:
        """The remark, with the secret's name."""
        remark = f"{self.name}: {self.text}" if self.region else self.text
        return f"{remark.rstrip('.')}: {self.hint}" if self.hint else remark


@dataclass(frozen=True, slots=True)
class TerraformExport:
    """The primaries of a Region as described, and their replicas as their own Regions show them."""

    home: Region
    primaries: Sequence[Secret]
    own_keys: Mapping[str, str]
    """Keys by replica ARN, as the replica's Region shows them."""
    gone: Collection[str] = ()
    """ARNs of listed replicas that their Region does not have."""

    @property
    def replicated(self) -> list[Secret]:
        """The primaries with replicas, by name."""
        return sorted((primary for primary in self.primaries if primary.replicas), key=lambda primary: primary.name)

    def remarks(self) -> list[Remark]:
        """Return all remarks, in the order of the blocks."""
        return [remark for primary in self.replicated for remark in self._remarks(primary)]

    def written(self, notes: Sequence[str]) -> str:
        """Return the blocks, sorted by name, after `notes` and general remarks as comments."""
        shown = [primary for primary in self.replicated if _skip_reason(primary) is None]
        names = identifiers([primary.name for primary in shown])
        parts = [[comment(line) for line in (*notes, *_HEAD.format(home=self.home).splitlines())]]
        for primary in self.replicated:
            if primary.name in names:
                parts += self._blocks(primary, names[primary.name])
            else:
                parts.append([comment(remark.text) for remark in self._remarks(primary)])
        return "\n".join("".join(f"{line}\n" for line in part) for part in parts)

    def _blocks(self, primary: Secret, name: str) -> list[list[str]]:
        address = f"{_TYPE}.{name}"
        comments: dict[Region | None, list[str]] = {}
        for remark in self._remarks(primary):
            comments.setdefault(remark.region, []).append(comment(remark.text))
        # keep the key as shown: a promoted replica may show AWS's own, and the provider compares texts
        arguments = {"name": primary.name, "description": primary.description, "kms_key_id": primary.kms_key_id}
        lines = attributes({key: value for key, value in arguments.items() if value})
        if tags := {quoted(key): value for key, value in sorted(primary.tags) if not key.startswith(_AWS_TAG_PREFIX)}:
            lines += ["", *block("tags =", attributes(tags))]
        for entry in sorted(primary.replicas, key=lambda replica: replica.region):
            fields = {"region": str(entry.region)}
            if entry.kms_key_id not in (None, DEFAULT):
                fields["kms_key_id"] = str(entry.kms_key_id)
            lines += ["", *comments.get(entry.region, ()), *block("replica", attributes(fields))]
        imported = ["import {", f"  to = {address}", *(f"  {line}" for line in attributes({"id": primary.arn})), "}"]
        return [imported, block(f'resource "{_TYPE}" "{name}"', lines)]

    def _remarks(self, primary: Secret) -> Iterator[Remark]:
        reason = _skip_reason(primary)
        if reason:
            yield Remark(primary.name, None, f"{primary.name} was skipped: {reason}")
            return
        for entry in sorted(primary.replicas, key=lambda replica: replica.region):
            yield from self._of_replica(primary, entry)

    def _of_replica(self, primary: Secret, entry: Replica) -> Iterator[Remark]:
        """Yield differences from a replica in sync; Terraform trusts the primary's entry."""
        region, arn = entry.region, in_region(primary.arn, entry.region)
        if entry.status != IN_SYNC:
            state = f"{region} is {entry.status}" if entry.status else f"AWS gives no status for {region}"
            why = _command_on("doctor", primary, region) if entry.status == FAILED else None
            yield Remark(primary.name, region, f"{state}: {entry.message}" if entry.message else state, why)
        elif arn in self.gone:
            seen = f"{region} has no replica, although the primary says InSync"
            yield Remark(primary.name, region, seen, _command_on("doctor", primary, region))
        replica_key = self.own_keys.get(arn)
        if replica_key and normalized_key(replica_key, region, primary.account) != normalized_key(
            entry.kms_key_id, region, primary.account
        ):
            seen = f"{region} shows the key {replica_key}; Terraform reads the primary's list"
            yield Remark(primary.name, region, seen)


def _command_on(command: str, primary: Secret, region: Region) -> str:
    return format_command_on(primary, command, [Target(region)])


def _skip_reason(primary: Secret) -> str | None:
    """Return why Terraform should not, or cannot, manage the secret."""
    if primary.owning_service:
        return f"the AWS service {primary.owning_service} manages it"
    if primary.deleted:
        return "it is scheduled for deletion, which Terraform treats as deleted"
    if not _NAME.fullmatch(primary.name):
        return "the provider does not accept its name"
    return None


_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_HASH_STEP = 8
"""The number of digits to add at a time to equal names."""


def quoted(text: str) -> str:
    """Return the text as a string on one line, with unprintable characters escaped.

    Escapes templates and GitHub workflow commands too.
    Source: docs.github.com, workflow commands; actions/runner.
    """
    inner = "".join(_character(character) for character in text).replace("##[", "\\u0023#[")
    return '"' + re.sub(r"([$%])(?=\{)", r"\1\1", inner) + '"'


def comment(text: str) -> str:
    """Return a comment on one line, for any text."""
    return f"# {plain(text).replace('##[', '# #[')}".rstrip()


def attributes(values: Mapping[str, str]) -> list[str]:
    """Return a line for each attribute, aligned like `terraform fmt`."""
    width = max(map(len, values), default=0)
    return [f"{key:{width}} = {quoted(value)}" for key, value in values.items()]


def block(head: str, lines: Iterable[str]) -> list[str]:
    """Return a block around the lines; empty lines stay empty."""
    return [f"{head} {{", *(f"  {line}" if line else "" for line in lines), "}"]


def identifiers(names: Sequence[str]) -> dict[str, str]:
    """Return a unique identifier for each name, independent of their order.

    Names with equal identifiers get as many digits of their own hash as needed.
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
    """Return letters, digits, underscores and dashes; the first is no digit or dash."""
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
