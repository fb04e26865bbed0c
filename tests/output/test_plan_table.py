"""A plan as people see it: grouped by rule, action and Region, counted, and harmless whatever the names are."""

from __future__ import annotations

import re
from collections import Counter
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
from smrep.output.tables.plan_table import render_plan
from smrep.output.terminal import Terminal
from smrep.regions import Region
from smrep.report import Action, Finding, Kind, Problem, RegionReport, RunReport, SecretReport, Severity
from smrep.rules.fleet.plan_counts import COUNTED, action_of, tally

WEST, IRELAND = Region("us-west-2"), Region("eu-west-1")
KEY = "arn:aws:kms:us-west-2:123456789012:key/0f0e0d0c-1111-4222-8333-444455556666"
CLASH = Problem("name_conflict", "another secret has this name there", None, None, Outcome.FAILED)
WRONG_KEY = Finding(Kind.WRONG_KEY, Severity.ERROR, "under another key")
TERMINALS = [
    Terminal(width=80),
    Terminal(width=120),
    Terminal(),
    Terminal(width=80, unicode=False),
    Terminal(width=120, color=True),
]


def row(what: str, region: Region = WEST, key: str | None = None) -> RegionReport:
    """Return a row of which the plan says `what`."""
    if what == "blocked":
        return RegionReport(region, Outcome.FAILED, wanted_key=key, error=CLASH)
    if what == "wrong_key":
        return RegionReport(region, Outcome.OK, wanted_key=key, action=Action.KEEP, findings=(WRONG_KEY,))
    return RegionReport(region, Outcome.OK, wanted_key=key, action=Action(what))


def secret(name: str, *rows: RegionReport, rules: tuple[str, ...] = ("prod",)) -> SecretReport:
    return SecretReport(name, Outcome.OK, None, Region("us-east-1"), rows, rules=rules)


def rendered(*secrets: SecretReport, terminal: Terminal = Terminal(), command: str = "plan") -> str:  # noqa: B008 - a frozen value
    began = datetime(2026, 11, 23, tzinfo=UTC)
    counts = tally(secrets, 0, 0)
    return "".join(
        as_table(
            RunReport(command, Outcome.OK, 0, began, 1.25, dry_run=True, secrets=secrets, summary=counts), terminal
        )
    )


def lines_of(text: str) -> list[str]:
    """Return the lines of the groups, where nothing is folded: between the head's rule and the empty line."""
    lines = text.splitlines()
    start = next(place for place, line in enumerate(lines) if line.strip() and set(line.strip()) <= set("─+-"))
    return lines[start + 1 : lines.index("", start)]


BUSY = (
    secret("prod/new", row("add"), row("add", IRELAND)),
    secret("prod/other", row("add"), row("keep", IRELAND)),
    secret("prod/failed", row("retry")),
    secret("prod/extra", row("keep"), row("remove", IRELAND)),
    secret("prod/keyed", row("wrong_key", key="alias/dr"), rules=("keyed",)),
    secret("prod/clash", row("blocked"), rules=("prod", "keyed")),
)


def test_a_line_for_each_rule_action_and_region_in_the_order_of_the_rules() -> None:
    assert rendered(*BUSY, terminal=Terminal(width=80)) == (
        "\n"
        "   RULE          ACTION        REGION      COUNT   SECRETS\n"
        " ────────────────────────────────────────────────────────────────────────────\n"
        "   prod          + add         eu-west-1       1   prod/new\n"
        "                 + add         us-west-2       2   prod/new, prod/other\n"
        "                 ~ retry       us-west-2       1   prod/failed\n"
        "                 - remove      eu-west-1       1   prod/extra\n"
        "                 = keep        eu-west-1       1\n"
        "                 = keep        us-west-2       1\n"
        "   keyed         ! wrong key   us-west-2       1   prod/keyed under alias/dr\n"
        "   prod, keyed   x blocked     us-west-2       1   prod/clash (name conflict)\n"
        "\n"
        "  sending takes 1 s at 20 writes a second\n"
        "\n"
        "6 secrets: 3 to add, 1 to retry, 1 to remove, 1 under another key, 1 blocked, 2 to keep (1.2 s)\n"
    )


def test_the_same_in_ascii() -> None:
    text = rendered(*BUSY, terminal=Terminal(width=80, unicode=False))
    assert text.isascii()
    assert "|              | + add       | us-west-2 |     2 | prod/new, prod/other      |" in text.splitlines()


