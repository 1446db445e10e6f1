"""Stacks that move, and situations of them."""

import json
from datetime import UTC, datetime
from typing import Any

from components.just_in_time.decisions import AccessDecision, ManagedNode, Outcome
from operations.approval.requests import ApprovalRequest, RequestState
from operations.migration.access_paths import AccessPaths, Requester
from operations.migration.approval import MigrationSituation
from operations.principals import GrantedPrincipal
from operations.stack import StackConfiguration
from tests.components.just_in_time.examples import approval, manual

OPERATOR = "arn:aws:iam::111122223333:role/Operator"
WORKFLOW: dict[str, Any] = {
    "mode": "automation",
    "approvers": [{"type": "IamRole", "name": "Approver"}],
    "operatorRoles": ["Operator"],
    "guardRails": True,
}
POLICIES: dict[str, Any] = approval([manual()])["justInTime"]
OPEN = AccessPaths(
    operators=(Requester(arn=OPERATOR),),
    decides=True,
    requesters=(OPERATOR,),
    operators_just_in_time=(Requester(arn=OPERATOR),),
)
READY = MigrationSituation(paths=OPEN)
"""Nothing prevents any step."""


def configuration(section: Any = None) -> StackConfiguration:
    values = {"aws:region": "eu-west-1"}
    values |= {"shell-access:approval": json.dumps(section)} if section else {}
    return StackConfiguration(name="dev", values=values)


def moving(stage: str, **changed: Any) -> dict[str, Any]:
    return {**WORKFLOW, "justInTimeMigration": stage, "justInTime": POLICIES, **changed}


def decision(outcome: Outcome, name: str = "app") -> AccessDecision:
    return AccessDecision(node=ManagedNode(id=f"i-{name}", region="eu-west-1", tags={"Name": name}), outcome=outcome)


def open_request(state: RequestState) -> ApprovalRequest:
    return ApprovalRequest(
        id="run-1",
        grant_id=None,
        requester=OPERATOR,
        requested_at=datetime(2026, 1, 1, tzinfo=UTC),
        principal=GrantedPrincipal("role", "Operator"),
        instance="i-1",
        state=state,
    )
