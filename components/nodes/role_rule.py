"""Which roles have to have the instance policy, in the language of AWS CloudFormation Guard. Pure.

Source of the item's form: AWS Config resource schema (`awslabs/aws-config-resource-schema`, AWS::IAM::Role); a policy is
kept there as IAM gives it, percent-encoded. Guard 2 can neither decode nor parse it, so the trust policy is searched as
text; what the search takes too widely, the runbook judges again on the document itself.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from components.nodes.names import ROLE_TYPE

if TYPE_CHECKING:
    from collections.abc import Iterable

RUNTIME: Final = "guard-2.x.x"
"""The one that AWS Config has (API reference, CustomPolicyDetails, `PolicyRuntime`)."""

MESSAGE_TYPES: Final = ("ConfigurationItemChangeNotification", "OversizedConfigurationItemChangeNotification")
"""When it is evaluated: whenever a role changes, also where the item is too large for a message."""

RULE: Final = "instance_policy_attached"

_EC2: Final = r'/(%22|")ec2\.amazonaws\.com(\.cn)?(%22|")/'
"""Guard 2 fails on a regular expression in which a quotation mark is escaped."""


def role_rule(policy_arns: Iterable[str], excluded_roles: Iterable[str]) -> str:
    """A rule about a configuration item: not applicable to what is no instance role, or excluded.

    Args:
        policy_arns: ARNs of the managed policies that instance roles have to have, all of them.
        excluded_roles: names that are passed over.
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
