"""`smrep help`: a topic, or a command's own help."""

from __future__ import annotations

import click

from smrep.cli.options import CONTEXT, version

EXIT_CODES = """\
0    ok       the wanted state is reached, or was there already
1    failed   AWS was asked and said no or nothing, or a Region is Failed; others may be fine
2    usage    the command line or the manifest is wrong, or nobody can answer a confirmation
3    pending  nothing failed, something is not finished: the deadline passed, or status found it so
4    access   credentials, permission or configuration
5    drift    a difference was found (verify, audit, plan --detailed-exitcode), nothing was changed
70   bug      a fault of smrep itself
130  SIGINT   143  SIGTERM   141  broken pipe

Where several apply: 1, then 4, 3, 5, 0. A request that AWS accepted with --no-wait typed is 0,
with the result "pending" in the JSON document; nothing else unfinished ever is 0.

  missing secret, replica given where the primary is needed, pending deletion     1
  a Region stopped before anything was sent (namesake, orphan, promoted replica)  1
  wait, verify for a secret without replicas                                      1
  the primary's own Region as target, a bad or foreign-partition Region           2
  another account than --expect-account's or the manifest's, a contradiction      2
  a rule of the manifest that matches no secret: plan, apply (audit warns)        2
  a plan that the world has moved away from (apply --plan)                        1
  a replica under another key than the one asked for, or not the same (verify)    5
  verify, audit, rekey, doctor that were denied a look                            4
  --dry-run, whatever it found to do (a Region that it would stop at is still 1)  0
"""

TOPICS = {"exit-codes": EXIT_CODES}


def _topics(context: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Return the topics and commands that begin so."""
    root = context.find_root().command
    names = [*TOPICS, *(root.list_commands(context) if isinstance(root, click.Group) else ())]
    return [name for name in names if name.startswith(incomplete)]


@click.command(context_settings=CONTEXT)
@click.argument("topic", metavar="[TOPIC|COMMAND]", required=False, shell_complete=_topics)
@version
@click.pass_context
def help_(ctx: click.Context, topic: str | None) -> None:
    """Explain a topic (exit-codes) or a command."""
    parent = ctx.find_root()
    if topic is None:
        click.echo(parent.get_help())
    elif topic in TOPICS:
        click.echo(TOPICS[topic], nl=False)
    else:
        assert isinstance(parent.command, click.Group)  # noqa: S101 - the root is one
        _, command, _ = parent.command.resolve_command(parent, [topic])
        assert command is not None  # noqa: S101 - resolve_command has refused others
        click.echo(command.get_help(click.Context(command, parent=parent, info_name=topic)))
