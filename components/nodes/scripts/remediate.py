"""Steps of the remediation's runbook beside the call that attaches the policy: check the role before and after.

This file is data: its text becomes part of the runbook (`aws:executeScript`, runtime python3.11), where Systems Manager
calls the handlers with the step's `InputPayload`. It may use the standard library and boto3, nothing else.
"""

from __future__ import annotations

import json
import time
from typing import Any, cast
from urllib.parse import unquote

import boto3

EC2 = ("ec2.amazonaws.com", "ec2.amazonaws.com.cn")
LOOKS = 10
PAUSE_SECONDS = 3
"""IAM shows what was changed after a while (IAM User Guide, "Changes that I make are not always immediately visible")."""

Json = dict[str, Any]


class RefusedError(Exception):
    """The role is left as it is; the text says why."""


def check_role(events: Json, _context: object) -> Json:
    """Names the role, and says whether the policy has to be attached; fails where the role is none of ours to change."""
    iam = _client("iam")
    name = _name(events["RoleId"])
    if name.lower() in {excluded.lower() for excluded in events["ExcludedRoles"]}:
        raise RefusedError(f"the role {name} is excluded")
    role = iam.get_role(RoleName=name)["Role"]
    if role["RoleId"] != events["RoleId"]:
        raise RefusedError(f"the role {name} is another one by now: {role['RoleId']}, not {events['RoleId']}")
    if not _is_for_instances(role["AssumeRolePolicyDocument"]):
        raise RefusedError(f"EC2 may not assume the role {name}")
    if not iam.list_instance_profiles_for_role(RoleName=name)["InstanceProfiles"]:
        raise RefusedError(f"the role {name} is in no instance profile")
    return {"RoleName": name, "Verdict": "attach" if _missing(iam, name, events["PolicyArns"]) else "attached"}


def verify_attached(events: Json, _context: object) -> Json:
    """Fails unless the role has the policies."""
    iam, name, policies = _client("iam"), events["RoleName"], events["PolicyArns"]
    missing: list[str] = []
    for look in range(LOOKS):
        if look:
            time.sleep(PAUSE_SECONDS)
        missing = _missing(iam, name, policies)
        if not missing:
            return {"Outcome": f"the role {name} has {', '.join(policies)}"}
    raise RefusedError(f"the role {name} does not have {', '.join(missing)}, although it was attached")


def _name(role_id: str) -> str:
    """AWS Config knows roles by their IDs, IAM by their names."""
    found = _client("config").list_discovered_resources(resourceType="AWS::IAM::Role", resourceIds=[role_id])
    names = [each["resourceName"] for each in found["resourceIdentifiers"] if each["resourceId"] == role_id]
    if len(names) != 1:
        raise RefusedError(f"AWS Config knows no role {role_id} any more")
    return str(names[0])


def _is_for_instances(trust: Any) -> bool:
    document = json.loads(unquote(trust)) if isinstance(trust, str) else trust
    return any(
        statement.get("Effect") == "Allow" and not _services(statement).isdisjoint(EC2)
        for statement in _list(document.get("Statement", []))
    )


def _services(statement: Json) -> set[str]:
    principal = statement.get("Principal")
    return set(_list(cast("Json", principal).get("Service", []))) if isinstance(principal, dict) else set()


def _missing(iam: Any, name: str, policy_arns: list[str]) -> list[str]:
    pages = iam.get_paginator("list_attached_role_policies").paginate(RoleName=name)
    attached = {policy["PolicyArn"] for page in pages for policy in page["AttachedPolicies"]}
    return [arn for arn in policy_arns if arn not in attached]


def _client(service: str) -> Any:
    return cast("Any", boto3).client(service)


def _list(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else [value]
