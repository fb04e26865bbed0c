"""Root command: name, place and summary of every command, and the options of every command line."""

from __future__ import annotations

import inspect
from functools import partial
from importlib import import_module

import click

from smrep import __version__

COMPLETE = "_SMREP_COMPLETE"
"""Variable with which a shell's completion script asks for candidates."""
CONDUCTED = "smrep.conducted"
"""Key in a context's meta once a command has taken over its run and will report its end."""
SESSIONS = "smrep.sessions"
"""Key in a context's meta for the sessions of earlier runs in this process."""
WORDS = "smrep.words"
"""Key in a context's meta for the typed command line."""
CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class CommonOption(click.Option):
    """Option of every command; help lists it last."""


class Command(click.Command):
    """Command whose help begins with its summary and examples, and ends with the options of every command."""

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the summary, the examples and the description."""
        summary, _, description = inspect.cleandoc(self.help or "").partition("\n\n")
        for text in (summary, inspect.cleandoc(self.epilog or ""), description):
            if text:
                formatter.write_paragraph()
                with formatter.indentation():
                    formatter.write_text(text)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the command's own options, then the common ones."""
        sections: dict[str, list[tuple[str, str]]] = {"Options": [], "Options of every command": []}
        own, common = sections.values()
        for param in self.get_params(ctx):
            if isinstance(param, click.Option) and (record := param.get_help_record(ctx)):
                (common if isinstance(param, CommonOption) or "--help" in param.opts else own).append(record)
        for heading, records in sections.items():
            if records:
                with formatter.section(heading):
                    formatter.write_dl(records)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write nothing: the examples come first."""


command = partial(click.command, cls=Command, context_settings=CONTEXT)
"""Decorates the function of a command."""
version = click.version_option(
    __version__, "-V", "--version", prog_name="smrep", message="%(prog)s %(version)s", cls=CommonOption
)
"""Adds -V/--version."""

COMMANDS = {
    "replicate": ("smrep.cli.commands.replicate:replicate", "Add replica Regions and wait until each is in sync."),
    "status": ("smrep.cli.commands.status:status", "Show the replication state of each Region."),
    "wait": ("smrep.cli.commands.wait:wait", "Wait until the Regions are in sync; change nothing."),
    "retry": ("smrep.cli.commands.retry:retry", "Retry the failed Regions, and no others."),
    "verify": ("smrep.cli.commands.verify:verify", "Prove that each replica holds the current version."),
    "rekey": ("smrep.cli.commands.rekey:rekey", "Change a replica's KMS key in place."),
    "remove": ("smrep.cli.commands.remove:remove", "Delete replicas and wait until they are gone."),
    "promote": ("smrep.cli.commands.promote:promote", "Make a replica a standalone secret."),
    "doctor": ("smrep.cli.commands.doctor:doctor", "Check keys, names and permissions before you replicate."),
    "list": ("smrep.cli.commands.list:list_", "List the secrets of a Region and their roles."),
    "audit": ("smrep.cli.commands.audit:audit", "Find secrets with missing, failed or outdated replicas."),
    "accounts": ("smrep.cli.commands.accounts:accounts", "List the accounts that a manifest covers."),
    "init": ("smrep.cli.commands.init:init", "Write a manifest for secrets without a replica."),
    "plan": ("smrep.cli.commands.plan:plan", "Show what apply would do."),
    "apply": ("smrep.cli.commands.apply:apply", "Apply a manifest."),
    "merge": ("smrep.cli.commands.merge:merge", "Merge the documents of shards or accounts."),
    "export": ("smrep.cli.commands.export:export", "Write a manifest of the current replication."),
    "failover": ("smrep.cli.commands.failover:failover", "Promote many replicas while a Region is down."),
    "failback": (
        "smrep.cli.commands.failback:failback",
        "Fail back: return promoted secrets to their original Region.",
    ),
    "iam-policy": ("smrep.cli.commands.iam_policy:iam_policy", "Print the least-privilege IAM policy, offline."),
    "sandbox": ("smrep.cli.commands.sandbox:sandbox", "Run a local AWS that replicates like the real one."),
    "completion": ("smrep.cli.commands.completion:completion", "Print a shell's completion script."),
    "help": ("smrep.cli.commands.help:help_", "Explain a topic or a command."),
}
"""Name of each command, its place and its summary; loaded on demand."""


class Root(click.Group):
    """Commands in the order listed above."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return all names."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command, None if there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        place, summary = COMMANDS[cmd_name]
        module, _, attribute = place.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        command.short_help = summary
        required = [param for param in command.params if isinstance(param, click.Option) and param.required]
        command.options_metavar = " ".join([*(f"{param.opts[0]} {param.metavar}" for param in required), "[OPTIONS]"])
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without loading them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command for the first word; suggest the nearest for a mistyped one."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from difflib import get_close_matches

            near = get_close_matches(args[0], COMMANDS, n=1)
            nearest = f"; did you mean {near[0]}?" if near else ""
            raise click.UsageError(f"no such command: {args[0]!r}{nearest}", ctx) from error


root = Root(
    "smrep",
    help="Replicate AWS Secrets Manager secrets across Regions, and know that it worked.",
    epilog="Topics: smrep help exit-codes, environment, output, manifest, runbooks",
    context_settings=CONTEXT,
)
version(root)
