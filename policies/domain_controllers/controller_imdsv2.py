"""Domain controllers require IMDSv2.

The instance must set the option itself, as a launch template may change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from pulumi_policy import Severity

from policies.domain_controllers.controller_tags import INSTANCE, LAUNCH_TEMPLATE, MARKS, SPOT_INSTANCE, on_controllers
from policies.findings import UNKNOWN, Resource
from policies.parameters import Parameter
from policies.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from policies.findings import Findings

_HOPS: Final = Parameter(
    name="maximumHopLimit",
    description="How many hops an answer of the metadata service may take; no value counts as 1.",
    default=1,
    schema={"type": "integer", "minimum": 1, "maximum": 64},
)

RULE = Rule(
    id="controller-imdsv2",
    title="Domain controllers require IMDSv2",
    severity=Severity.HIGH,
    risk="server-side request forgery in a service on the controller discloses the credentials of its role",
    remedy="Set metadataOptions.httpTokens to required and httpPutResponseHopLimit to 1",
    source="AWS Security Hub EC2.8, EC2.170, AutoScaling.4; CIS AWS Foundations Benchmark 5.0, 5.7; NIST SP 800-53 r5 AC-3, "
    "AC-6; Control Tower CT.EC2.PR.1, CT.EC2.PR.2",
    url="https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-8",
    parameters=(_HOPS, *MARKS),
)

_PATH: Final = "metadataOptions"


@on_controllers(RULE, INSTANCE, SPOT_INSTANCE, LAUNCH_TEMPLATE)
def _requires_tokens(machine: Resource) -> Findings:
    given = machine.value(_PATH)
    if given is UNKNOWN:
        yield machine.unseen(_PATH)
        return
    properties = cast("dict[str, Any]", given) if isinstance(given, dict) else dict[str, Any]()
    options = Resource(type=machine.type, name=machine.name, properties=properties, path=f"{_PATH}.", urn=machine.urn)
    if options.value("httpEndpoint") == "disabled":
        return
    yield from options.require("httpTokens", lambda tokens: tokens == "required", '"required"')
    hops = machine.settings[_HOPS.name]
    yield from options.require(
        "httpPutResponseHopLimit", lambda limit: limit is None or limit <= hops, f"at most {hops:g}"
    )


@RULE.remediates(INSTANCE, LAUNCH_TEMPLATE)
def _require_tokens(machine: Resource) -> Mapping[str, Any]:
    options = machine.value(_PATH)
    limit = cast("dict[str, Any]", options).get("httpPutResponseHopLimit") if isinstance(options, dict) else None
    most = int(machine.settings[_HOPS.name])
    too_many = isinstance(limit, int) and limit > most
    return {f"{_PATH}.httpTokens": "required"} | ({f"{_PATH}.httpPutResponseHopLimit": most} if too_many else {})
