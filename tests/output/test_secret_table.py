"""Many secrets as people see them: of a list all, of an audit or a run what is not simply well, and never too much."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hostile.output_checks import OWN_COLOR, acts, commands
from hostile.payloads import LONG, TEXTS, WIDE
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from smrep.errors import Outcome
from smrep.output.formats import as_table
from smrep.output.safe import safe
from smrep.output.tables.status_table import FOLDED_ABOVE, MAX_ROWS
from smrep.output.terminal import Terminal
from smrep.regions import Region
from smrep.report import Action, Finding, Kind, LazyReports, Problem, RegionReport, RunReport, SecretReport, Severity


def rendered(report: RunReport, terminal: Terminal) -> str:
    return "".join(as_table(report, terminal))


HOME, WEST, IRELAND = Region("us-east-1"), Region("us-west-2"), Region("eu-west-1")
TERMINALS = [
    Terminal(width=80),
    Terminal(width=120),
    Terminal(),
    Terminal(width=80, unicode=False),
    Terminal(width=120, color=True),
]
LOST = Problem("ResourceNotFoundException", "prod/none: not found", None, None, Outcome.FAILED)
MISSING = Finding(Kind.MISSING, Severity.ERROR, "no replica there")
EXTRA = Finding(Kind.EXTRA, Severity.INFO, "where no rule wants it")


def secret(name: str, *rows: RegionReport, error: Problem | None = None, role: str | None = None) -> SecretReport:
    return SecretReport(name, Outcome.OK, None, HOME, rows, error, role=role)


def covered(region: Region = WEST) -> RegionReport:
    return RegionReport(region, Outcome.OK, note="current by listing")


def kept(region: Region = WEST) -> RegionReport:
    return RegionReport(region, Outcome.OK, status="InSync", action=Action.KEEP)


def missing(region: Region = WEST) -> RegionReport:
    return RegionReport(region, Outcome.DRIFT, findings=(MISSING,))


def acted(action: Action, outcome: Outcome = Outcome.OK, status: str = "InSync", message: str = "done") -> RegionReport:
    return RegionReport(WEST, outcome, status=status, status_message=message, action=action, changed=True)


def report(command: str, *secrets: SecretReport, error: Problem | None = None) -> RunReport:
    counts = None if command == "list" else {"secrets": len(secrets), "covered": 0, "changed": 0}
    began = datetime(2026, 11, 23, tzinfo=UTC)
    return RunReport(command, Outcome.OK, 0, began, 1.25, secrets=secrets, summary=counts, error=error)


def cells(text: str) -> list[list[str]]:
    """Return the cells of each row, where nothing is folded."""
    lines = text.splitlines()
    start = next(place for place, line in enumerate(lines) if line.strip() and set(line.strip()) <= set("─+-"))
    return [re.split(r" {3,}", line.strip()) for line in lines[start + 1 : lines.index("", start)]]


# a list


LISTED = (
    secret("prod/a", role="primary"),
    secret("prod/b", covered(HOME), role="replica"),
    secret("test/a", role="standalone"),
)


def test_a_list_shows_every_secret_with_its_role_and_the_region_of_its_primary() -> None:
    assert rendered(report("list", *LISTED), Terminal(width=80)) == (
        "\n"
        "   SECRET   ROLE         PRIMARY\n"
        " ─────────────────────────────────\n"
        "   prod/a   primary      us-east-1\n"
        "   prod/b   replica      us-east-1\n"
        "   test/a   standalone   us-east-1\n"
        "\n"
        "3 secrets: 1 primary, 1 replica, 1 standalone (1.2 s)\n"
    )


def test_an_empty_list_is_a_line() -> None:
    assert rendered(report("list"), Terminal(width=80)) == "0 secrets (1.2 s)\n"


# an audit, a run


def test_an_audit_shows_what_it_found_and_no_action() -> None:
    text = rendered(
        report(
            "audit",
            secret("prod/lost", error=LOST),
            secret("prod/a", missing(), covered(IRELAND)),
            secret("prod/b", covered()),
            secret("prod/c", RegionReport(IRELAND, Outcome.OK, status="InSync", findings=(EXTRA,))),
        ),
        Terminal(width=80),
    )
    assert text.splitlines()[1].split() == ["SECRET", "REGION", "STATUS", "MESSAGE"]
    *shown, extra = cells(text)
    assert shown == [
        ["prod/lost", "-", "-", "ResourceNotFoundException"],
        ["prod/a", "us-west-2", "-", "missing"],
    ]
    assert extra[:3] == ["prod/c", "eu-west-1", "InSync"]
    assert "4 secret" in text.splitlines()[-1]


def test_a_run_shows_what_was_done_and_what_failed_and_not_what_was_kept() -> None:
    text = rendered(
        report(
            "apply",
            secret("prod/a", acted(Action.RETRY, Outcome.FAILED, "Failed", "no luck")),
            secret("prod/b", acted(Action.REMOVE, Outcome.PENDING, "InSync", "going")),
            secret("prod/c", kept()),
            secret("prod/d", acted(Action.ADD), kept(IRELAND)),
        ),
        Terminal(width=80),
    )
    assert text.splitlines()[1].split() == ["SECRET", "REGION", "STATUS", "ACTION", "MESSAGE"]
    assert cells(text) == [
        ["prod/a", "us-west-2", "Failed", "retry", "no luck"],
        ["prod/b", "us-west-2", "InSync", "remove", "going"],
        ["prod/d", "us-west-2", "InSync", "add", "done"],
    ]


@pytest.mark.parametrize("command", ["audit", "apply"])
def test_where_all_is_well_there_are_only_the_counts(command: str) -> None:
    (line,) = rendered(report(command, secret("a", covered()), secret("b", kept())), Terminal(width=80)).splitlines()
    assert "2 secret" in line


@given(st.lists(st.sampled_from(["well", "found", "kept", "done", "lost"]), max_size=8))
def test_a_row_for_everything_that_was_found_or_done(fates: list[str]) -> None:
    made = {
        "well": lambda name: secret(name, covered()),
        "found": lambda name: secret(name, covered(IRELAND), missing()),
        "kept": lambda name: secret(name, kept()),
        "done": lambda name: secret(name, kept(IRELAND), acted(Action.ADD)),
        "lost": lambda name: secret(name, error=LOST),
    }
    secrets = [made[fate](f"s{place}") for place, fate in enumerate(fates)]
    text = rendered(report("apply", *secrets, secret("other", covered()), secret("last", covered())), Terminal())
    shown = [f"s{place}" for place, fate in enumerate(fates) if fate in ("found", "done", "lost")]
    assert sorted(re.findall(r"^   (s\d)   ", text, re.MULTILINE)) == shown


def test_of_a_secret_with_a_finding_every_region_that_is_not_well_is_shown() -> None:
    waiting = RegionReport(IRELAND, Outcome.PENDING, status="InProgress")
    audited = report("audit", secret("a", missing(), waiting, covered(Region("sa-east-1"))), secret("b", covered()))
    assert cells(rendered(audited, Terminal())) == [["a", "us-west-2", "-", "missing"], ["eu-west-1", "InProgress"]]


def test_of_one_secret_every_region_is_shown() -> None:
    text = rendered(report("audit", secret("a", missing(), covered(IRELAND))), Terminal())
    assert cells(text) == [["a", "us-west-2", "-", "missing"], ["eu-west-1", "-", "current by listing"]]


# very many


@pytest.mark.parametrize(
    ("command", "row", "hidden"),
    [
        ("list", None, 0),
        ("audit", missing(), 1),
        ("apply", acted(Action.ADD, Outcome.DRIFT), 0),
        ("list", None, 11_500),
    ],
)
def test_what_is_too_much_is_cut_with_a_word_on_how_much_more(
    command: str, row: RegionReport | None, hidden: int
) -> None:
    secrets = [secret(f"s{place:05}", *filter(None, [row]), role="primary") for place in range(MAX_ROWS + hidden)]
    text = rendered(report(command, *secrets), Terminal(width=80))
    assert [row_cells[0] for row_cells in cells(text)] == [f"s{place:05}" for place in range(MAX_ROWS)]
    assert re.findall(r"^  and (\d+) more: --verbose shows every row$", text, re.MULTILINE) == (
        [str(hidden)] if hidden else []
    )
    assert f"{MAX_ROWS + hidden} secret" in text.splitlines()[-1]


def test_what_is_well_takes_no_row_from_what_is_not() -> None:
    well = [secret(f"s{place:05}", covered()) for place in range(3 * MAX_ROWS)]
    text = rendered(report("audit", *well, secret("prod/a", missing())), Terminal(width=80))
    assert cells(text) == [["prod/a", "us-west-2", "-", "missing"]]
    assert "more" not in text


def test_secrets_are_made_one_by_one() -> None:
    made: list[int] = []

    def make(number: int) -> SecretReport:
        made.append(number)
        return secret(f"s{number}", missing())

    applied = report("audit")
    text = rendered(
        RunReport(
            applied.command,
            applied.outcome,
            0,
            applied.started_at,
            1.0,
            secrets=LazyReports(range(3), make),
            summary=applied.summary,
        ),
        Terminal(),
    )
    assert [row_cells[0] for row_cells in cells(text)] == ["s0", "s1", "s2"]
    assert sorted(set(made)) == [0, 1, 2]


# more than a screen


def status(*secrets: SecretReport, dry_run: bool = False) -> RunReport:
    return replace(report("status", *secrets), summary=None, dry_run=dry_run)


SYNCED = RegionReport(WEST, Outcome.OK, status="InSync", status_message="Replication succeeded")
FAILED = RegionReport(WEST, Outcome.FAILED, status="Failed", status_message="no luck")
OPEN = RegionReport(WEST, Outcome.PENDING, status="InProgress")


def many(count: int, row: RegionReport = SYNCED) -> list[SecretReport]:
    return [secret(f"well-{place:02}", row) for place in range(count)]


def test_of_many_trouble_comes_first_and_what_is_well_is_one_line() -> None:
    secrets = [*many(19), secret("slow", OPEN), secret("bare"), secret("bad", FAILED), secret("lost", error=LOST)]
    text = rendered(status(*secrets), Terminal(width=80))
    assert cells(text) == [
        ["bad", "us-west-2", "Failed", "no luck"],
        ["lost", "-", "-", "ResourceNotFoundException"],
        ["slow", "us-west-2", "InProgress"],
        ["bare", "-", "-", "no replicas"],
    ]
    assert "  19 InSync  --verbose shows every row" in text.splitlines()
    assert [line[0] for line in cells(rendered(status(*secrets), Terminal(width=80, verbose=True)))] == [
        each.name for each in secrets
    ]


def test_what_fits_on_a_screen_is_shown_row_by_row_in_its_order() -> None:
    secrets = [*many(FOLDED_ABOVE - 1), secret("bad", FAILED)]
    text = rendered(status(*secrets), Terminal(width=80))
    assert [line[0] for line in cells(text)] == [each.name for each in secrets]
    assert "--verbose" not in text
    assert "--verbose" in rendered(status(*secrets, *many(1)), Terminal(width=80))


def test_one_secret_shows_every_region() -> None:
    rows = [replace(SYNCED, region=Region(f"us-west-{place}")) for place in range(1, 31)]
    assert len(cells(rendered(status(secret("a", *rows)), Terminal(width=80)))) == 30


def test_success_is_short() -> None:
    text = rendered(status(*many(2)), Terminal(width=80))
    assert text.splitlines()[2].split() == ["SECRET", "REGION", "STATUS"]
    assert "Replication succeeded" not in text
    other = rendered(status(*many(1), secret("odd", replace(SYNCED, status_message="odd"))), Terminal())
    assert cells(other) == [["well-00", "us-west-2", "InSync"], ["odd", "us-west-2", "InSync", "odd"]]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (acted(Action.ADD, status="InSync"), "30 InSync"),
        (RegionReport(WEST, Outcome.OK, note="gone", action=Action.REMOVE, changed=True), "30 gone"),
        (RegionReport(WEST, Outcome.ACCEPTED, status="InProgress", action=Action.ADD, changed=True), "30 InProgress"),
    ],
)
def test_what_is_well_is_counted_in_its_own_words(row: RegionReport, words: str) -> None:
    for command in ("replicate", "apply"):
        folded = replace(report(command, *many(30, row)), summary=None if command == "replicate" else {"changed": 30})
        assert f"  {words}  --verbose shows every row" in rendered(folded, Terminal()).splitlines()


def test_a_dry_run_counts_what_it_would_do() -> None:
    planned = RegionReport(WEST, Outcome.OK, status="InSync", action=Action.REMOVE)
    text = rendered(status(*many(21), *many(9, planned), dry_run=True), Terminal())
    assert "  21 InSync, 9 to remove  --verbose shows every row" in text.splitlines()


@pytest.mark.parametrize(
    "row",
    [
        replace(SYNCED, outcome=Outcome.PENDING),
        replace(SYNCED, findings=(MISSING,)),
        replace(SYNCED, findings=(replace(MISSING, severity=Severity.WARNING),)),
        replace(FAILED, outcome=Outcome.ACCEPTED),
        replace(SYNCED, error=LOST),
        RegionReport(WEST, Outcome.PENDING, status="Pondering"),
        RegionReport(WEST, Outcome.ACCESS, status="InSync"),
    ],
)
def test_what_is_not_plainly_well_is_never_folded(row: RegionReport) -> None:
    shown = cells(rendered(status(*many(30), secret("doubtful", row)), Terminal()))
    assert [line[0] for line in shown] == ["doubtful"]


def test_every_table_has_its_columns_in_one_order() -> None:
    row = replace(FAILED, action=Action.ADD, verified=False)
    for command in ("status", "verify", "apply"):
        run = replace(report(command, secret("a", row), secret("b", row)), summary={"changed": 1})
        lines = rendered(run if command == "apply" else replace(run, summary=None), Terminal()).splitlines()
        head = next(line for line in lines if "SECRET" in line)
        assert head.split() == ["SECRET", "REGION", "STATUS", "ACTION", "VERIFIED", "MESSAGE"]


def test_a_key_that_many_share_is_one_line() -> None:
    keyed = [secret(f"s{place}", replace(SYNCED, kms_key_id="alias/dr")) for place in range(30)]
    assert rendered(status(*keyed), Terminal()).count("key in us-west-2: alias/dr\n") == 1
    mixed = rendered(status(*keyed, *many(1), secret("z", replace(SYNCED, kms_key_id="alias/x"))), Terminal())
    assert re.findall("  key (.*)", mixed) == ["of 30 secrets in us-west-2: alias/dr", "of z in us-west-2: alias/x"]


# what people call things


@pytest.mark.parametrize("command", ["list", "audit", "apply"])
@pytest.mark.parametrize("kind", TEXTS)
@pytest.mark.parametrize("terminal", TERMINALS)
def test_no_word_moves_a_terminal_or_a_runner(
    command: str, kind: str, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    hostile = TEXTS[kind]
    row = RegionReport(WEST, Outcome.FAILED, status="Failed", status_message=hostile, action=Action.ADD)
    lost = Problem(hostile, hostile, hostile, None, Outcome.FAILED)
    secrets = [secret(hostile, row, role="primary"), secret("b", error=lost, role="standalone")]
    for runner in ("", "true"):
        monkeypatch.setenv("GITHUB_ACTIONS", runner)
        text = rendered(report(command, *secrets), terminal)
        assert acts(text, colored=terminal.color) == []
        assert commands(text) == [] or not runner


@pytest.mark.parametrize("kind", TEXTS)
def test_a_hostile_name_is_shown_whole(kind: str) -> None:
    shown = re.sub(r"\s", "", rendered(report("list", secret(TEXTS[kind], role="primary")), Terminal()))
    assert re.sub(r"\s", "", safe(TEXTS[kind])) in shown


def test_markup_emoji_codes_and_arns_are_words() -> None:
    arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-a1b2c3"
    applied = acted(Action.ADD, Outcome.FAILED, "Failed", f"[red]x[/x] {arn} is there")
    text = rendered(report("apply", secret("[/b]:key:", applied)), Terminal())
    assert cells(text) == [["[/b]:key:", "us-west-2", "Failed", "add", f"[red]x[/x] {arn} is there"]]


@pytest.mark.parametrize("command", ["list", "audit", "apply"])
@pytest.mark.parametrize("terminal", TERMINALS)
@pytest.mark.parametrize("word", [LONG, WIDE * 12, " ".join([WIDE] * 9), "x" * 512])
def test_long_words_stay_in_their_columns(command: str, word: str, terminal: Terminal) -> None:
    applied = acted(Action.ADD, Outcome.FAILED, "Failed", word)
    text = OWN_COLOR.sub("", rendered(report(command, secret(word, applied, role="primary")), terminal))
    *table, closing = text.splitlines()
    assert max(map(cell_len, table)) <= (terminal.width or 500)
    assert "1 secret" in closing
    assert "…" not in text
    for kept_whole in {"list": ["primary", "us-east-1"], "audit": ["us-west-2"], "apply": ["add", "us-west-2"]}[
        command
    ]:
        assert kept_whole in text


@pytest.mark.parametrize("width", [80, 120, None])
def test_color_adds_nothing_but_color(width: int | None) -> None:
    applied = report("apply", secret("a", acted(Action.ADD)), secret("b", error=LOST), secret("c", missing()))
    colored = rendered(applied, Terminal(color=True, width=width))
    assert OWN_COLOR.search(colored)
    bare = "\n".join(line.rstrip() for line in OWN_COLOR.sub("", colored).split("\n"))
    assert bare == rendered(applied, Terminal(width=width))


def test_in_ascii_there_is_nothing_but_ascii() -> None:
    text = rendered(
        report("audit", *(secret(f"s{place}", missing()) for place in range(MAX_ROWS + 1))), Terminal(unicode=False)
    )
    assert text.isascii()
