"""`smrep help`: topics, runbooks and commands."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import click

from smrep.cli.completion_values import COMPLETE_AWS
from smrep.cli.root import command, version
from smrep.errors import Outcome

EXAMPLES = """\b
Examples:
    smrep help exit-codes
    smrep help replicate
    smrep help runbooks fail-back
    smrep help sandbox start"""


def _words(context: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Return the topics and commands that begin this way, or the subcommands of a typed command."""
    typed = context.params.get("words") or ()
    if typed == ("runbooks",):
        return [name for name in runbook_names() if name.startswith(incomplete)]
    command, _ = _resolve(context.find_root(), typed)
    below = command.list_commands(context) if isinstance(command, click.Group) else ()
    names = below if typed else [*TOPICS, *below]
    return [name for name in names if name.startswith(incomplete)]


@command(epilog=EXAMPLES)
@click.argument("words", metavar="[TOPIC|COMMAND]", nargs=-1, shell_complete=_words)
@version
@click.pass_context
def help_(ctx: click.Context, words: tuple[str, ...]) -> None:
    """Explain a topic or a command.

    The topics are exit-codes, environment, output, manifest and runbooks.
    """
    if len(words) == 1 and words[0] in TOPICS:
        click.echo(TOPICS[words[0]](), nl=False)
        return
    if words[:1] == ("runbooks",):
        click.echo(runbook(_runbook(words[1:], ctx)), nl=False)
        return
    command, context = _resolve(ctx.find_root(), words)
    if command is None:
        raise click.UsageError(_unknown(context, words), ctx)
    click.echo(command.get_help(context))


def _runbook(words: tuple[str, ...], context: click.Context) -> str:
    """Return the name of the requested page."""
    names = runbook_names()
    if len(words) != 1 or words[0] not in names:
        raise click.UsageError(f"no such runbook: {' '.join(words)!r}; choose from: {', '.join(names)}", context)
    return words[0]


def _resolve(root: click.Context, words: tuple[str, ...]) -> tuple[click.Command | None, click.Context]:
    """Return the command and its context; None with the last valid command's context if there is none."""
    command, context = root.command, root
    for word in words:
        below = command.get_command(context, word) if isinstance(command, click.Group) else None
        if below is None:
            return None, context
        command, context = below, click.Context(below, parent=context, info_name=word)
    return command, context


def _unknown(context: click.Context, words: tuple[str, ...]) -> str:
    """Return the message for the first unknown word, with the nearest match."""
    from difflib import get_close_matches

    depth = len(context.command_path.split()) - 1
    names = context.command.list_commands(context) if isinstance(context.command, click.Group) else []
    if not depth:
        names = [*TOPICS, *names]
    near = get_close_matches(words[depth], names, n=1)
    if near:
        hint = f"did you mean {near[0]}?"
    else:
        hint = f"choose from: {', '.join(names)}" if names else f"{context.command_path} has no subcommands"
    return f"no such {'command' if depth else 'topic or command'}: {words[depth]!r}; {hint}"


WIDTH = 78

CODES: Mapping[str, tuple[str, str]] = {
    "0": (Outcome.OK.word, "everything is as you asked, or was before"),
    "1": (Outcome.FAILED.word, "AWS refused a request or did not answer, or a replica failed; others may be fine"),
    "2": (Outcome.USAGE.word, "the command line or the manifest is wrong, or nobody can confirm"),
    "3": (
        Outcome.PENDING.word,
        "nothing failed, but something is not finished: at the timeout, or when status looked",
    ),
    "4": (Outcome.ACCESS.word, "credentials, permission or configuration"),
    "5": (
        Outcome.DRIFT.word,
        "smrep found a difference and changed nothing (verify, audit, plan --detailed-exitcode, another key)",
    ),
    "70": (Outcome.BUG.word, "a bug in smrep"),
    "130": (Outcome.INTERRUPTED.word, "by Ctrl-C or SIGINT; 143 is SIGTERM, 129 SIGHUP, 141 a broken pipe"),
}
"""Exit code -> the document's word for it, and its meaning."""

WEIGHT = """\
If several apply: 1, then 4, 3, 5, 0. With --no-wait, a request that AWS accepted is 0, with the result "pending" in \
the JSON document; any other unfinished run exits nonzero."""

