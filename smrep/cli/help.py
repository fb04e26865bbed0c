"""`smrep help`: a topic, or a command's own help."""

from __future__ import annotations

import click

from smrep.cli import runbooks
from smrep.cli.basics import CONTEXT, version
from smrep.cli.topics import TOPICS

EXAMPLES = """\b
Examples:
    smrep help exit-codes
    smrep help replicate
    smrep help runbooks fail-back
    smrep help sandbox start"""


def _words(context: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Return the topics and commands that begin so, or what is below the command that was typed."""
    typed = context.params.get("words") or ()
    if typed == ("runbooks",):
        return [name for name in runbooks.names() if name.startswith(incomplete)]
    command, _ = _found(context.find_root(), typed)
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
        click.echo(runbooks.page(_runbook(words[1:], ctx)), nl=False)
        return
    command, context = _found(ctx.find_root(), words)
    if command is None:
        raise click.UsageError(_unknown(context, words), ctx)
    click.echo(command.get_help(context))


def _runbook(words: tuple[str, ...], context: click.Context) -> str:
    """Return the name of the page that was asked for."""
    known = runbooks.names()
    if len(words) != 1 or words[0] not in known:
        raise click.UsageError(f"no such runbook: {' '.join(words)!r}; choose from: {', '.join(known)}", context)
    return words[0]


def _found(root: click.Context, words: tuple[str, ...]) -> tuple[click.Command | None, click.Context]:
    """Return the command that the words lead to and its context; None with that of the last command on the way."""
    command, context = root.command, root
    for word in words:
        below = command.get_command(context, word) if isinstance(command, click.Group) else None
        if below is None:
            return None, context
        command, context = below, click.Context(below, parent=context, info_name=word)
    return command, context


def _unknown(context: click.Context, words: tuple[str, ...]) -> str:
    """Return what is wrong with the words: the first that leads nowhere, and the nearest that would."""
    from difflib import get_close_matches

    depth = len(context.command_path.split()) - 1
    known = context.command.list_commands(context) if isinstance(context.command, click.Group) else []
    if not depth:
        known = [*TOPICS, *known]
    near = get_close_matches(words[depth], known, n=1)
    if near:
        hint = f"did you mean {near[0]}?"
    else:
        hint = f"choose from: {', '.join(known)}" if known else f"{context.command_path} has none"
    return f"no such {'command' if depth else 'topic or command'}: {words[depth]!r}; {hint}"
