"""Whether the policies of the workflow fit into what IAM takes. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from components.approval.guard_rails import guard_rail_policies
from components.approval.role_policies import runbook_role_policy
from components.approval.runbook import runbook
from components.documents.content import serialized
from components.problems import Problem

if TYPE_CHECKING:
    from components.approval.names import Place, PolicyDocument
    from components.approval.settings import ApprovalSettings

ROLE_CHARACTERS: Final = 10_240
"""All inline policies of a role (IAM User Guide, "IAM and AWS STS quotas"); white space is not counted."""
MANAGED_CHARACTERS: Final = 6_144
"""A managed policy, likewise."""
DOCUMENT_BYTES: Final = 64_000
"""Systems Manager takes 64 KB (API_CreateDocument); the names of Regions are not counted here."""


def size_problems(settings: ApprovalSettings, place: Place) -> list[Problem]:
    """What does not fit, with the arithmetic; the names of operators and approvers are in the policies.

    Args:
        settings: of the workflow.
        place: where it lives.
    """
    policies = [("the role of the runbooks", runbook_role_policy(settings, place), ROLE_CHARACTERS)]
    if settings.guard_rails:
        rails = guard_rail_policies(settings, place)
        policies += [(f"the guard rails {name}", each, MANAGED_CHARACTERS) for name, each in rails.items()]
    operators = len(settings.operator_roles) + len(settings.operator_users)
    given = len(serialized(runbook(settings, place, [place.region])).encode())
    too_long = Problem(
        path=("approval", "operatorRoles"),
        message=f"{operators} operators given, with whom the runbook takes {given} bytes; allowed: at most "
        f"{DOCUMENT_BYTES} bytes. Use fewer operators, or shorter names",
    )
    return [
        *([too_long] if given > DOCUMENT_BYTES else []),
        *(
            Problem(
                path=("approval", "operatorRoles"),
                message=f"{operators} operators given, with whom the policy of {what} takes {size(policy)} characters; "
                f"allowed: at most {limit} characters, as IAM takes no more. Use fewer operators, or shorter names",
            )
            for what, policy, limit in policies
            if size(policy) > limit
        ),
    ]


def size(policy: PolicyDocument) -> int:
    """The characters that IAM counts."""
    return len(json.dumps(policy, separators=(",", ":")))
