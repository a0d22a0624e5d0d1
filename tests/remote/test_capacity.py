"""The ladder is climbed in order, and one run gets one instance, whatever is refused or lost on the way."""

from types import SimpleNamespace

import pytest
from botocore.exceptions import ReadTimeoutError

from remote import capacity, errors, tags
from remote.capacity import Attempt, client_token, ladder, launch_first, reorder

RUN = "lstm_aiw-20260101-120000-0a1b"
NO_ROOM = "InsufficientInstanceCapacity"


@pytest.fixture
def naps(monkeypatch):
    """The pauses that were asked for, in seconds; instead of being made they move the clock."""
    asked = []
    clock = SimpleNamespace(sleep=asked.append, monotonic=lambda: float(sum(asked)))
    monkeypatch.setattr(capacity, "time", clock)
    return asked


@pytest.fixture
def launch_client(client, ec2):  # noqa: ARG001  (ec2 empties the account first)
    return client("ec2", attempts=1)


@pytest.fixture
def attempts(ec2):
    return ladder(ec2, ("g4dn.xlarge", "g6.xlarge"), ("us-east-1a", "us-east-1b", "us-east-1c"), "on-demand")[0]


class Recorder:
    """Builds requests as the lifecycle does, and keeps what was recorded before each."""

    def __init__(self):
        self.recorded, self.refusals = [], []

    def request_for(self, attempt):
        return {
            "ImageId": "ami-1",
            "InstanceType": attempt.instance_type,
            "SubnetId": attempt.subnet_id,
            "MinCount": 1,
            "MaxCount": 1,
            "ClientToken": client_token(RUN, attempt),
            "TagSpecifications": tags.tag_specifications({tags.RUN: RUN}, "instance"),
        }

    def record(self, attempt, token):
        self.recorded.append((attempt, token))

    @property
    def tried(self):
        return [(attempt.instance_type, attempt.zone[-1]) for attempt, _ in self.recorded]


@pytest.fixture
def recorder():
    return Recorder()


def launch(client, attempts, recorder, wait_s=0):
    return launch_first(client, attempts, recorder.request_for, recorder.record, recorder.refusals.append, wait_s)


def instances(ec2):
    found = ec2.describe_instances()["Reservations"]
    return [instance for reservation in found for instance in reservation["Instances"]]


# --- the ladder ---


def test_the_ladder_is_type_by_type_and_zone_by_zone(ec2):
    attempts, notes = ladder(ec2, ("g6.xlarge", "g4dn.xlarge"), ("us-east-1b", "us-east-1a"), "on-demand")
    assert [(a.instance_type, a.zone) for a in attempts] == [
        ("g6.xlarge", "us-east-1b"),
        ("g6.xlarge", "us-east-1a"),
        ("g4dn.xlarge", "us-east-1b"),
        ("g4dn.xlarge", "us-east-1a"),
    ]
    assert notes == [] and all(a.subnet_id.startswith("subnet-") for a in attempts)


def test_without_zones_all_that_offer_the_type_are_tried(ec2):
    attempts, _ = ladder(ec2, ("g4dn.xlarge",), (), "on-demand")
    assert [a.zone[-1] for a in attempts] == ["a", "b", "c", "d", "f"]  # us-east-1e is too old for it


def test_spot_comes_before_on_demand(ec2):
    attempts, _ = ladder(ec2, ("g4dn.xlarge", "g6.xlarge"), ("us-east-1a",), "spot-then-on-demand")
    assert [a.market for a in attempts] == ["spot", "spot", "on-demand", "on-demand"]


def test_a_retired_type_is_replaced_and_said_so(ec2):
    attempts, notes = ladder(ec2, ("p2.xlarge", "g4dn.xlarge"), ("us-east-1a",), "on-demand")
    assert [a.instance_type for a in attempts] == ["g4dn.xlarge"]
    assert len(notes) == 1 and "p2.xlarge was retired" in notes[0] and "T4 16 GB" in notes[0] and "$0.526" in notes[0]


def test_a_retired_type_is_used_where_it_is_offered(ec2, monkeypatch):
    offer = {"InstanceType": "p2.xlarge", "LocationType": "availability-zone", "Location": "us-east-1a"}
    pages = type("Pages", (), {"paginate": lambda *_, **__: [{"InstanceTypeOfferings": [offer]}]})
    monkeypatch.setattr(ec2, "get_paginator", lambda _: pages())
    attempts, notes = ladder(ec2, ("p2.xlarge",), (), "on-demand")
    assert [(a.instance_type, a.zone) for a in attempts] == [("p2.xlarge", "us-east-1a")] and notes == []


