"""The topics of `smrep help`, each a page of 78 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Mapping

from smrep.cli import runbooks, variables
from smrep.errors import Outcome

WIDTH = 78

CODES: Mapping[str, tuple[str, str]] = {
    "0": (Outcome.OK.word, "the wanted state is reached, or was there already"),
    "1": (Outcome.FAILED.word, "AWS was asked and said no or nothing, or a Region is Failed; others may be fine"),
    "2": (Outcome.USAGE.word, "the command line or the manifest is wrong, or nobody can answer a confirmation"),
    "3": (
        Outcome.PENDING.word,
        "nothing failed, something is not finished: the deadline passed, or status found it so",
    ),
    "4": (Outcome.ACCESS.word, "credentials, permission or configuration"),
    "5": (
        Outcome.DRIFT.word,
        "a difference was found and left as it is (verify, audit, plan --detailed-exitcode, another key)",
    ),
    "70": (Outcome.BUG.word, "a fault of smrep itself"),
    "130": (Outcome.INTERRUPTED.word, "by Ctrl-C or SIGINT; 143 is SIGTERM, 129 SIGHUP, 141 a broken pipe"),
}
"""Exit code -> the document's word for it, and what it means."""

WEIGHT = """\
Where several apply: 1, then 4, 3, 5, 0. A request that AWS accepted with --no-wait typed is 0, with the result \
"pending" in the JSON document; nothing else unfinished ever is 0."""

CASES: Iterable[tuple[str, str]] = (
    ("missing secret, replica given where the primary is needed, pending deletion", "1"),
    ("a Region stopped before anything was sent (namesake, orphan, promoted replica)", "1"),
    ("wait, verify for a secret without replicas", "1"),
    ("the primary's own Region as target, a bad or foreign-partition Region", "2"),
    ("another account than --expect-account's or the manifest's, a contradiction", "2"),
    ("a rule of the manifest that matches no secret: plan, apply (audit warns)", "2"),
    ("a choice that matches no replica: failover", "2"),
    ("a secret that failback leaves alone, since both sides were changed", "1"),
    ("a plan that the world has moved away from (apply --plan)", "1"),
    ("a replica under another key than the one asked for, or not the same (verify)", "5"),
    ("verify, audit, rekey, doctor that were denied a look", "4"),
    ("--dry-run, whatever it found (a Region that it would stop at is still 1)", "0"),
)
"""What is not clear from the code's meaning alone, and its code."""

OUTPUT = """\
-o FORMAT, or SMREP_OUTPUT, is the form of the result:

  table   for people, and the default on a terminal; its looks may change
  text    the default elsewhere: a row per secret and Region, with tabs between
          and no header: secret region status kms_key_id action message; - is
          for nothing known; of several accounts, account_id comes last
  name    the ARN of each primary, one a line; of an audit, of each secret that
          is not as it should be
  json    one document, whatever happened; --json is short for it
  ndjson  an event a line as it happens: version first, then plan, request,
          status, secret, progress, and last result, with the document

export writes the manifest in place of the rows and of the document, or with
--terraform Terraform's blocks, beside which no -o is taken.

--query JMESPATH prints what it finds in the document: as JSON, or with
-o text in the manner of aws --output text. The document's JSON Schema is
smrep/output/document.schema.json, in the package.

The result goes to standard output, and nothing else does. Progress, hints,
questions and errors go to standard error; -q leaves only warnings and errors.
Progress is drawn anew on a terminal, else a line for each change.
Characters that a terminal would act on are escaped, whoever they come from.

  smrep status prod/db -o json | jq -r '.secrets[].replicas[].status'
  smrep status prod/db --query 'secrets[].replicas[].[region, status]' -o text
  smrep audit -r us-west-2 -o name | smrep replicate - -r us-west-2
"""

EXAMPLE = """\
schema = 1
account_id = "123456789012"         # guard: another account is refused
primary_region = "us-east-1"        # guard, and where the primaries live

[[replicate]]
name = "payments"                   # what plans call this rule
names = ["prod/payments/db"]        # a secret must match each kind that is
prefix = ["prod/payments/"]         #   given, by any of its values
tags = { dr = "true" }              #   (of tags: by all of them)
exclude = ["prod/payments/tmp-*"]   # shell patterns of names
regions = ["us-west-2", { region = "eu-west-1", kms_key = "alias/dr" }]
remove_extra = false                # true: other Regions are removed

[[account]]                         # for several accounts, one each
role_arn = "arn:aws:iam::123456789012:role/smrep"
external_id = "dr"                  # if the role's trust policy asks for it
region = "us-east-1"                # primaries there; else primary_region
"""

MANIFEST = f"""\
A manifest says which secrets are wanted in which Regions: TOML, or JSON of the
same shape. audit, plan and apply read it (-f FILE), export writes it.

{textwrap.indent(EXAMPLE, "  ")}
schema and, in each [[replicate]], regions and one of names, prefix or tags
have to be there. A secret that several rules match is wanted in the Regions of
all; two keys for one Region are a mistake. A Region is removed only if every
rule that matches says remove_extra; apply --yes then needs --max-removals N.
Every mistake is told at once, with its line, and nothing is done.

  smrep export --prefix prod/ > dr.toml
  smrep plan -f dr.toml
  smrep apply -f dr.toml
"""


def exit_codes() -> str:
    """Return what each exit code means, and which it is where that is not plain."""
    rows = "".join(_row(f"{code:<5}{word:<13}", meaning) for code, (word, meaning) in CODES.items())
    cases = "".join(f"  {code}  {_wrapped(case, '     ').lstrip()}" for case, code in CASES)
    return f"{rows}\n{_wrapped(WEIGHT)}\n{cases}"


def environment() -> str:
    """Return every variable that is heeded, with what it does."""
    parts = (
        ("An option that is typed comes before its variable. No variable switches on\nanything destructive.",
         variables.OURS),
        ("AWS's own that smrep looks at; boto3 heeds its others too:", variables.AWS),
        ("What terminals, CI and schedulers set:", variables.SURROUNDINGS),
    )  # fmt: skip
    return "\n".join(f"{head}\n\n{_terms(terms)}" for head, terms in parts)


def _terms(terms: Mapping[str, str]) -> str:
    return "".join(f"  {name}\n{_wrapped(meaning, '      ')}" for name, meaning in terms.items())


def _row(first: str, text: str) -> str:
    return first + _wrapped(text, " " * len(first)).lstrip()


def _wrapped(text: str, indent: str = "") -> str:
    lines = textwrap.wrap(
        text, WIDTH, initial_indent=indent, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(lines) + "\n"


TOPICS: Mapping[str, Callable[[], str]] = {
    "exit-codes": exit_codes,
    "environment": environment,
    "output": lambda: OUTPUT,
    "manifest": lambda: MANIFEST,
    "runbooks": runbooks.index,
}
"""Each topic's name, and its page."""
