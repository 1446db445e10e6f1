"""Roles that must have the instance policies, as a rule of AWS CloudFormation Guard. Pure.

Source of the item's form: AWS Config resource schema (`awslabs/aws-config-resource-schema`, AWS::IAM::Role); it
contains policies as IAM returns them, percent-encoded. Guard 2 can neither decode nor parse them, so the rule searches
the trust policy as text; the runbook evaluates the document itself, which corrects matches that are too broad.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from components.nodes.names import ROLE_TYPE

if TYPE_CHECKING:
    from collections.abc import Iterable

RUNTIME: Final = "guard-2.x.x"
"""Runtime of AWS Config (API reference, CustomPolicyDetails, `PolicyRuntime`)."""

MESSAGE_TYPES: Final = ("ConfigurationItemChangeNotification", "OversizedConfigurationItemChangeNotification")
"""Triggers of the evaluation: each change of a role, also where the item is too large for a message."""

RULE: Final = "instance_policy_attached"

_EC2: Final = r'/(%22|")ec2\.amazonaws\.com(\.cn)?(%22|")/'
"""Principal of EC2 in a trust policy. Guard 2 fails on a regular expression with an escaped quotation mark."""


def role_rule(policy_arns: Iterable[str], excluded_roles: Iterable[str]) -> str:
    """Return the rule for a configuration item; it does not apply to excluded roles and other resources.

    Args:
        policy_arns: ARNs of the managed policies that instance roles must have, all of them.
        excluded_roles: Names of roles that are excluded.
    """
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
