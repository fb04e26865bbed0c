"""Shards: what is typed, what the environment says, and that together they take everything once."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smrep.errors import UsageError
from smrep.rules.fleet.shards import WHOLE, Shard, parse_shard

BATCH, KUBERNETES = "AWS_BATCH_JOB_ARRAY_INDEX", "JOB_COMPLETION_INDEX"
COUNTS = st.integers(1, 12)


def arn(number: int, account: int = 0) -> str:
    return f"arn:aws:secretsmanager:us-east-1:{account:012}:secret:prod/{number}-a1b2c3"


def shards(count: int) -> list[Shard]:
    return [Shard(number, count) for number in range(1, count + 1)]


def takers(secret: str, place: int, accounts: int, count: int) -> list[Shard]:
    """Return the shards that take the secret of the account at that place."""
    shares = [(shard, shard.share(place, accounts)) for shard in shards(count)]
    return [shard for shard, share in shares if share and share.takes(secret)]


# what is typed


@given(COUNTS, st.data())
def test_a_shard_counts_from_one_and_an_index_from_zero(count: int, data: st.DataObject) -> None:
    number = data.draw(st.integers(1, count))
    variable = data.draw(st.sampled_from([BATCH, KUBERNETES]))
    assert parse_shard(f"{number}/{count}", {BATCH: "99"}) == Shard(number, count)
    assert parse_shard(f"auto/{count}", {variable: str(number - 1)}) == Shard(number, count)


def test_two_variables_that_say_the_same_and_an_empty_one_are_no_trouble() -> None:
    assert parse_shard("auto/4", {BATCH: "2", KUBERNETES: "2"}) == Shard(3, 4)
    assert parse_shard("auto/4", {BATCH: "", KUBERNETES: "0"}) == Shard(1, 4)


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("2", "'2' is not a shard", "use 2/4 for the second of four, or auto/4"),
        ("1/0", "'1/0' has no shards", "use at least one: --shard 1/1"),
        (
            "auto/0",
            "'auto/0' has no shards",
            "use at least one: --shard 1/1",
        ),
        (
            "0/4",
            "'0/4' is not a shard: shards count from 1 to 4",
            "use --shard 1/4 for the first, --shard 4/4 for the last",
        ),
        (
            "5/4",
            "'5/4' is not a shard: shards count from 1 to 4",
            "use --shard 1/4 for the first, --shard 4/4 for the last",
        ),
    ],
)
def test_what_is_no_shard_is_refused_with_one_that_is(text: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_shard(text, {BATCH: "0"})
    assert (caught.value.message, caught.value.hint) == (message, hint)


@pytest.mark.parametrize("text", ["", "/", "2/", "/4", "-1/4", "+2/4", "2/4\n", " 2/4", "2 / 4", "2/4/8", "1.0/4"])
@pytest.mark.parametrize("turned", [str, lambda text: text + "٤", lambda text: "9" * 5000 + text])
def test_garbage_is_refused(text: str, turned: type[str]) -> None:
    with pytest.raises(UsageError, match="is not a shard"):
        parse_shard(turned(text), {})


@pytest.mark.parametrize("text", ["٢/٤", "2/\uff14", "²/4", "AUTO/4", "auto", "auto/-4"])
def test_only_plain_digits_are_digits(text: str) -> None:
    with pytest.raises(UsageError, match="is not a shard"):
        parse_shard(text, {BATCH: "0"})


# what the environment says


@pytest.mark.parametrize("variable", [BATCH, KUBERNETES])
@pytest.mark.parametrize("index", ["4", "-1", "+1", "one", "1.0", " 1", "1\n", "٢", "9" * 5000])
def test_an_index_that_is_none_of_the_shards_is_refused_by_the_variables_name(variable: str, index: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_shard("auto/4", {variable: index})
    assert caught.value.message == f"{variable} is {index!r}, but auto/4 needs a number from 0 to 3"
    assert caught.value.hint == "run as many tasks as there are shards: 4"


def test_an_environment_that_says_two_things_is_refused_with_both() -> None:
    with pytest.raises(UsageError) as caught:
        parse_shard("auto/4", {BATCH: "1", KUBERNETES: "2"})
    assert caught.value.message == f"auto/4: {BATCH} is '1' and {KUBERNETES} is '2'"
    assert caught.value.hint == "unset the wrong one, or name the shard: --shard 1/4"


@pytest.mark.parametrize("env", [{}, {BATCH: "", KUBERNETES: ""}, {"BATCH_TASK_INDEX": "1"}])
def test_an_environment_that_says_nothing_is_refused_with_what_it_should_say(env: dict[str, str]) -> None:
    with pytest.raises(UsageError) as caught:
        parse_shard("auto/4", env)
    assert caught.value.message == f"auto/4 needs an index, but neither {BATCH} nor {KUBERNETES} is set"
    assert caught.value.hint == (
        "run it as an AWS Batch array job or a Kubernetes Indexed Job, or name the shard: --shard 1/4"
    )


@given(st.text(max_size=12), st.dictionaries(st.sampled_from([BATCH, KUBERNETES]), st.text(max_size=4)))
def test_parsing_ends_in_a_shard_or_a_usage_error_with_a_hint(text: str, env: dict[str, str]) -> None:
    for typed in (text, f"auto/{text}"):
        parsed: Shard | UsageError
        try:
            parsed = parse_shard(typed, env)
        except UsageError as error:
            parsed = error
        assert parsed.hint if isinstance(parsed, UsageError) else 1 <= parsed.number <= parsed.count


# who takes what


@given(COUNTS, COUNTS, st.data())
def test_every_secret_of_every_account_is_taken_by_exactly_one_shard(
    count: int, accounts: int, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, accounts - 1))
    secret = data.draw(st.text(st.characters(), max_size=60) | st.integers(0, 9999).map(arn))
    assert len(takers(secret, place, accounts, count)) == 1


@given(COUNTS, COUNTS)
def test_accounts_stay_whole_where_there_are_enough_of_them(count: int, accounts: int) -> None:
    shares = {place: [shard.share(place, accounts) for shard in shards(count)] for place in range(accounts)}
    for place, dealt in shares.items():
        if accounts >= count:
            assert [share for share in dealt if share] == [WHOLE]
            assert dealt[place % count] == WHOLE
    loads = [sum(dealt[each] is not None for dealt in shares.values()) for each in range(count)]
    if accounts >= count:
        assert max(loads) - min(loads) <= 1, "no shard has two accounts more than another"
    else:
        assert set(loads) == {1}, "no shard is idle, or torn between accounts"


@given(COUNTS, COUNTS)
def test_fewer_accounts_than_shards_have_the_shards_dealt_to_them(count: int, accounts: int) -> None:
    if accounts >= count:
        return
    for place in range(accounts):
        serving = [number for number in range(1, count + 1) if (number - 1) % accounts == place]
        shares = {number: Shard(number, count).share(place, accounts) for number in range(1, count + 1)}
        assert {number for number, share in shares.items() if share} == set(serving)
        assert [shares[number] for number in serving] == shards(len(serving))


def test_seven_shards_and_three_accounts() -> None:
    dealt = [[Shard(number, 7).share(place, 3) for number in range(1, 8)] for place in range(3)]
    assert dealt == [
        [Shard(1, 3), None, None, Shard(2, 3), None, None, Shard(3, 3)],
        [None, Shard(1, 2), None, None, Shard(2, 2), None, None],
        [None, None, Shard(1, 2), None, None, Shard(2, 2), None],
    ]


@given(st.text())
@example("\ud800")
def test_the_whole_takes_everything(secret: str) -> None:
    assert WHOLE.takes(secret)
    assert WHOLE.share(0, 1) == WHOLE


def test_who_takes_what_is_the_same_in_every_version() -> None:
    numbers = [takers(arn(each), 0, 1, 4)[0].number for each in range(12)]
    assert numbers == [4, 2, 4, 2, 3, 4, 3, 2, 1, 2, 2, 4]


@given(st.integers(2, 8), st.integers(0, 10**6))
def test_a_thousand_secrets_are_shared_roughly_evenly(count: int, start: int) -> None:
    secrets = [arn(each) for each in range(start, start + 1000)]
    loads = [sum(shard.takes(each) for each in secrets) for shard in shards(count)]
    assert sum(loads) == 1000
    assert max(loads) < 1.6 * 1000 / count
    assert min(loads) > 0.4 * 1000 / count


@given(st.sets(st.integers(0, 99), min_size=1), COUNTS, st.integers(1, 3))
def test_a_secret_more_or_less_moves_no_other_one(numbers: set[int], count: int, accounts: int) -> None:
    def dealt(secrets: set[int]) -> dict[int, Shard]:
        return {each: takers(arn(each), 0, accounts, count)[0] for each in secrets}

    before, after = dealt(numbers), dealt(numbers | {100})
    assert {each: after[each] for each in numbers} == before


# accounts of an organization


@given(st.lists(st.from_regex(r"[0-9]{12}", fullmatch=True), unique=True, max_size=30), COUNTS, st.data())
def test_an_account_that_joins_or_leaves_an_organization_moves_no_other(
    accounts: list[str], count: int, data: st.DataObject
) -> None:
    def dealt(ids: list[str]) -> dict[str, Shard]:
        """Return account -> its shard, which is the only one."""
        takers = {id_: [shard for shard in shards(count) if shard.share_of_found(id_)] for id_ in ids}
        assert all(len(takers_) == 1 for takers_ in takers.values())
        return {id_: shard for id_, (shard,) in takers.items()}

    before = dealt(accounts)
    stayed = data.draw(st.lists(st.sampled_from(accounts), unique=True)) if accounts else []
    after = dealt([*stayed, "000000000000"])
    assert {id_: after[id_] for id_ in stayed} == {id_: before[id_] for id_ in stayed}


def test_the_accounts_of_an_organization_are_dealt_whole_and_about_evenly() -> None:
    ids = [f"{number:012}" for number in range(1000)]
    sizes = [sum(shard.share_of_found(id_) == WHOLE for id_ in ids) for shard in shards(4)]
    assert sum(sizes) == len(ids)
    assert all(200 < size < 300 for size in sizes)
    assert [shard.share_of_found("111111111111") for shard in shards(4)].count(None) == 3
