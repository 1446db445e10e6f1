"""Nothing is called healthy where the settings' needs are not met, and nothing wrong where they are."""

from hypothesis import event, given, settings

from operations.doctor.evaluation import evaluate
from operations.doctor.findings import Verdict
from tests.operations.doctor.plain_facts import bucket_worlds, facts, healthy, worlds
from tests.operations.doctor.plain_world import Plain, holds_a_session


def test_world_to_start_from_holds_a_session() -> None:
    assert holds_a_session(healthy())
    assert evaluate(facts(healthy())).findings == ()


@settings(max_examples=150)
@given(worlds())
def test_node_is_ready_only_where_every_need_is_met(plain: Plain) -> None:
    diagnosis = evaluate(facts(plain))
    event(diagnosis.verdict.value)
    if diagnosis.verdict is Verdict.READY:
        assert holds_a_session(plain)


@settings(max_examples=150)
@given(worlds())
def test_node_is_not_ready_only_where_a_need_is_not_met(plain: Plain) -> None:
    diagnosis = evaluate(facts(plain))
    event(diagnosis.verdict.value)
    if diagnosis.verdict is Verdict.NOT_READY:
        assert not holds_a_session(plain), diagnosis.findings


@settings(max_examples=150)
@given(bucket_worlds())
def test_bucket_policy_is_evaluated_as_by_aws(plain: Plain) -> None:
    verdict = evaluate(facts(plain)).verdict
    event(verdict.value)
    if verdict is not Verdict.UNKNOWN:
        assert holds_a_session(plain) is (verdict is Verdict.READY)