CASES: Iterable[tuple[str, str]] = (
    ("missing secret, a replica instead of a primary, pending deletion", "1"),
    ("a Region skipped by a check (name conflict, orphan, promoted replica)", "1"),
    ("wait, verify for a secret without replicas", "1"),
    ("the primary's own Region as target, a bad or foreign-partition Region", "2"),
    ("another account than --expect-account or the manifest says, a contradiction", "2"),
    ("a manifest's rule that matches no secret: plan, apply (audit warns)", "2"),
    ("selectors that match nothing (list and audit warn)", "2"),
    ("a secret that failback skips because both sides changed", "1"),
    ("a plan that is out of date (apply --plan)", "1"),
    ("a replica with another key than you asked for, or another version (verify)", "5"),
    ("verify, audit, rekey, doctor: no permission to check", "4"),
    ("--dry-run, whatever it found (1 for a Region that it would skip)", "0"),
)
"""Cases that the meanings leave unclear, with their codes."""

OUTPUT = """\
-o FORMAT, or SMREP_OUTPUT, sets the format of the result:

  table   for people; the default on a terminal; its layout may change. With
          more than 20 rows it shows trouble first and counts the rest;
          --verbose shows every row. All other formats print every row
  text    the default elsewhere: tab-separated rows for each secret and Region,
          without a header: secret region status kms_key_id action message
          account_id verified; - means unknown; new columns come at the end
  csv     the same columns, separated by commas, under a header
  name    the ARN of each primary, one a line; audit prints only secrets with
          findings; accounts prints IDs of accounts
  json    one document, whatever happens; --json is short for it
  ndjson  an event a line as it happens: version first, then plan, request,
          status, secret, progress, and last result, with the document

accounts has columns of its own: smrep accounts --help lists them.

export and init print a manifest instead of rows and document. export
--terraform prints Terraform's blocks, and takes no -o.

--query JMESPATH prints the part of the document that it selects: as JSON, or
with -o text like aws --output text. The document's JSON Schema is
smrep/output/document.schema.json, in the package.

Standard output has the result and nothing else. Progress, hints, questions
and errors go to standard error; -q keeps only warnings and errors. Progress
redraws itself on a terminal; elsewhere it is a line for each change. smrep
escapes control characters from any source.

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

ORGANIZATION = """\
[organization]
role_name = "smrep"                 # the role in each account
ous = ["ou-ab12-11111111"]          # with all OUs below them; default: all
exclude = ["*-sandbox"]             # account IDs, OUs, patterns of names
external_id = "dr"                  # if the roles' trust policies ask for it
management = false                  # true: the management account too
# the role that may ask; default: your own credentials
lookup_role_arn = "arn:aws:iam::123456789012:role/lookup"
"""

MANIFEST = f"""\
A manifest says which secrets need replicas in which Regions: TOML, or JSON of
the same shape. init and export write it; audit, plan, apply and accounts read
it.

{textwrap.indent(EXAMPLE, "  ")}
Required: schema and, in each [[replicate]], regions and one of names, prefix or
tags. A secret that several rules match gets the Regions of all; two keys for
one Region are a mistake. apply removes a Region only if every matching rule
says remove_extra; apply --yes then needs --max-removals N. smrep reports all
mistakes at once, with their lines, and does nothing.

[organization], in place of account_id, finds the accounts in AWS Organizations;
an [[account]] overrides one of them:

{textwrap.indent(ORGANIZATION, "  ")}
  smrep init --prefix prod/ -r us-west-2 > dr.toml
  smrep accounts -f dr.toml
  smrep plan -f dr.toml
  smrep apply -f dr.toml