def test_a_type_that_is_not_offered_is_left_out_and_said_so(ec2):
    attempts, notes = ladder(ec2, ("g9.giant", "g4dn.xlarge"), ("us-east-1a",), "on-demand")
    assert [a.instance_type for a in attempts] == ["g4dn.xlarge"] and "g9.giant" in notes[0]
    with pytest.raises(errors.NoCapacity, match="no g9.giant.*describe-instance-type-offerings"):
        ladder(ec2, ("g9.giant",), (), "on-demand")


def test_an_unknown_zone_is_answered_with_those_that_there_are(ec2):
    with pytest.raises(errors.Usage, match="no zone us-east-1z.*us-east-1a"):
        ladder(ec2, ("g4dn.xlarge",), ("us-east-1z",), "on-demand")


def test_hinted_zones_come_first_and_the_rest_keeps_its_order():
    attempts = [Attempt("g4dn.xlarge", zone, "s", "spot") for zone in "abcd"]
    assert [a.zone for a in reorder(attempts, ["d", "b"])] == ["b", "d", "a", "c"]


# --- the climb ---


def test_the_first_machine_that_there_is_is_taken(ec2, launch_client, attempts, recorder, naps):
    instance, attempt = launch(launch_client, attempts, recorder)
    assert instance["InstanceType"] == "g4dn.xlarge" and attempt == attempts[0]
    assert len(instances(ec2)) == 1 and naps == []


def test_the_intent_is_recorded_before_the_call(ec2, launch_client, attempts, recorder):
    def record(attempt, token):
        assert instances(ec2) == []
        recorder.record(attempt, token)

    launch_first(launch_client, attempts, recorder.request_for, record, recorder.refusals.append)
    assert recorder.recorded == [(attempts[0], client_token(RUN, attempts[0]))]


def test_without_capacity_the_next_zone_is_tried_at_once(ec2, launch_client, attempts, recorder, refuse, naps):
    refused = refuse(launch_client, "RunInstances", NO_ROOM, times=2, status=500)
    _, attempt = launch(launch_client, attempts, recorder)
    assert recorder.tried == [("g4dn.xlarge", "a"), ("g4dn.xlarge", "b"), ("g4dn.xlarge", "c")]
    assert attempt.zone == "us-east-1c" and attempt.number == 2
    assert len({form["ClientToken"] for form in refused}) == 2, "a token names one attempt"
    assert len(instances(ec2)) == 1 and naps == []


def test_the_zones_that_aws_recommends_are_tried_before_the_others(launch_client, attempts, recorder, refuse):
    hint = "You can currently get capacity by not specifying an Availability Zone or choosing us-east-1c."
    refuse(launch_client, "RunInstances", NO_ROOM, hint, times=3)
    launch(launch_client, attempts, recorder)
    assert recorder.tried == [("g4dn.xlarge", "a"), ("g4dn.xlarge", "c"), ("g4dn.xlarge", "b"), ("g6.xlarge", "a")]


def test_when_all_refuse_the_table_names_each(launch_client, attempts, recorder, refuse):
    refuse(launch_client, "RunInstances", NO_ROOM, "We currently do not have sufficient capacity.", times=99)
    with pytest.raises(errors.NoCapacity) as stop:
        launch(launch_client, attempts, recorder)
    assert str(stop.value).count(NO_ROOM) == len(attempts) == 6
    assert "--wait-capacity" in str(stop.value)


def test_a_quota_of_zero_is_not_asked_again(launch_client, attempts, recorder, refuse, naps):
    refuse(launch_client, "RunInstances", "VcpuLimitExceeded", times=99)
    with pytest.raises(errors.NoCapacity, match="L-DB2E81BA"):
        launch(launch_client, attempts, recorder, wait_s=3600)  # and time doesn't mend it
    assert recorder.tried == [("g4dn.xlarge", "a")] and naps == []


def test_a_spot_quota_leaves_on_demand_to_try(ec2, launch_client, recorder, refuse):
    attempts, _ = ladder(ec2, ("g4dn.xlarge",), ("us-east-1a", "us-east-1b"), "spot-then-on-demand")
    refuse(launch_client, "RunInstances", "MaxSpotInstanceCountExceeded")
    _, attempt = launch(launch_client, attempts, recorder)
    assert attempt.market == "on-demand" and len(recorder.recorded) == 2


