"""Operators and what they hold, as parts of a stack."""

import json
from typing import Any

from components.approval.iam_policies import operator_policy
from tests.policies.judging import UNKNOWN, Made
from tests.policies.separation_of_duties.documents import PLACE
from tests.policies.separation_of_duties.forms import POLICY, ROLE_ATTACHMENT, document

BY_APPROVAL = operator_policy(PLACE, session_data_encryption=True)


def managed(name: str, *statements: dict[str, Any]) -> Made:
    return policy(name, document(*statements))


def policy(name: str, written: Any) -> Made:
    properties = {"name": name, "arn": UNKNOWN, "policy": json.dumps(written)}
    return Made(type=POLICY, name=name, properties=properties)


def attached(name: str, role: str) -> Made:
    """A policy of the stack is attached to a role, both yet to be made."""
    properties = {"policyArn": UNKNOWN, "role": role}
    return Made(type=ROLE_ATTACHMENT, name=f"{name}-{role}", properties=properties, sources={"policyArn": [name]})


OPERATOR = (policy("by-approval", BY_APPROVAL), attached("by-approval", "Operator"))
"""A role that may start sessions once they are approved."""