"""


def exit_codes() -> str:
    """Return the meaning of each exit code, and the unclear cases."""
    rows = "".join(_row(f"{code:<5}{word:<13}", meaning) for code, (word, meaning) in CODES.items())
    unclear = "".join(f"  {code}  {_wrapped(case, '     ').lstrip()}" for case, code in CASES)
    return f"{rows}\n{_wrapped(WEIGHT)}\n{unclear}"


def environment() -> str:
    """Return every variable that smrep reads, with its effect."""
    parts = (
        ("An option overrides its variable. No variable enables anything destructive.",
         OURS),
        ("AWS's variables that smrep reads; boto3 reads others too:", AWS),
        ("Variables that terminals, CI and schedulers set:", SURROUNDINGS),
    )  # fmt: skip
    return "\n".join(f"{head}\n\n{_rows(meanings)}" for head, meanings in parts)


def _rows(meanings: Mapping[str, str]) -> str:
    return "".join(f"  {name}\n{_wrapped(meaning, '      ')}" for name, meaning in meanings.items())


def _row(first: str, text: str) -> str:
    return first + _wrapped(text, " " * len(first)).lstrip()


def _wrapped(text: str, indent: str = "") -> str:
    lines = textwrap.wrap(
        text, WIDTH, initial_indent=indent, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(lines) + "\n"


OURS: Mapping[str, str] = {
    "SMREP_PRIMARY_REGION": "Region of the primary, as --primary-region.",
    "SMREP_EXPECT_ACCOUNT": "Account id, as --expect-account: smrep refuses secrets of other accounts.",
    "SMREP_TIMEOUT": "Duration, as --timeout.",
    "SMREP_OUTPUT": "Format of the result, as --output.",
    "SMREP_COLOR": "auto, always or never, as --color.",
    "SMREP_NO_INPUT": "1, as --no-input: smrep refuses whatever requires confirmation.",
    "SMREP_MANIFEST": "Manifest of the Lambda function: a path in its bundle, or s3://BUCKET/KEY.",
    "SMREP_DOCUMENTS": "s3://BUCKET/PREFIX for the documents of the Lambda function; without it, its log has them.",
    "SMREP_HOLD": "1 lets the Lambda function look and report, but send no request.",
    COMPLETE_AWS: "1 lets completion ask AWS for secrets and KMS aliases, within one second; 2, within two."
    " Aliases need kms:ListAliases, which no command needs.",
}
"""smrep's own variables -> their meaning."""

AWS: Mapping[str, str] = {
    "AWS_REGION, AWS_DEFAULT_REGION": "Region of the primary, if no ARN, option or variable of smrep names"
    " one. The profile's Region comes last.",
    "AWS_PROFILE, AWS_DEFAULT_PROFILE": "Profile of the AWS configuration; --profile overrides it.",
    "AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE": "Files of that configuration and its credentials.",
    "AWS_ENDPOINT_URL": "Endpoint to use instead of AWS's own; smrep always reports it.",
    "AWS_USE_FIPS_ENDPOINT": "true for FIPS endpoints, which some Regions lack.",
    "AWS_CA_BUNDLE, REQUESTS_CA_BUNDLE": "File with certificates to trust, for a proxy that intercepts TLS.",
}
"""AWS's variables that smrep reads or mentions; boto3 also reads others."""

SURROUNDINGS: Mapping[str, str] = {
    "NO_COLOR, FORCE_COLOR, CLICOLOR_FORCE, TERM": "Color, if --color is auto; FORCE_COLOR=0 turns it off.",
    "CI": "Progress as plain lines, even on a terminal.",
    "COLUMNS": "Width of tables.",
    "GITHUB_ACTIONS, GITHUB_STEP_SUMMARY": "Failed Regions become annotations, and the table the step's summary.",
    "AWS_BATCH_JOB_ARRAY_INDEX, JOB_COMPLETION_INDEX": "The shard that --shard auto/N takes, counted from 0.",
}
"""Variables set by terminals, CI and schedulers."""


_PACKAGE = Path(__file__).parents[2]
_HEAD = """\
Each page says what you see, what to type, what you must see before you go on,
what can go wrong, and what it costs. The pages are Markdown.

"""


def runbook_names() -> list[str]:
    """Return the names of the pages."""
    return sorted(path.stem for path in _folder().glob("[a-z]*.md"))


def runbook(name: str) -> str:
    """Return a page's text; `name` is one of `names`."""
    return (_folder() / f"{name}.md").read_text(encoding="utf-8")


def runbook_index() -> str:
    """Return how to read each page, and its subject."""
    lines = [
        f"  smrep help runbooks {name}\n      {runbook(name).splitlines()[0].removeprefix('# ')}\n"
        for name in runbook_names()
    ]
    return _HEAD + "".join(lines)


def _folder() -> Path:
    packed = _PACKAGE / "runbooks"
    return packed if packed.is_dir() else _PACKAGE.parent / "docs" / "runbooks"


TOPICS: Mapping[str, Callable[[], str]] = {
    "exit-codes": exit_codes,
    "environment": environment,
    "output": lambda: OUTPUT,
    "manifest": lambda: MANIFEST,
    "runbooks": runbook_index,
}
"""Topic name -> page."""
