"""The way to the sandbox itself: its faults read and changed while it runs, and who gets there."""

import json
from dataclasses import fields

import pytest
from fixtures import examples
from hypothesis import given
from hypothesis import strategies as st
from raw_requests import Target, request, status

from smrep.sandbox.faults import Drop, Faults
from smrep.sandbox.server.fault_document import apply_document, format_faults

WEST = "us-west-2"
OURS = {"path": "/smrep/faults", "Authorization": None, "X_Amz_Target": None}
LET_IN = {**OURS, "X_Smrep_Sandbox": "faults", "Content_Type": "application/json"}


def tell(target: Target, asked: object, **headers: object) -> tuple[int, dict]:
    body = asked if isinstance(asked, bytes) else json.dumps(asked).encode()
    answer = target.raw(request(body, **{**LET_IN, **headers}))
    return status(answer), json.loads(answer.partition(b"\r\n\r\n")[2])


def test_what_is_told_replaces_its_fault_and_no_other(target: Target) -> None:
    target.simulator.faults = Faults(latency_s=0.0, failures={WEST: "no"}, write_quota=7)
    code, answer = tell(target, {"faults": {"outages": [WEST], "write_quota": None}})
    assert (code, answer["schema"]) == (200, "smrep-sandbox-faults/1")
    assert target.simulator.faults == Faults(failures={WEST: "no"}, outages=frozenset({WEST}))
    assert answer["faults"] == format_faults(target.simulator.faults)


def test_clear_comes_before_what_is_told(target: Target) -> None:
    target.simulator.faults = Faults(failures={WEST: "no"}, outages=frozenset({"us-east-1"}))
    tell(target, {"clear": True, "faults": {"list_lag_s": 3}})
    assert target.simulator.faults == Faults(list_lag_s=3.0)


def test_nothing_told_changes_nothing(target: Target) -> None:
    faults = target.simulator.faults = Faults(drops=(Drop("ListSecrets", "after"),))
    assert tell(target, {})[1]["faults"]["dropped_answers"] == [{"operation": "ListSecrets", "times": 1}]
    assert target.simulator.faults == faults


def test_connections_go_on_being_counted_while_other_faults_change(target: Target) -> None:
    target.simulator.faults = Faults(drops=(Drop("ListSecrets", "before"),))
    assert target.raw(request()) == b""
    tell(target, {"faults": {"list_lag_s": 3}})
    assert status(target.raw(request())) == 200
    tell(target, {"faults": {"dropped_requests": [{"operation": "ListSecrets"}]}})
    assert target.raw(request()) == b""


def test_lost_requests_and_lost_answers_are_two_faults() -> None:
    before = Faults(drops=(Drop("ListSecrets", "before"), Drop("ListSecrets", "after", 2)))
    after = apply_document(before, {"dropped_answers": []})
    assert after.drops == (Drop("ListSecrets", "before"),)


def test_no_fault_keeps_us_from_ending_it(target: Target) -> None:
    every = [f"{area}-{way}-1" for area in ("us", "eu") for way in ("east", "west")]
    target.simulator.faults = Faults(outages=frozenset(every), disabled_regions=frozenset(every), write_quota=0)
    assert tell(target, {"clear": True})[0] == 200
    assert status(target.raw(request())) == 200


def test_it_is_written_down_and_is_no_call_to_aws(target: Target) -> None:
    tell(target, {"faults": {"outages": [WEST]}})
    tell(target, {"faults": {"outages": ["x y"]}})
    told = [(line["service"], line["operation"], line["status"], line["effect"]) for line in target.lines()]
    assert told == [("smrep", "faults", 200, "done"), ("smrep", "faults", 400, "refused")]
    assert target.done() == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"X_Smrep_Sandbox": None}, 403),
        ({"X_Smrep_Sandbox": ("faults", "faults")}, 403),
        ({"Content_Type": None}, 415),
        ({"Content_Type": "text/plain"}, 415),
        ({"Content_Type": "application/x-www-form-urlencoded"}, 415),
        ({"Content_Type": "multipart/form-data; boundary=application/json"}, 415),
        ({"Content_Type": ("application/json", "text/plain")}, 415),
        ({"Host": "evil.example"}, 403),
        ({"method": "GET"}, 405),
        ({"method": "PUT"}, 405),
        ({"Content_Length": str(1024 * 1024 + 1)}, 413),
    ],
    ids=str,
)
def test_who_is_no_client_of_ours_changes_nothing(target: Target, change: dict, code: int) -> None:
    faults = target.simulator.faults
    answer = target.raw(request(b'{"clear": true, "faults": {"latency_s": 1}}', **{**LET_IN, **change}))
    assert status(answer) == code
    assert b"access-control" not in answer.lower()
    assert target.simulator.faults == faults
    assert [line["effect"] for line in target.lines()] == ["refused"]


def test_a_page_is_not_granted_the_header_it_needs(target: Target) -> None:
    asked = {"Access_Control_Request_Method": "POST", "Access_Control_Request_Headers": "content-type,x-smrep-sandbox"}
    answer = target.raw(request(b"", method="OPTIONS", Origin="http://localhost:3000", **{**OURS, **asked}))
    assert status(answer) == 405
    assert b"access-control" not in answer.lower()


