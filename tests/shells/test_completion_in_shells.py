"""What bash, zsh and fish make of a line and a TAB, each by itself."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fixtures import BIN, ROOT
from shells.terminals import ZSH, Terminal, environment, fish, needs, opened, spied

pytestmark = pytest.mark.terminal
SHELLS = [pytest.param(each, marks=needs(each)) for each in ("bash", "zsh", "fish")]
Complete = Callable[[str], list[str]]
PROFILES = """[default]
region = us-east-1
[profile dev]
[profile two words]
[profile "two words"]
[profile http://a:b=c@d]
[profile bell\x07]
"""
HOSTILE = "a$(touch pwned)`touch pwned`;'\"\\!*é~#b"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    (folder / "config").write_text(PROFILES)
    (folder / "credentials").write_text(f"[{HOSTILE}]")
    (folder / "a manifest.toml").touch()
    return folder


@pytest.fixture(scope="module")
def terminals(home: Path) -> Iterator[Callable[[str], Terminal]]:
    made: dict[str, Terminal] = {}

    def get(shell: str) -> Terminal:
        if shell not in made:
            made[shell] = opened(shell, home)
        return made[shell]

    yield get
    for each in made.values():
        each.close()


@pytest.fixture(params=SHELLS)
def candidates(request: pytest.FixtureRequest, home: Path, terminals: Callable[[str], Terminal]) -> Complete:
    """Return a function that tells what a shell offers for a line; bash replaces only what follows the last : or =."""
    if request.param == "fish":
        return lambda line: fish(line, home)

    def complete(line: str) -> list[str]:
        (home / "candidates").unlink(missing_ok=True)  # another test's
        terminals(request.param).complete(line)
        return spied(home / "candidates")

    return complete


@pytest.fixture(params=SHELLS[:2])
def typed(request: pytest.FixtureRequest, home: Path, terminals: Callable[[str], Terminal]) -> Callable[[str], str]:
    """Return a function that tells what a line is after a TAB."""
    return terminals(request.param).complete


def test_commands_options_and_choices(candidates: Complete) -> None:
    assert candidates("smrep re") == ["replicate", "retry", "rekey", "remove"]
    assert candidates("smrep sandbox ex") == ["exec"]
    assert candidates("smrep replicate x --force") == ["--force-overwrite"]
    assert candidates("smrep status x -o js") == ["json"]
    assert candidates("smrep completion ") == ["bash", "zsh", "fish"]


def test_regions_that_were_not_typed_yet(candidates: Complete) -> None:
    assert candidates("smrep status x -r us-w") == ["us-west-1", "us-west-2"]
    assert candidates("smrep replicate x -r us-west-2,us-w") == ["us-west-2,us-west-1"]
    assert candidates("smrep replicate x -r us-west-2 -r us-w") == ["us-west-1"]
    assert candidates("smrep replicate x --primary-region us-west-1 -r us-w") == ["us-west-2"]
    assert candidates("X=1 smrep list | smrep status x -r eu-no") == ["eu-north-1"]


def test_a_colon_in_the_line_is_part_of_a_word(candidates: Complete) -> None:
    arn = "arn:aws:secretsmanager:us-west-1:123456789012:secret:prod/db-a1b2c3"
    assert candidates(f"smrep replicate {arn} -r us-w") == ["us-west-2"]


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("smrep repl", "smrep replicate "),
        ("smrep replicate x --region=eu-no", "smrep replicate x --region=eu-north-1 "),
        ("smrep replicate x --region us-west-2,eu-no", "smrep replicate x --region us-west-2,eu-north-1 "),
        ("smrep replicate x -reu-no", "smrep replicate x -reu-north-1 "),
        ("smrep replicate x '-r' \"eu-no", "smrep replicate x '-r' \"eu-north-1\" "),
        ("smrep replicate x -r 'eu-no", "smrep replicate x -r 'eu-north-1' "),
        ("smrep replicate x -r eu\\-no", "smrep replicate x -r eu-north-1 "),
        ("smrep status x; smrep prom", "smrep status x; smrep promote "),
        (f"{BIN}/smrep prom", f"{BIN}/smrep promote "),
        ("smrep list --profile tw", "smrep list --profile two\\ words "),
        ("smrep list --profile 'tw", "smrep list --profile 'two words' "),
        ('smrep list --profile "tw', 'smrep list --profile "two words" '),
        ("smrep list --profile two\\ w", "smrep list --profile two\\ words "),
        ("smrep list --profile=tw", "smrep list --profile=two\\ words "),
        ("smrep plan -f a", "smrep plan -f a\\ manifest.toml "),
        ("smrep plan --file=a", "smrep plan --file=a\\ manifest.toml "),
        ("smrep export > a", "smrep export > a\\ manifest.toml "),
        ("smrep nosuch ", "smrep nosuch "),
        ("smrep list --profile be", "smrep list --profile be"),
    ],
)
def test_the_line_after_a_tab(typed: Callable[[str], str], line: str, wanted: str) -> None:
    assert typed(line) == wanted


@pytest.mark.parametrize(
    "begun", ["a", "'a", '"a', "http", "http:", "http://a:b", "http://a:b=", "'http:", '"http://a:b=']
)
@pytest.mark.parametrize("option", ["--profile ", "--profile="])
@pytest.mark.parametrize("shell", SHELLS[:2])
def test_what_is_inserted_means_the_profile_and_runs_nothing(
    terminals: Callable[[str], Terminal], home: Path, shell: str, option: str, begun: str
) -> None:
    wanted = "http://a:b=c@d" if "http" in begun else HOSTILE
    words = terminals(shell).run(f"smrep list {option}{begun}")
    assert words == ["list", *([f"--profile={wanted}"] if option.endswith("=") else ["--profile", wanted])]
    assert not (home / "pwned").exists()


@needs("fish")
def test_fish_quotes_what_it_inserts(home: Path) -> None:
    (line,) = fish("smrep list --profile a", home, escape=True)
    script = f"for word in {line}; echo $word; end"
    done = subprocess.run(["fish", "--no-config", "-c", script], capture_output=True, text=True, check=True, cwd=home)
    assert done.stdout == HOSTILE + "\n"
    assert not (home / "pwned").exists()
    assert fish("smrep list --profile 'tw", home) == ["two words"]
    assert fish("smrep list --profile=tw", home) == ["--profile=two words"]
    assert fish("smrep list --profile http://a:b=", home) == ["http://a:b=c@d"]
    assert fish("smrep plan -f a", home) == ["a manifest.toml"]
    assert fish("smrep plan --file=a", home) == ["--file=a manifest.toml"]


@needs("zsh")
def test_zsh_loads_it_from_its_folder_of_functions(home: Path) -> None:
    shutil.copy(ROOT / "completions/smrep.zsh", home / "_smrep")
    terminal = opened("zsh", home, setup="fpath=($HOME $fpath)\n" + ZSH.replace("source SCRIPT", ""))
    try:
        assert [terminal.complete("smrep repl") for _ in range(3)] == ["smrep replicate "] * 3
    finally:
        terminal.close()


@needs("fish")
def test_fish_loads_it_from_its_folder(home: Path) -> None:
    folder = home / ".config/fish/completions"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "completions/smrep.fish", folder / "smrep.fish")
    done = subprocess.run(
        ["fish", "-c", "complete -C 'smrep repl'"], env=environment(home), capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("replicate\tAdd replica Regions")
