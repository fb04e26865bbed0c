"""`smrep completion`: print a shell's completion script."""

from __future__ import annotations

import click

from smrep.cli.root import COMPLETE, CONTEXT, version
from smrep.cli.shell_completion import SHELLS


@click.command(
    context_settings=CONTEXT,
    epilog="""\b
bash: mkdir -p ~/.local/share/bash-completion/completions
      smrep completion bash > ~/.local/share/bash-completion/completions/smrep
zsh:  mkdir -p ~/.zfunc; in ~/.zshrc, before compinit: fpath=(~/.zfunc $fpath)
      smrep completion zsh > ~/.zfunc/_smrep
fish: mkdir -p ~/.config/fish/completions
      smrep completion fish > ~/.config/fish/completions/smrep.fish""",
)
@click.argument("shell", type=click.Choice(list(SHELLS)))
@version
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script for a shell.

    It completes commands, options, Regions, the profiles of the AWS configuration and files without any call. With
    SMREP_COMPLETE_AWS=1 in the environment it asks AWS for secrets and KMS aliases too, for a second at most.
    """
    click.echo(SHELLS[shell](ctx.find_root().command, COMPLETE, ()).source(), nl=False)
