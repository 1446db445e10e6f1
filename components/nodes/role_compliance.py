"""Compliance of instance roles: the rule, and the runbook that attaches the instance policies."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from common.iam.statements import allow, deny, document
from common.limits import DOCUMENT, GUARD_RULE, ROLE_POLICIES, TRUST_POLICY, Generated, size
from components.adoption.document_content import published_bytes
from components.nodes.names import REMEDIATION_ROLE_NAME, ROLE_TYPE, PolicyDocument
from components.session_manager.names import numbered

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from common.aws.arns import Scope
    from components.account import Account
    from components.nodes.settings import RoleComplianceSettings


RUNTIME: Final = "guard-2.x.x"
"""Runtime of AWS Config (API reference, CustomPolicyDetails, `PolicyRuntime`)."""

MESSAGE_TYPES: Final = ("ConfigurationItemChangeNotification", "OversizedConfigurationItemChangeNotification")
"""Triggers of the evaluation: each change of a role, also where the item is too large for a message."""

RULE: Final = "instance_policy_attached"

_EC2: Final = r'/(%22|")ec2\.amazonaws\.com(\.cn)?(%22|")/'
"""Principal of EC2 in a trust policy. Guard 2 fails on a regular expression with an escaped quotation mark."""


def role_rule(policy_arns: Iterable[str], excluded_roles: Iterable[str]) -> str:
    """Return the rule for a configuration item; it does not apply to excluded roles and other resources."""
    excluded = "".join(f"\n    configuration.roleName != {json.dumps(name)}" for name in sorted(set(excluded_roles)))
    attached = "\n".join(
        f'    configuration.attachedManagedPolicies[ policyArn == "{arn}" ] !empty' for arn in policy_arns
    )
    return f"""rule {RULE} when
    resourceType == "{ROLE_TYPE}"
    configuration.roleName exists
    configuration.assumeRolePolicyDocument == {_EC2}
    configuration.instanceProfileList[*] !empty{excluded}
{{
{attached}
}}
"""


REMEDIATION_POLICY_NAME: Final = "shell-access"
"""Name of the role's inline policy."""

ROLE_PARAMETER: Final = "AutomationAssumeRole"
"""Name that AWS Config requires."""
RESOURCE_PARAMETER: Final = "RoleId"
"""Parameter that AWS Config sets to the ID of the resource; a role's ID is not its name."""

MAXIMUM_AUTOMATIC_ATTEMPTS: Final = 5
RETRY_ATTEMPT_SECONDS: Final = 300
CONCURRENT_EXECUTION_RATE_PERCENTAGE: Final = 10
ERROR_PERCENTAGE: Final = 10

_ROLE_ID: Final = "^AROA[A-Z0-9]{12,124}$"
_SCRIPT_SECONDS: Final = 120
_API_SECONDS: Final = 25


def runbook(place: Scope, policy_arns: Sequence[str], excluded_roles: Sequence[str]) -> dict[str, Any]:
    """Return the runbook: it evaluates the role, attaches missing policies, and verifies that they are attached.

    The policies are fixed: a principal that starts the runbook cannot choose others.
    """
    judged = {
        "RoleId": _given(RESOURCE_PARAMETER),
        "PolicyArns": list(policy_arns),
        "ExcludedRoles": list(excluded_roles),
    }
    role = _given("CheckRole.RoleName")
    # Step names cannot contain hyphens.
    attaching = {name.replace("-", ""): arn for name, arn in numbered("AttachPolicy", policy_arns).items()}
    return {
        "schemaVersion": "0.3",
        "description": f"Attaches {', '.join(policy_arns)} to a role that EC2 instances have, unless it is excluded.",
        "assumeRole": _given(ROLE_PARAMETER),
        "parameters": {
            ROLE_PARAMETER: {
                "type": "String",
                "description": f"The role that the runbook runs with: {REMEDIATION_ROLE_NAME}, no other.",
                "default": place.iam(f"role/{REMEDIATION_ROLE_NAME}"),
                "allowedValues": [place.iam(f"role/{REMEDIATION_ROLE_NAME}")],
            },
            RESOURCE_PARAMETER: {
                "type": "String",
                "description": "The ID of the role that lacks the policy, AROA...",
                "allowedPattern": _ROLE_ID,
            },
        },
        "mainSteps": [
            _script("CheckRole", "check_role", judged, ("RoleName", "Verdict")),
            {
                "name": "Decide",
                "action": "aws:branch",
                "inputs": {
                    "Choices": [
                        {"NextStep": "AttachPolicy", "Variable": _given("CheckRole.Verdict"), "StringEquals": "attach"}
                    ],
                    "Default": "VerifyAttached",
                },
            },
            *(
                {
                    "name": name,
                    "action": "aws:executeAwsApi",
                    "timeoutSeconds": _API_SECONDS,
                    "inputs": {"Service": "iam", "Api": "AttachRolePolicy", "RoleName": role, "PolicyArn": policy_arn},
                    "nextStep": following,
                }
                for (name, policy_arn), following in zip(
                    attaching.items(), [*list(attaching)[1:], "VerifyAttached"], strict=True
                )
            ),
            {
                **_script(
                    "VerifyAttached",
                    "verify_attached",
                    {"RoleName": role, "PolicyArns": list(policy_arns)},
                    ("Outcome",),
                ),
                "isEnd": True,
            },
        ],
        "outputs": ["CheckRole.RoleName", "VerifyAttached.Outcome"],
    }


