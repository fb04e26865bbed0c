"""`smrep completion`: print a shell's completion script."""

from __future__ import annotations

import click

from smrep.cli.root import COMPLETE, command, version
from smrep.cli.shell_completion import SHELLS


@command(
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
    """Print a shell's completion script.

    The script completes commands, options, Regions, AWS profiles and files without calling AWS. Set
    SMREP_COMPLETE_AWS=1 to complete secrets and KMS aliases too, with a one-second timeout; errors are ignored.
    """
    click.echo(SHELLS[shell](ctx.find_root().command, COMPLETE, ()).source(), nl=False)
