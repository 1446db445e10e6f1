"""Examples of policies that tests share."""

from __future__ import annotations

from typing import Any

APPROVERS = "90677fa0fb-5513f9a2-9916-4fc2-aec5-0358ce119215"
ONCALL = "34688438-1061-702c-a03d-1fa788dccfd1"
OTHERS = "d4381745-0081-7079-d789-14da1aaaaaaa"
ACTION = 'action == AWS::SSM::Action::"getTokenForInstanceAccess"'
GROUP = f'principal in AWS::IdentityStore::Group::"{ONCALL}"'


def level(*groups: str, required: int = 1) -> dict[str, Any]:
    return {"approvers": [{"type": "SSOGroup", "id": each} for each in groups], "minRequiredApprovals": required}


def manual(name: str = "Databases", **changed: Any) -> dict[str, Any]:
    return {"name": name, "targets": {"Tier": ["database"]}, "levels": [level(APPROVERS)], **changed}


def auto(id_: str = "oncall", **changed: Any) -> dict[str, Any]:
    return {"id": id_, "groups": [ONCALL], "tags": {"Environment": ["dev", "test"]}, **changed}


def cedar(text: str, **changed: Any) -> dict[str, Any]:
    return {"id": "written", "cedar": text, **changed}


def approval(manual_policies: Any = None, auto_approvals: Any = None, **changed: Any) -> dict[str, Any]:
    section = {
        "manualPolicies": [manual()] if manual_policies is None else manual_policies,
        "autoApprovals": [auto()] if auto_approvals is None else auto_approvals,
    }
    return {"mode": "just-in-time", "justInTime": section, **changed}
