"""What the server plays: a quota, latency, faults; and what it counts."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from local_aws.rekognition import Conditions, Fault
from local_aws.rekognition.collection import Place
from local_aws.rekognition.conditions import Bucket
from local_aws.rekognition.refusal import Refusal

HERE, ELSEWHERE = Place("111122223333", "ap-southeast-2"), Place("444455556666", "ap-southeast-2")


class Clock:
    """Time that passes when told to, or when slept through."""

    now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def outcome(conditions: Conditions, operation: str = "IndexFaces", place: Place = HERE) -> str:
    try:
        conditions.meet(place, operation)
    except Refusal as refusal:
        return refusal.code
    return "ok"


def test_a_bucket_holds_a_second_of_calls_and_fills_at_its_rate():
    bucket = Bucket(5, now=0)
    assert [bucket.take(0) for _ in range(6)] == [True] * 5 + [False]
    assert [bucket.take(0.4), bucket.take(0.4), bucket.take(0.4)] == [True, True, False]
    assert sum(bucket.take(100) for _ in range(50)) == 5


def test_a_quota_below_one_per_second_allows_the_first_call():
    bucket = Bucket(0.5, now=0)
    assert [bucket.take(0), bucket.take(1.0), bucket.take(2.1)] == [True, False, True]


def test_each_account_has_its_own_quota():
    conditions = Conditions(quotas={"IndexFaces": 1}, clock=Clock())
    assert outcome(conditions) == "ok"
    assert outcome(conditions) == "ProvisionedThroughputExceededException"
    assert outcome(conditions, place=ELSEWHERE) == "ok"
    assert outcome(conditions, "DetectFaces") == "ok"


def test_a_quota_answers_with_the_code_it_is_given():
    conditions = Conditions(clock=Clock())
    conditions.set_quota("IndexFaces", 1, code="ThrottlingException")
    assert [outcome(conditions) for _ in range(2)] == ["ok", "ThrottlingException"]
    conditions.set_quota("IndexFaces", 1)
    assert [outcome(conditions) for _ in range(2)] == ["ok", "ProvisionedThroughputExceededException"]


def test_a_call_above_the_quota_is_turned_away_at_once():
    clock = Clock()
    conditions = Conditions(quotas={"IndexFaces": 1}, latencies={"*": 0.5}, clock=clock, sleep=clock.sleep)
    assert [outcome(conditions), clock.now] == ["ok", 0.5]
    assert [outcome(conditions), clock.now] == ["ProvisionedThroughputExceededException", 0.5]


def test_a_latency_may_vary_by_chance():
    clock = Clock()
    conditions = Conditions(latencies={"IndexFaces": (0.4, 0.6)}, clock=clock, sleep=clock.sleep)
    slept = []
    for _ in range(50):
        before = clock.now
        outcome(conditions)
        slept.append(round(clock.now - before, 6))
    assert all(0.4 <= seconds <= 0.6 for seconds in slept)
    assert len(set(slept)) > 40


def test_a_lifted_quota_is_gone():
    conditions = Conditions(quotas={"IndexFaces": 1}, clock=Clock())
    conditions.set_quota("IndexFaces", None)
    assert [outcome(conditions) for _ in range(3)] == ["ok"] * 3


def test_a_fault_is_played_as_often_as_asked_then_never_again():
    conditions = Conditions(faults=[Fault("IndexFaces", "ThrottlingException", times=2)])
    assert outcome(conditions, "DetectFaces") == "ok"
    assert [outcome(conditions) for _ in range(3)] == ["ThrottlingException", "ThrottlingException", "ok"]


def test_faults_are_played_one_after_the_other():
    conditions = Conditions(faults=[Fault("*", "ThrottlingException", times=1), Fault("*", "AccessDeniedException")])
    assert [outcome(conditions) for _ in range(3)] == ["ThrottlingException"] + ["AccessDeniedException"] * 2


def test_a_fault_with_a_probability_is_repeatable():
    def struck() -> list[bool]:
        conditions = Conditions(faults=[Fault("*", "InternalServerError", probability=0.3)], seed=7)
        return [outcome(conditions) != "ok" for _ in range(1000)]

    assert 250 < sum(struck()) < 350
    assert struck() == struck()


def test_an_operations_latency_overrides_the_general_one():
    clock = Clock()
    conditions = Conditions(latencies={"*": 1.0, "IndexFaces": 0.25}, clock=clock, sleep=clock.sleep)
    outcome(conditions)
    assert clock.now == 0.25
    outcome(conditions, "DetectFaces")
    assert clock.now == 1.25


@pytest.mark.parametrize("nonsense", [{"times": 0}, {"times": "3"}, {"times": True}, {"probability": 1.5}])
def test_a_fault_that_cannot_be_meant_is_refused(nonsense):
    with pytest.raises(ValueError, match=r"expected a (whole )?number"):
        Fault("*", "ThrottlingException", **nonsense)


def test_calls_are_counted_by_operation_and_account_refused_ones_included(server, client, connect, refused):
    client.list_collections()
    connect("444455556666").list_collections()
    refused(client.describe_collection, CollectionId="nowhere")
    assert server.conditions.calls() == {"ListCollections": 2, "DescribeCollection": 1}
    assert server.conditions.calls("444455556666") == {"ListCollections": 1}
    assert server.conditions.refusals() == {"DescribeCollection": {"ResourceNotFoundException": 1}}


def test_a_fault_reaches_boto3_as_awss_own_exception(server, client):
    server.conditions.add_fault(Fault("ListCollections", "ThrottlingException", times=1))
    with pytest.raises(client.exceptions.ThrottlingException, match="Slow down; sudden increase in rate of requests"):
        client.list_collections()
    assert client.list_collections()["CollectionIds"] == []


def test_boto3_retries_through_a_quota(server, connect):
    """Five a second and eight at once: all get through, some of them late."""
    client = connect(retries={"mode": "standard", "total_max_attempts": 6}, max_pool_connections=8)
    server.conditions.set_quota("ListCollections", 5)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: client.list_collections(), range(8)))
    assert server.conditions.refusals()["ListCollections"]["ProvisionedThroughputExceededException"] >= 1
