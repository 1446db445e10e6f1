"""Each call that the doctor makes, refused: a reason and an action, never a traceback, never `ready`."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from operations.doctor.findings import Verdict
from operations.doctor.run import Doctor
from operations.findings import Status
from tests.operations.arrangement import REGION, refusal
from tests.operations.doctor.world import STACK, World

SERVICES = ("ec2", "iam", "kms", "logs", "organizations", "s3", "ssm")

BESIDE = {
    "organizations.DescribeOrganization": "a note says that service control policies are not taken into account",
    "organizations.ListPoliciesForTarget": "likewise",
    "kms.GetKeyRotationStatus": "a session does not depend on it",
    "s3.GetPublicAccessBlock": "likewise",
    "ssm.GetParameter": "likewise: the document names the key itself",
    "ssm.GetServiceSetting": "likewise, where the instance profile has a role that registers",
}
"""Calls without which a node may be ready, with why."""


@contextmanager
def hooked(world: World, event: str, handler: Any) -> Iterator[None]:
    events = [world.client(each, REGION).meta.events for each in SERVICES]
    for each in events:
        each.register(event, handler)
    try:
        yield
    finally:
        for each in events:
            each.unregister(event, handler)


def test_unread_requirement_is_never_ready(world: World) -> None:
    calls: set[str] = set()

    def note(model: Any, **_: object) -> None:
        calls.add(f"{model.service_model.service_id.hyphenize()}.{model.name}")

    with hooked(world, "before-call", note):
        assert Doctor(STACK).diagnose(world.node).verdict is Verdict.READY
    assert {"s3.GetBucketPolicy", "ssm.DescribeInstanceInformation", "ec2.DescribeNatGateways"} <= calls
    for call in sorted(calls - {"ec2.DescribeInstances"}):

        def refuse(call: str = call, **_: object) -> None:
            raise refusal("AccessDenied", operation=call.partition(".")[2])

        with hooked(world, f"before-call.{call}", refuse):
            found = Doctor(STACK).diagnose(world.node)
        if call in BESIDE:
            assert found.verdict is Verdict.READY, call
            continue
        assert found.verdict is Verdict.UNKNOWN, call
        unknown = [each for each in found.findings if each.status is Status.UNKNOWN]
        assert any("refused" in each.found and "allow " in each.remedy for each in unknown), call


ABSENT = {
    "iam.GetInstanceProfile": "NoSuchEntity",
    "kms.GetKeyPolicy": "NotFoundException",
    "ec2.DescribeSubnets": None,
    "ec2.DescribeSecurityGroups": None,
}
"""Calls about what another answer has named, with the error that it does not exist; None: an empty list."""


@pytest.mark.parametrize("call", ABSENT)
def test_absent_part_of_a_node_is_never_ready(world: World, call: str) -> None:
    code, operation = ABSENT[call], call.partition(".")[2]

    def answer(**_: object) -> tuple[Any, dict[str, Any]]:
        if code:
            raise refusal(code, operation=operation)
        return type("Response", (), {"status_code": 200})(), {operation.removeprefix("Describe"): []}

    with hooked(world, f"before-call.{call}", answer):
        found = Doctor(STACK).diagnose(world.node)
    unknown = [each.found for each in found.findings if each.status is Status.UNKNOWN]
    assert any(operation in each or "does not list it" in each for each in unknown), found
