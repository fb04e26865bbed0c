"""Hostile texts: what a terminal, a CI runner, Markdown, rich or a shell would act on."""

from __future__ import annotations

ANSI = "\x1b[2J\x1b]0;owned\x07\x1b[31mred\x1b]8;;http://evil.example\x07x"
C1 = "\x9b2J\x9d0;owned\x9c\x85next"
CONTROLS = "nul\x00bs\x08del\x7ftab\tcr\rvt\x0b"
BIDI = "\u202egnp.exe\u202c\u2066x\u2069\u200f"
ZERO_WIDTH = "pr\u200bod\u200d\u2060\ufeff\u00ad\U000e0041"
SEPARATORS = "one\u2028two\u2029three"
NO_CHARACTERS = "\ue000\U000f0000\u0378\uffff"
SURROGATES = "\udcff-\ud83d"
TERMINAL = ANSI + C1 + CONTROLS + BIDI + ZERO_WIDTH + SEPARATORS + NO_CHARACTERS + SURROGATES

RUNNER = (
    "::error::one\n::add-mask::two\r  ::stop-commands::t\u2028::three::\x0b::group::four##[error]five\n##[add-mask]six"
)
MARKUP = "[bold]x[/] [/no] [link=a]:secret: :key: :skull:"
MARKDOWN = (
    "| `a` <img src=x onerror=y> [l](http://evil.example) ![i](//evil.example) **b** ~~s~~ $x$ &lt;"
    " @someone #12 http://evil.example www.evil.example me@evil.example <!-- \\| </code> -->"
)
SHELL = 'a b\' pwned; pwned & pwned | pwned $(pwned) `pwned` "pwned" > pwned \\'

TEXTS = {
    "terminal": TERMINAL,
    "runner": RUNNER,
    "markup": MARKUP,
    "markdown": MARKDOWN,
    "shell": SHELL,
}
"""Short enough to be read whole where a sentence quotes only the beginning of a wrong answer."""

BEGINNING = "::error::x ##[a]\n\x1b[31m\x9b\u202e\u200b\u2028\ue000\udcff[b]x[/]:key: |`a`<i>@a http://e.e $(pwned);'"
"""Something of each kind in less than eighty characters."""

EVERYTHING = f"{RUNNER}\n{TERMINAL}\n{MARKUP}\n{MARKDOWN}\n{SHELL}"

LONG = "".join(f"{number:04x}" for number in range(1024))
"""4,096 characters of which no two stretches of eight are alike, so that what is lost is seen."""

WIDE = "漢字かな한글ｆｕｌｌ👩🏽❤️e\u0301a\u0308\u0327🇩🇪"