def test_color_adds_nothing_but_color() -> None:
    for width in (80, 120, None):
        colored = rendered(*BUSY, terminal=Terminal(width=width, color=True))
        assert OWN_COLOR.search(colored)
        bare = "\n".join(line.rstrip() for line in OWN_COLOR.sub("", colored).split("\n"))
        assert bare == rendered(*BUSY, terminal=Terminal(width=width))


def test_without_rules_there_is_no_column_of_rules() -> None:
    head, _, group = rendered(secret("a", row("add"), rules=())).splitlines()[1:4]
    assert head.split() == ["ACTION", "REGION", "COUNT", "SECRETS"]
    assert group.split() == ["+", "add", "us-west-2", "1", "a"]


def test_a_dry_run_of_apply_is_drawn_as_a_plan() -> None:
    assert rendered(*BUSY, command="apply") == rendered(*BUSY)


def test_where_there_is_nothing_there_are_only_the_counts() -> None:
    (line,) = rendered().splitlines()
    assert line.startswith("0 secrets")


@pytest.mark.parametrize(("count", "more"), [(3, ""), (4, " and 1 more"), (12_000, " and 11997 more")])
def test_a_group_names_its_first_three_and_says_how_many_more(count: int, more: str) -> None:
    text = rendered(*(secret(f"p/{number:05}", row("add", key="alias/dr")) for number in range(count)))
    (line,) = lines_of(text)
    assert line.split(maxsplit=5)[4:] == [str(count), f"p/00000, p/00001, p/00002{more} under alias/dr"]
    assert len(text) < 1000


@given(
    st.lists(
        st.tuples(
            st.lists(st.tuples(st.sampled_from(COUNTED), st.sampled_from([WEST, IRELAND])), max_size=3),
            st.sampled_from([("a",), ("b",), ("a", "b")]),
        ),
        max_size=12,
    )
)
def test_the_counts_are_those_of_the_regions(planned: list[tuple[list[tuple[str, Region]], tuple[str, ...]]]) -> None:
    secrets = [secret(f"s{place}", *(row(*cell) for cell in rows), rules=r) for place, (rows, r) in enumerate(planned)]
    wanted = Counter(
        (action_of(replica).replace("_", " "), replica.region) for report in secrets for replica in report.replicas
    )
    if not wanted:
        return
    counts: Counter[tuple[str, Region]] = Counter()
    for line in lines_of(rendered(*secrets)):
        group = re.search(r"[+~!x=-] (add|retry|remove|wrong key|blocked|keep) +([a-z]+-[a-z]+-\d) +(\d+)\b", line)
        assert group, line
        counts[group[1], Region(group[2])] += int(group[3])
    assert counts == wanted


# what it costs


HOME = Region("us-east-1")


def planned(count: int, *rows: RegionReport, partition: str = "aws", account: str | None = None) -> list[SecretReport]:
    arn = f"arn:{partition}:secretsmanager:us-east-1:123456789012:secret:s-a1b2c3"
    return [SecretReport(f"s{place}", Outcome.OK, arn, HOME, rows, account=account) for place in range(count)]


@pytest.mark.parametrize(
    ("secrets", "words"),
    [
        (
            planned(37, row("add")),
            "37 new replicas at $0.40 a month each; sending takes 2 s at 20 writes a second",
        ),
        (planned(1, row("add")), "1 new replica at $0.40 a month each; sending takes 1 s at 20 writes a second"),
        (
            planned(40, row("add"), row("add", IRELAND)),
            "80 new replicas at $0.40 a month each; sending takes 2 s at 20 writes a second",
        ),
        (planned(40, row("retry")), "sending takes 2 s at 20 writes a second"),
        (planned(40, row("retry"), row("remove", IRELAND)), "sending takes 4 s at 20 writes a second"),
        (planned(4000, row("remove")), "sending takes 3 min at 20 writes a second"),
        (planned(40, row("add"), partition="aws-cn"), "sending takes 2 s at 20 writes a second"),
        (
            [*planned(40, row("add"), account="1"), *planned(20, row("add"), account="2")],
            "60 new replicas at $0.40 a month each; sending takes 2 s at 20 writes a second",
        ),
    ],
)
def test_a_plan_shows_its_price_and_how_long_sending_takes(secrets: list[SecretReport], words: str) -> None:
    assert rendered(*secrets).splitlines()[-3:-1] == [f"  {words}", ""]


