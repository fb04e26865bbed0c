"""`smrep help`: topics, runbooks and commands."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import click

from smrep.cli.completion_values import COMPLETE_AWS
from smrep.cli.root import CONTEXT, version
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


@click.command(context_settings=CONTEXT, epilog=EXAMPLES)
@click.argument("words", metavar="[TOPIC|COMMAND]", nargs=-1, shell_complete=_words)
@version
@click.pass_context
def help_(ctx: click.Context, words: tuple[str, ...]) -> None:
    """Explain a topic or a command.

    The topics are exit-codes, environment, output, manifest and runbooks, whose pages are read one by one.
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
        hint = f"choose from: {', '.join(names)}" if names else f"{context.command_path} has none"
    return f"no such {'command' if depth else 'topic or command'}: {words[depth]!r}; {hint}"


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
"""Exit code -> the document's word for it, and its meaning."""

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
"""Cases that the meanings leave unclear, with their codes."""

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
    """Return the meaning of each exit code, and the unclear cases."""
    rows = "".join(_row(f"{code:<5}{word:<13}", meaning) for code, (word, meaning) in CODES.items())
    unclear = "".join(f"  {code}  {_wrapped(case, '     ').lstrip()}" for case, code in CASES)
    return f"{rows}\n{_wrapped(WEIGHT)}\n{unclear}"


def environment() -> str:
    """Return every variable that smrep reads, with its effect."""
    parts = (
        ("An option that is typed comes before its variable. No variable switches on\nanything destructive.",
         OURS),
        ("AWS's own that smrep looks at; boto3 heeds its others too:", AWS),
        ("What terminals, CI and schedulers set:", SURROUNDINGS),
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
    "SMREP_EXPECT_ACCOUNT": "Account id, as --expect-account: any other account's secret is refused.",
    "SMREP_TIMEOUT": "Duration, as --timeout.",
    "SMREP_OUTPUT": "Format of the result, as --output.",
    "SMREP_COLOR": "auto, always or never, as --color.",
    "SMREP_NO_INPUT": "1 for --no-input: what would have to be confirmed is refused.",
    COMPLETE_AWS: "1 lets a shell's completion ask AWS for secrets and KMS aliases, for one second in all; 2 for two,"
    " and so on. Aliases need kms:ListAliases, which no command does.",
}
"""smrep's own variables -> their meaning."""

AWS: Mapping[str, str] = {
    "AWS_REGION, AWS_DEFAULT_REGION": "Region of the primary, where no ARN, option or variable of smrep's names"
    " one. The profile's Region comes last.",
    "AWS_PROFILE, AWS_DEFAULT_PROFILE": "Profile of the AWS configuration; --profile comes before it.",
    "AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE": "Where that configuration and its credentials are.",
    "AWS_ENDPOINT_URL": "Endpoint to use instead of AWS's own; it is said whenever one is in force.",
    "AWS_USE_FIPS_ENDPOINT": "true for the endpoints of FIPS, which not every Region has.",
    "AWS_CA_BUNDLE, REQUESTS_CA_BUNDLE": "File with the certificates to trust, where a proxy opens TLS.",
}
"""AWS's variables that smrep reads or mentions; boto3 also reads others."""

SURROUNDINGS: Mapping[str, str] = {
    "NO_COLOR, FORCE_COLOR, CLICOLOR_FORCE, TERM": "Colour, where --color is auto; FORCE_COLOR=0 asks for none.",
    "CI": "Progress as plain lines, also on a terminal.",
    "COLUMNS": "How wide a table may be.",
    "GITHUB_ACTIONS, GITHUB_STEP_SUMMARY": "Failed Regions become annotations, the table a step's summary.",
    "AWS_BATCH_JOB_ARRAY_INDEX, JOB_COMPLETION_INDEX": "The shard that --shard auto/N takes, counted from 0.",
}
"""Variables set by terminals, CI and schedulers."""


_PACKAGE = Path(__file__).parents[2]
_HEAD = """\
For the night: what you see, what to type, what you must see before going on,
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