@pytest.mark.parametrize("path", ["/smrep/faults/", "/smrep/faults?x", "/SMREP/FAULTS", "/smrep"])
def test_another_path_does_not_lead_there(target: Target, path: str) -> None:
    answer = target.raw(request(b'{"clear": true}', **{**LET_IN, "path": path}))
    assert b"MissingAuthenticationToken" in answer


@pytest.mark.parametrize(
    ("asked", "word"),
    [
        (b"{", "Expecting"),
        (b"", "Expecting"),
        (b"\xff", "decode"),
        (b"[" * 100_000, "decoding a JSON array"),
        ([], "no object"),
        ({"fault": {}}, "'fault'"),
        ({"clear": 1}, "clear"),
        ({"faults": []}, "faults"),
        ({"faults": {"drops": []}}, "'drops'"),
        ({"faults": {"latency_s": "soon"}}, "latency_s"),
        ({"faults": {"latency_s": True}}, "latency_s"),
        ({"faults": {"latency_s": -1}}, "latency_s"),
        (b'{"faults": {"latency_s": NaN}}', "latency_s"),
        (b'{"faults": {"latency_s": 1e999}}', "latency_s"),
        ({"faults": {"latency_s": 10**400}}, "latency_s"),
        ({"faults": {"replication_delay_by_region": {WEST: "x"}}}, "us-west-2"),
        ({"faults": {"replication_delay_by_region": {"x": 1}}}, "Regions"),
        ({"faults": {"failures": {WEST: 1}}}, "failures.us-west-2"),
        ({"faults": {"outages": "us-west-2"}}, "outages"),
        ({"faults": {"outages": [1]}}, "outages"),
        ({"faults": {"write_quota": 1.5}}, "write_quota"),
        ({"faults": {"denied": [["ListSecrets", WEST]]}}, "denied"),
        ({"faults": {"denied": [{"operation": "Nonsense", "region": WEST}]}}, "denied"),
        ({"faults": {"denied": [{"operation": "ListSecrets"}]}}, "denied"),
        ({"faults": {"dropped_answers": [{"operation": "ListSecrets", "times": -1}]}}, "dropped_answers"),
        ({"faults": {"dropped_answers": [{"operation": ["ListSecrets"]}]}}, "dropped_answers"),
        ({"faults": {"promoted_entry": "lost"}}, "'lost'"),
        ({"faults": {"promoted_entry": None}}, "promoted_entry"),
        ({"faults": {"stale_entry_guards": "no"}}, "stale_entry_guards"),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(target: Target, asked: object, word: str) -> None:
    faults = target.simulator.faults
    code, answer = tell(target, asked)
    assert code == 400
    assert word in answer["message"]
    assert target.simulator.faults == faults


REGIONS = st.sampled_from([WEST, "eu-west-1", "us-gov-east-1"])
OPERATIONS = st.sampled_from(["ListSecrets", "DescribeKey", "AssumeRole"])
SECONDS = st.floats(0, 1e6)
ANY = st.builds(
    Faults,
    replication_delay_s=SECONDS,
    replication_delay_by_region=st.dictionaries(REGIONS, SECONDS),
    value_delay_s=st.none() | SECONDS,
    removal_delay_s=SECONDS,
    removal_delay_by_region=st.dictionaries(REGIONS, SECONDS),
    force_delete_delay_s=SECONDS,
    list_lag_s=SECONDS,
    listing_lag_s=SECONDS,
    failures=st.dictionaries(REGIONS, st.text()),
    stuck=st.frozensets(REGIONS),
    outages=st.frozensets(REGIONS),
    disabled_regions=st.frozensets(REGIONS),
    latency_s=SECONDS,
    drops=st.tuples(
        st.lists(st.builds(Drop, OPERATIONS, st.just("before"), st.integers(0, 3))),
        st.lists(st.builds(Drop, OPERATIONS, st.just("after"), st.integers(0, 3))),
    ).map(lambda two: tuple(two[0] + two[1])),
    write_quota=st.none() | st.integers(0, 9),
    denied=st.frozensets(st.tuples(OPERATIONS, REGIONS)),
    promoted_entry=st.sampled_from(["kept", "dropped"]),
    stale_entry_guards=st.booleans(),
    strands_replicas=st.booleans(),
    keeps_primary_region=st.booleans(),
    primary_shows_rekey=st.booleans(),
)


@examples(40)
@given(faults=ANY, others=ANY)
def test_a_document_has_every_fault(faults: Faults, others: Faults) -> None:
    assert apply_document(others, json.loads(json.dumps(format_faults(faults)))) == faults


@examples(40)
@given(faults=ANY, others=ANY, name=st.sampled_from([each.name for each in fields(Faults) if each.name != "drops"]))
def test_one_fault_can_be_replaced_alone(faults: Faults, others: Faults, name: str) -> None:
    after = apply_document(others, {name: format_faults(faults)[name]})
    for each in fields(Faults):
        assert getattr(after, each.name) == getattr(faults if each.name == name else others, each.name)