def test_a_plan_without_a_change_shows_no_price() -> None:
    assert "at 20" not in rendered(*planned(3, row("keep")), *planned(1, row("blocked")))


def test_sending_takes_as_long_as_the_rate_that_was_typed_lets_it() -> None:
    text = render_plan(planned(40, row("add")), "", Terminal(), 2.5)
    assert "sending takes 16 s at 2.5 writes a second" in text


# what people call things


def test_a_secret_in_trouble_without_a_region_is_counted() -> None:
    lost = SecretReport("prod/none", Outcome.FAILED, error=CLASH)
    assert (
        rendered(secret("a", row("add")), lost).splitlines()[-1].startswith("2 secrets: 1 to add, 1 secret in trouble")
    )


def test_markup_and_emoji_codes_are_words() -> None:
    (line,) = lines_of(rendered(secret("[red]x[/x]", row("add", key="alias/[/]:key:"), rules=(":secret:",))))
    assert line.split(maxsplit=5) == [":secret:", "+", "add", "us-west-2", "1", "[red]x[/x] under alias/[/]:key:"]


@pytest.mark.parametrize("kind", TEXTS)
@pytest.mark.parametrize("terminal", TERMINALS)
def test_no_name_moves_a_terminal_or_a_runner(kind: str, terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    hostile = TEXTS[kind]
    secrets = [secret(hostile, row("add", Region(hostile[:20]), hostile), rules=(hostile, "b"))]
    for runner in ("", "true"):
        monkeypatch.setenv("GITHUB_ACTIONS", runner)
        text = rendered(*secrets, terminal=terminal)
        assert acts(text, colored=terminal.color) == []
        assert commands(text) == [] or not runner


@pytest.mark.parametrize("kind", TEXTS)
def test_a_hostile_name_is_shown_whole(kind: str) -> None:
    shown = "".join(lines_of(rendered(secret(TEXTS[kind], row("add", key="alias/x"), rules=()))))
    assert re.sub(r"\s", "", f"{safe(TEXTS[kind])} under alias/x") in re.sub(r"\s", "", shown)


@pytest.mark.parametrize("terminal", TERMINALS)
@pytest.mark.parametrize("name", [LONG, WIDE * 12, " ".join([WIDE] * 9), "x" * 512])
def test_long_names_stay_in_their_columns(name: str, terminal: Terminal) -> None:
    text = rendered(secret(name, row("add")), secret("b", row("keep"), rules=(name,)), terminal=terminal)
    *table, closing = OWN_COLOR.sub("", text).splitlines()
    assert max(map(cell_len, table)) <= (terminal.width or 500)
    assert closing.startswith("2 secrets: 1 to add, 1 to keep")
    for word in ("+ add", "= keep", "us-west-2"):
        assert word in text
    assert "…" not in text


@pytest.mark.parametrize("terminal", TERMINALS)
def test_the_closing_line_is_one_line(terminal: Terminal) -> None:
    assert (
        OWN_COLOR.sub("", rendered(*BUSY, terminal=terminal)).splitlines()[-1].endswith("1 blocked, 2 to keep (1.2 s)")
    )


def test_where_there_is_no_terminal_nothing_is_folded() -> None:
    names = [f"prod/payments/of-the-shop/database-{number}" for number in range(4)]
    (line,) = lines_of(rendered(*(secret(name, row("add", key="alias/dr")) for name in names)))
    assert line.endswith(f"{', '.join(names[:3])} and 1 more under alias/dr")


@pytest.mark.parametrize("terminal", TERMINALS)
def test_the_arn_of_a_key_stands_whole_in_a_line_of_its_own(terminal: Terminal) -> None:
    names = [f"prod/payments/of-the-shop/database-{number}" for number in range(4)]
    text = OWN_COLOR.sub("", rendered(*(secret(name, row("add", key=KEY)) for name in names), terminal=terminal))
    assert text.count(KEY) == 1
    assert f"  key in us-west-2: {KEY}" in text.splitlines()


def test_a_secret_in_trouble_stands_beside_its_rule_with_the_reason() -> None:
    lost = SecretReport("prod/none", Outcome.FAILED, error=CLASH, rules=("prod",))
    (line,) = lines_of(rendered(lost))
    assert line.split() == ["prod", "x", "blocked", "-", "1", "prod/none", "(name", "conflict)"]
