"""An account as the runbooks' scripts see it: what they ask of IAM, Systems Manager and EC2, and runs to judge."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from components.approval.names import CHANGE_TEMPLATE_NAME, RUNBOOK_NAME, TAG_KEY
from components.approval.scripts import check_request
from tests.components.approval.workflow import ACCOUNT, trust

if TYPE_CHECKING:
    from collections.abc import Iterator

Json = dict[str, Any]
INSTANCE = "i-0123456789abcdef0"
OWN = "00000000-0000-0000-0000-000000000001"
LATER = "00000000-0000-0000-0000-000000000002"
OLIVIA = f"arn:aws:sts::{ACCOUNT}:assumed-role/Operator/olivia"
ANTON = f"arn:aws:sts::{ACCOUNT}:assumed-role/Approver/anton"
USER = f"arn:aws:iam::{ACCOUNT}:user/olivia"
ROOT = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
EVENTS = {
    "PrincipalType": "role",
    "PrincipalName": "Operator",
    "InstanceId": INSTANCE,
    "ExecutionId": OWN,
    "Runbook": RUNBOOK_NAME,
    "Mode": "automation",
    "ChangeTemplate": CHANGE_TEMPLATE_NAME,
    "RequireChangeRequest": True,
    "OperatorRoles": ["Operator"],
    "OperatorUsers": ["bob"],
    "SharedOperatorRoles": [],
    "SharedApproverRoles": [],
    "ChatApproverRoles": [],
    "Levels": ["1"],
    "Regions": ["eu-west-1"],
}


def approval(*deciders: str) -> Json:
    decided = [json.dumps({"Approver": each, "Decision": "Approve"}) for each in deciders]
    return {
        "StepName": "ApproveLevel1",
        "Action": "aws:approve",
        "StepStatus": "Success",
        "Outputs": {"ApproverDecisions": decided},
    }


def tag_step(when: int, status: str = "Success") -> Json:
    return {"StepName": "TagRole", "Action": "aws:executeAwsApi", "StepStatus": status, "ExecutionStartTime": when}


def run(execution: str, *steps: Json, action: str = "aws:sleep", **more: Any) -> Json:
    return {
        "AutomationExecutionId": execution,
        "DocumentName": RUNBOOK_NAME,
        "AutomationExecutionStatus": "InProgress",
        "CurrentAction": action,
        "Mode": "Auto",
        "ExecutedBy": OLIVIA,
        "Parameters": {"PrincipalType": ["role"], "PrincipalName": ["Operator"], "InstanceId": [INSTANCE]},
        "StepExecutions": [*(steps or (approval(ANTON),))],
        **more,
    }


class Account:
    """Answers of IAM, Systems Manager and EC2 to the scripts; each answer advances the clock.

    `stale` are tags that IAM shows at first, in place of those that were set some seconds ago.
    """

    def __init__(  # noqa: PLR0913 -- each may differ
        self,
        *runs: Json,
        tags: Json | None = None,
        trusting: str = "",
        trusts: dict[str, str] | None = None,
        users: dict[str, str] | None = None,
        identities: dict[str, str] | None = None,
        paths: dict[str, str] | None = None,
        reserved: tuple[str, ...] = (),
        seconds: float = 0,
        page: int = 50,
        stale: Json | None = None,
    ) -> None:
        self.runs = {each["AutomationExecutionId"]: each for each in runs}
        self.tags: Json = {TAG_KEY: INSTANCE} if tags is None else tags
        self.trusts: dict[str, Json] = {
            "operator": json.loads(trusting or trust({"AWS": USER})),
            "approver": json.loads(trust({"AWS": f"arn:aws:iam::{ACCOUNT}:user/anton"})),
            **{role.lower(): json.loads(text) for role, text in (trusts or {}).items()},
        }
        self.users = {"olivia": "AIDAQ3EGRA7JWEXAMPLE1", "anton": "AIDAQ3EGRA7JWEXAMPLE2"} if users is None else users
        self.reserved, self.identities, self.paths = reserved, identities or {}, paths or {}
        self.read: list[str] = []
        self.seconds, self.now, self.page = seconds, 0.0, page
        self.failure: Exception | None = None
        self.stale = stale

    def client(self, _service: str, _region: str | None = None) -> Account:
        return self

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.stale = None

    def get_paginator(self, operation: str) -> Account:
        self.operation = operation
        return self

    def paginate(self, **wanted: Any) -> Iterator[Json]:
        if self.operation == "list_users":
            for name, unique in self.users.items():
                yield {"Users": [{"UserId": unique, "Arn": f"arn:aws:iam::{ACCOUNT}:user/{name}"}]}
            return
        if self.operation != "describe_automation_executions":
            shown = self.tags if self.stale is None else self.stale
            yield {"Tags": [{"Key": key, "Value": value} for key, value in shown.items()]}
            return
        if self.failure:
            raise self.failure
        statuses = {each["Key"]: each["Values"] for each in wanted["Filters"]}["ExecutionStatus"]
        listed = [each for each in self.runs.values() if each["AutomationExecutionStatus"] in statuses]
        for start in range(0, len(listed), self.page):
            self.now += self.seconds
            yield {"AutomationExecutionMetadataList": listed[start : start + self.page]}

    def get_automation_execution(self, *, AutomationExecutionId: str) -> Json:  # noqa: N803 -- as boto3 has it
        self.read.append(AutomationExecutionId)
        self.now += self.seconds
        return {"AutomationExecution": self.runs[AutomationExecutionId]}

    def untag_role(self, *, RoleName: str, TagKeys: list[str]) -> None:  # noqa: ARG002, N803
        for key in TagKeys:
            del self.tags[key]

    def get_role(self, *, RoleName: str) -> Json:  # noqa: N803
        if RoleName.lower() not in self.trusts:
            raise ClientError({"Error": {"Code": "NoSuchEntity"}}, "GetRole")
        # IAM finds a name in any case, and answers with the role's own.
        name = next((each for each in self.paths if each.lower() == RoleName.lower()), RoleName)
        path = "/aws-reserved/sso.amazonaws.com/" if name in self.reserved else self.paths.get(name, "/")
        trusted = self.trusts[name.lower()]
        arn = f"arn:aws:iam::{ACCOUNT}:role{path}{name}"
        return {"Role": {"RoleName": name, "Arn": arn, "Path": path, "AssumeRolePolicyDocument": trusted}}

    def get_user_id(self, *, IdentityStoreId: str, AlternateIdentifier: Json) -> Json:  # noqa: ARG002, N803
        name = AlternateIdentifier["UniqueAttribute"]["AttributeValue"]
        if name not in self.identities:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "GetUserId")
        return {"UserId": self.identities[name]}

    def describe_user(self, *, IdentityStoreId: str, UserId: str) -> Json:  # noqa: ARG002, N803
        named = [name for name, user in self.identities.items() if user == UserId]
        if not named:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "DescribeUser")
        return {"UserId": UserId, "UserName": named[-1]}

    def get_user(self, **_given: str) -> Json:
        return {}

    def describe_instances(self, **_given: Any) -> Json:
        return {"Reservations": [{"Instances": [{"State": {"Name": "running"}}]}]}

    def describe_instance_information(self, **_given: Any) -> Json:
        return {"InstanceInformationList": [{"PingStatus": "Online"}]}


def parameters(kind: str = "role", name: str = "Operator", instance: str = INSTANCE) -> Json:
    return {"PrincipalType": [kind], "PrincipalName": [name], "InstanceId": [instance]}


def change_request(*steps: Json, **more: Any) -> Json:
    """A change request that was approved, with what its record shows of the runbook."""
    runbook = {"DocumentName": RUNBOOK_NAME, "Parameters": parameters()}
    given = {"AutomationSubtype": "ChangeRequest", "DocumentName": CHANGE_TEMPLATE_NAME, "Runbooks": [runbook]}
    return run(LATER, *steps, **{**given, "Parameters": {}, **more})


def refusal(**changes: Any) -> str:
    judged = check_request.check_request({**EVENTS, **changes}, None)
    assert (judged["Verdict"] == "accepted") == (judged["Reason"] == "")
    return judged["Reason"]