@pytest.mark.parametrize(
    "code, failure",
    [
        ("UnauthorizedOperation", errors.Denied),
        ("ExpiredToken", errors.Denied),
        ("InvalidParameterCombination", errors.Failure),
    ],
)
def test_what_no_other_zone_can_mend_stops_at_once(launch_client, attempts, recorder, refuse, code, failure):
    refuse(launch_client, "RunInstances", code, times=99)
    with pytest.raises(failure):
        launch(launch_client, attempts, recorder)
    assert len(recorder.recorded) == 1


def test_throttling_is_waited_out_with_the_same_token(ec2, launch_client, attempts, recorder, refuse, naps):
    refused = refuse(launch_client, "RunInstances", "RequestLimitExceeded", times=3, status=503)
    launch(launch_client, attempts, recorder)
    assert len({form["ClientToken"] for form in refused}) == 1
    assert len(naps) == 3 and naps == sorted(naps) and len(instances(ec2)) == 1


def test_throttling_for_ever_is_given_up_on(launch_client, attempts, recorder, refuse, naps):
    refuse(launch_client, "RunInstances", "RequestLimitExceeded", times=99, status=503)
    with pytest.raises(errors.TimedOut):
        launch(launch_client, attempts, recorder)
    assert sum(naps) <= sum(capacity.BACKOFF_S)


def test_a_lost_reply_is_asked_for_again_with_the_same_token(launch_client, attempts, recorder, naps, monkeypatch):
    tokens, run = [], launch_client.run_instances

    def lose_the_first_reply(**request):
        tokens.append(request["ClientToken"])
        if len(tokens) == 1:
            raise ReadTimeoutError(endpoint_url="https://ec2")
        return run(**request)

    monkeypatch.setattr(launch_client, "run_instances", lose_the_first_reply)
    launch(launch_client, attempts, recorder)
    assert tokens[0] == tokens[1] and len(recorder.recorded) == len(naps) == 1


def test_a_recorded_attempt_is_repeated_as_it_was(launch_client, attempts, recorder):
    recorded = Attempt("g6.xlarge", "us-east-1b", attempts[1].subnet_id, "on-demand", number=4)
    _, attempt = launch(launch_client, [recorded, *attempts], recorder)
    assert attempt == recorded
    assert recorder.recorded[0][1] == client_token(RUN, recorded)


def test_after_a_recorded_attempt_no_token_is_used_twice(launch_client, attempts, recorder, refuse):
    recorded = Attempt("g4dn.xlarge", "us-east-1a", attempts[0].subnet_id, "on-demand", number=1)
    refuse(launch_client, "RunInstances", NO_ROOM, times=3)
    launch(launch_client, [recorded, *attempts], recorder)
    assert [attempt.number for attempt, _ in recorder.recorded] == [1, 2, 3, 4]


def test_the_token_of_an_ended_instance_is_replaced(launch_client, attempts, recorder, refuse):
    refuse(launch_client, "RunInstances", "IdempotentInstanceTerminated", times=2)
    _, attempt = launch(launch_client, attempts, recorder)
    assert (attempt.zone, attempt.number) == ("us-east-1a", 2)
    assert len({token for _, token in recorder.recorded}) == 3


def test_an_instance_made_by_a_differing_request_is_taken_over(
    launch_client, attempts, recorder, refuse, naps, monkeypatch
):
    refuse(launch_client, "RunInstances", "IdempotentParameterMismatch")
    earlier = {"InstanceId": "i-earlier", "State": {"Name": "pending"}}
    listed = iter([[], [{"Instances": [earlier]}]])  # AWS lists it a moment late
    monkeypatch.setattr(launch_client, "describe_instances", lambda **_: {"Reservations": next(listed)})
    instance, _ = launch(launch_client, attempts, recorder)
    assert instance["InstanceId"] == "i-earlier" and len(recorder.recorded) == 1 and len(naps) == 1


def test_waiting_for_capacity_climbs_again_until_there_is_some(launch_client, attempts, recorder, refuse, naps):
    refuse(launch_client, "RunInstances", NO_ROOM, times=2 * len(attempts))
    launch(launch_client, attempts, recorder, wait_s=3600)
    assert naps == [capacity.PAUSE_S] * 2
    assert len({token for _, token in recorder.recorded}) == 2 * len(attempts) + 1


def test_waiting_for_capacity_ends(launch_client, attempts, recorder, refuse, naps):
    refuse(launch_client, "RunInstances", NO_ROOM, times=999)
    with pytest.raises(errors.NoCapacity, match=r"\(4 times\)"):
        launch(launch_client, attempts, recorder, wait_s=75)
    assert naps == [30, 30, 15]