def remediation_role_policy(place: Scope, policy_arns: Sequence[str], excluded_roles: Sequence[str]) -> PolicyDocument:
    """Return the permissions: attach the instance policies, except to excluded roles, and read roles; no others."""
    looking = ["iam:GetRole", "iam:ListAttachedRolePolicies", "iam:ListInstanceProfilesForRole"]
    roles, attach = place.iam("role/*"), "iam:AttachRolePolicy"
    ours = {"ArnEquals": {"iam:PolicyARN": policy_arns[0] if len(policy_arns) == 1 else list(policy_arns)}}
    statements = [
        allow("AttachInstancePolicy", attach, roles, condition=ours),
        allow("SeeRoles", looking, roles),
        # Supports no narrower resource (Service Authorization Reference).
        allow("FindRole", "config:ListDiscoveredResources", "*"),
    ]
    if excluded_roles:
        arns = [place.iam(f"role/{path}{name}") for name in excluded_roles for path in ("", "*/")]
        statements.append(deny("LeaveExcluded", attach, arns))
    return document(statements)


def remediation_trust(place: Scope) -> PolicyDocument:
    """Return the trust policy: Systems Manager assumes the role, for executions in this account only.

    IAM User Guide, "The confused deputy problem".
    """
    runs = f"arn:{place.partition}:ssm:*:{place.account_id}:automation-execution/*"
    condition = {"StringEquals": {"aws:SourceAccount": place.account_id}, "ArnLike": {"aws:SourceArn": runs}}
    return document([allow("", "sts:AssumeRole", principal={"Service": "ssm.amazonaws.com"}, condition=condition)])


@cache
def _source() -> str:
    return (Path(__file__).parent / "scripts" / "remediate.py").read_text(encoding="utf-8")


def _script(name: str, handler: str, payload: dict[str, Any], outputs: Sequence[str]) -> dict[str, Any]:
    return {
        "name": name,
        "action": "aws:executeScript",
        "timeoutSeconds": _SCRIPT_SECONDS,
        "inputs": {"Runtime": "python3.11", "Handler": handler, "InputPayload": payload, "Script": _source()},
        "outputs": [{"Name": each, "Selector": f"$.Payload.{each}", "Type": "String"} for each in outputs],
    }


def _given(name: str) -> str:
    return f"{{{{ {name} }}}}"


def generated_texts(
    settings: RoleComplianceSettings, account: Account, policy_names: Sequence[str]
) -> Iterator[Generated]:
    """Yield each generated resource whose size depends on settings, with its size."""
    place = account.scope()
    arns, excluded = [place.iam(f"policy/{name}") for name in policy_names], sorted(settings.excluded_roles)
    measured = {
        "the rule about instance roles": (len(role_rule(arns, excluded)), GUARD_RULE),
        "the policy of the remediation's role": (size(remediation_role_policy(place, arns, excluded)), ROLE_POLICIES),
        "the trust policy of the remediation's role": (size(remediation_trust(place)), TRUST_POLICY),
        "the remediation's runbook": (published_bytes(runbook(place, arns, excluded)), DOCUMENT),
    }
    for what, (length, quota) in measured.items():
        yield Generated(
            what=what,
            size=length,
            quota=quota,
            path=("nodes", "roleCompliance", "excludedRoles"),
            given=f"{len(excluded)} excluded roles and {len(arns)} instance policies",
            fix="Exclude fewer roles",
        )
