"""Completion scripts for shells, and the parsing of a partly typed line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import click
from click.shell_completion import CompletionItem, ShellComplete, _resolve_context, _resolve_incomplete

from smrep.cli.completion_values import offered

_BASH = """\
%(complete_func)s() {
    local program=${1/#\\~/$HOME} IFS=$'\\t' type value help
    type -P -- "$program" >/dev/null || program=%(prog_name)s
    COMPREPLY=()
    while read -r type value help; do
        if [[ $type == file ]]; then
            compopt -o default 2>/dev/null
        elif [[ $type ]]; then
            COMPREPLY+=("$value")
        fi
    done <<<"$(env %(complete_var)s=bash_complete "$program" "${COMP_LINE:0:COMP_POINT}" "$2" </dev/null 2>/dev/null)"
}

complete -o nosort -F %(complete_func)s %(prog_name)s 2>/dev/null || complete -F %(complete_func)s %(prog_name)s
"""

_ZSH = """\
#compdef %(prog_name)s

%(complete_func)s() {
    local program=${${(Q)words[1]}/#\\~/$HOME} line
    local -a parts candidates explained
    whence -p -- "$program" >/dev/null || program=%(prog_name)s
    for line in "${(@f)$(env %(complete_var)s=zsh_complete "$program" "${(@Q)words[1,CURRENT-1]}" "${(Q)PREFIX}" \\
            </dev/null 2>/dev/null)}"; do
        parts=("${(@ps:\\t:)line}")
        if [[ $parts[1] == file ]]; then
            compset -P "${(b)parts[2]}"
            _files
        elif [[ -n $parts[3] ]]; then
            explained+=("${${parts[2]//\\\\/\\\\\\\\}//:/\\\\:}:$parts[3]")
        elif [[ -n $parts[2] ]]; then
            candidates+=("$parts[2]")
        fi
    done
    (( $#explained )) && _describe -V %(prog_name)s explained
    (( $#candidates )) && compadd -V %(prog_name)s -a -- candidates
    return 0
}

if (( $+compstate )); then
    %(complete_func)s "$@"
else
    compdef %(complete_func)s %(prog_name)s
fi
"""

_FISH = """\
function %(complete_func)s
    set -l words (commandline -opc)
    set -l word (commandline -ct)
    set -l program (string replace -r '^~(?=/)' -- $HOME $words[1])
    command -q -- $program; or set program %(prog_name)s
    for line in (env %(complete_var)s=fish_complete $program $words "$word" </dev/null 2>/dev/null)
        set -l parts (string split \\t -- $line)
        if test "$parts[1]" = file
            for path in (__fish_complete_path (string sub -s (math 1 + (string length -- "$parts[2]")) -- "$word"))
                printf '%%s\\n' $parts[2]$path
            end
        else
            printf '%%s\\t%%s\\n' $parts[2] "$parts[3]"
        end
    end
end

complete --no-files --keep-order --command %(prog_name)s --arguments '(%(complete_func)s)'
"""


class _Complete(ShellComplete):
    """Common part of the three shells."""

    def __init__(self, root: click.Command, variable: str, words: Sequence[str]) -> None:
        """Keep the words from the shell's script."""
        super().__init__(root, {}, "smrep", variable)
        self.words = words

    def get_completion_args(self) -> tuple[list[str], str]:
        """Return the words before the one to complete, without the program, and that word's beginning."""
        if not self.words:
            raise ValueError("a completion script gives the words typed so far")
        return list(self.words[1:-1]), self.words[-1]

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[str]]:
        """Return complete candidates for the word, including its option's typed part.

        Source: click 8.5, ShellComplete.get_completions; it parses no argument if the last option lacks its value, and
        drops `--option=` before a value.
        """
        context = _resolve_context(self.cli, self.ctx_args, self.prog_name, args)
        whole = incomplete
        if _is_bundled(context, args, incomplete):
            args, incomplete = [*args, incomplete[:2]], incomplete[2:]
        param, rest = _resolve_incomplete(context, args, incomplete)
        if isinstance(param, click.Option):
            context = _resolve_context(self.cli, self.ctx_args, self.prog_name, args[:-1])
        before = whole.removesuffix(rest)
        items = (
            offered(context, param, rest) if isinstance(param, click.Parameter) else param.shell_complete(context, rest)
        )
        negations = {word: item.opts[0] for item in context.command.params for word in item.secondary_opts}
        for item in items:
            if item.value in negations:  # click repeats the help of the opposite option
                item.help = f"The opposite of {negations[item.value]}."
        return [_behind(before, item) for item in items if item.type == "file" or item.value.isprintable()]

    def format_completion(self, item: CompletionItem[Any]) -> str:
        """Return the candidate's line."""
        return f"{item.type}\t{item.value}\t{' '.join((item.help or '').split())}"


def _is_bundled(context: click.Context, args: Sequence[str], word: str) -> bool:
    """Return whether the word is a short option with the beginning of its value: -rus-w."""
    if "--" in args or len(word) <= len("-r") or word.startswith("--"):
        return False
    options = [option for option in context.command.get_params(context) if isinstance(option, click.Option)]
    return any(word[:2] in option.opts and not option.is_flag and not option.count for option in options)


def _behind(before: str, item: CompletionItem[Any]) -> CompletionItem[Any]:
    """Return the candidate as a whole word; for a file, only the part before its name."""
    return CompletionItem(before if item.type == "file" else before + item.value, type=item.type, help=item.help)


class Bash(_Complete):
    """bash: passes the line and the part to replace: the last word, or the text after its last : or =."""

    name = "bash"
    source_template = _BASH

    def complete(self) -> str:
        """Return the answer; bash includes redirections."""
        line, replaced = self.words
        words = without_redirections(split(line))
        if words is None:
            return self.format_completion(CompletionItem("", type="file"))
        self.words = [word.text for word in words]
        kept = words[-1].raw.removesuffix(replaced)
        (self.kept,) = split(kept)[-1:]
        return super().complete()

    def format_completion(self, item: CompletionItem[Any]) -> str:
        """Return the candidate without the part that stays on the line, quoted as needed, and without help."""
        if item.type == "file":
            return super().format_completion(item)
        value = escaped(str(item.value).removeprefix(self.kept.text), self.kept.quote)
        return super().format_completion(CompletionItem(value))


class Zsh(_Complete):
    """zsh: passes unquoted words, and quotes candidates itself."""

    name = "zsh"
    source_template = _ZSH


class Fish(_Complete):
    """fish: passes unquoted words except for the last, and quotes candidates itself."""

    name = "fish"
    source_template = _FISH

    def get_completion_args(self) -> tuple[list[str], str]:
        """Return the words, the last one unquoted."""
        args, incomplete = super().get_completion_args()
        return args, split(incomplete)[-1].text


SHELLS: dict[str, type[_Complete]] = {each.name: each for each in (Bash, Zsh, Fish)}
"""Shells by name."""


def answer(root: click.Command, variable: str, instruction: str, words: Sequence[str]) -> str:
    """Return the answer to a completion script.

    Raises:
        KeyError: no such instruction.
        ValueError: the words do not come from a completion script.

    """
    shell, _, task = instruction.partition("_")
    if task != "complete":
        raise KeyError(instruction)
    return SHELLS[shell](root, variable, words).complete()


_PLAIN = re.compile(r"[\w@%+=:,./-]")
_REDIRECTION = re.compile(r"(?:\d*|&)(?:>>|>\||<>|[<>])")


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a line."""

    raw: str
    """Word as typed."""
    text: str
    """Text without quotes and backslashes; variables and commands are not expanded."""
    quote: str
    """Open quote at its end: ', " or none."""


def split(line: str) -> list[Word]:
    """Return the line's words; the last one is at its end, empty after a blank."""
    words: list[Word] = []
    raw = text = quote = ""
    escape = False
    for char in line:
        if not (quote or escape) and char in " \t\n":
            if raw:
                words.append(Word(raw, text, ""))
            raw = text = ""
            continue
        raw += char
        if escape:
            text += char if quote != '"' or char in '$`"\\' else "\\" + char
            escape = False
        elif char == "\\" and quote != "'":
            escape = True
        elif char == quote:
            quote = ""
        elif not quote and char in "'\"":
            quote = char
        else:
            text += char
    return [*words, Word(raw, text, quote)]


def without_redirections(words: Sequence[Word]) -> list[Word] | None:
    """Return the program's words, None if the last one is the file of a redirection."""
    kept: list[Word] = []
    pending = False
    for number, word in enumerate(words):
        redirection = _REDIRECTION.match(word.raw)
        if (pending or redirection) and number == len(words) - 1:
            return None
        if not (pending or redirection):
            kept.append(word)
        pending = redirection is not None and redirection.end() == len(word.raw)
    return kept


def escaped(text: str, quote: str) -> str:
    """Return the text escaped for a word with that open quote, or none."""
    if quote == "'":
        return text.replace("'", "'\\''")
    if quote == '"':
        return re.sub(r'([$`"\\])', r"\\\1", text).replace("!", "\"'!'\"")
    return "".join(char if _PLAIN.match(char) else "\\" + char for char in text)
