from typing import Any

import pytest

from policies.domain_controllers.controller_no_public_address import RULE
from tests.policies.domain_controllers.stacks import INSTANCE, LAUNCH_TEMPLATE, MARKED, SPOT_INSTANCE
from tests.policies.judging import SILENT, UNKNOWN, judge, violations


@pytest.mark.parametrize("type_", [INSTANCE, SPOT_INSTANCE])
def test_instance_asks_for_no_public_address(type_: str) -> None:
    for value in (False, None):
        assert judge(RULE, type_, {"tags": MARKED, "associatePublicIpAddress": value}) == SILENT
    for value in (True, "true"):
        (said,) = violations(RULE, type_, {"tags": MARKED, "associatePublicIpAddress": value})
        assert said.startswith(f'{type_} "subject": associatePublicIpAddress: found ')
    assert judge(RULE, type_, {"tags": MARKED, "associatePublicIpAddress": UNKNOWN}).unseen
    assert judge(RULE, type_, {"tags": {}, "associatePublicIpAddress": True}) == SILENT


def template(*interfaces: Any) -> dict[str, Any]:
    return {"tags": MARKED, "networkInterfaces": list(interfaces)}


@pytest.mark.parametrize("name", ["associatePublicIpAddress", "associateCarrierIpAddress"])
def test_launch_template_asks_for_none(name: str) -> None:
    assert judge(RULE, LAUNCH_TEMPLATE, template({name: "false"}, {})) == SILENT
    for value in ("true", "True", True):
        (said,) = violations(RULE, LAUNCH_TEMPLATE, template({}, {name: value}))
        assert f"networkInterfaces[1].{name}: found " in said
    assert judge(RULE, LAUNCH_TEMPLATE, template({name: UNKNOWN})).unseen


def test_interfaces_that_are_not_known_yet_are_said() -> None:
    assert judge(RULE, LAUNCH_TEMPLATE, template(UNKNOWN)).unseen
    assert judge(RULE, LAUNCH_TEMPLATE, {"tags": MARKED, "networkInterfaces": UNKNOWN}).unseen
