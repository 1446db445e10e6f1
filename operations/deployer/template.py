"""CloudFormation template with the deployer's role and the preview's role, for a StackSet."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from common.iam.statements import POLICY_VERSION
from operations.deployer.boundary import boundary
from operations.deployer.names import BOUNDARY, ROLES_BOUNDARY, Role
from operations.deployer.policies import named_policies
from operations.deployer.role_boundary import role_boundary

if TYPE_CHECKING:
    from operations.deployer.scope import DeploymentScope
    from operations.deployer.statement import Policy

LONGEST_BODY: Final = 51_200
"""Maximum of bytes of a template in a request (CloudFormation User Guide, "Understand CloudFormation quotas")."""
LONGEST_TEMPLATE: Final = 1_000_000
"""Maximum of bytes of a template in S3; the same source says 1 MB."""

_ACCOUNT: Final = "${AWS::AccountId}"
_ORGANIZATION: Final = "OrganizationId"
_TRUSTED: Final = {Role.DEPLOYER: "DeployRoleArn", Role.PREVIEW: "PreviewRoleArn"}
"""Template parameter with the principal that may assume each role."""
_SESSION_SECONDS: Final = 3_600


def trust(trusted: list[str], organization: str = "") -> Policy:
    """Return the deployer's trust policy: the fleet's own roles, only while they belong to the organization, if given."""
    inside = {"Condition": {"StringEquals": {"aws:PrincipalOrgID": organization}}} if organization else {}
    statement = {"Effect": "Allow", "Principal": {"AWS": trusted}, "Action": "sts:AssumeRole", **inside}
    return {"Version": POLICY_VERSION, "Statement": [statement]}


def template(scope: DeploymentScope) -> dict[str, Any]:
    """Return the template; the account of its deployment replaces the account of the scope."""
    here = replace(scope, account=_ACCOUNT)
    managed = {
        BOUNDARY: boundary(here),
        ROLES_BOUNDARY: role_boundary(here),
        **named_policies(here, Role.DEPLOYER, beyond_reading=True),
        **named_policies(here, Role.PREVIEW),
    }
    reading = [name for name in managed if name.startswith(Role.PREVIEW)]
    held = {
        Role.DEPLOYER: [
            *reading,
            *(name for name in managed if name.startswith(Role.DEPLOYER) and name != BOUNDARY),
        ],
        Role.PREVIEW: reading,
    }
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Roles that deploy and preview Shell Access, with their boundaries",
        "Parameters": {
            **{
                parameter: {
                    "Type": "String",
                    "AllowedPattern": r"arn:aws[a-z-]*:iam::\d{12}:role/.+",
                    "Description": f"ARN of the role that may assume {role}",
                }
                for role, parameter in _TRUSTED.items()
            },
            _ORGANIZATION: {
                "Type": "String",
                "AllowedPattern": "o-[a-z0-9]{10,32}",
                "Description": "The organization that both roles belong to",
            },
        },
        "Resources": {
            **{_logical(name): _policy(name, content) for name, content in managed.items() if content["Statement"]},
            **{f"{role}Role": _role(role, names) for role, names in held.items()},
        },
        "Outputs": {role: {"Value": {"Fn::GetAtt": [f"{role}Role", "Arn"]}} for role in held},
    }


def _policy(name: str, content: Policy) -> dict[str, Any]:
    return {
        "Type": "AWS::IAM::ManagedPolicy",
        "Properties": {"ManagedPolicyName": name, "PolicyDocument": _substituted(content)},
    }


def _role(role: Role, held: list[str]) -> dict[str, Any]:
    trusted = trust([f"${{{_TRUSTED[role]}}}"], f"${{{_ORGANIZATION}}}")
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "RoleName": role,
            "MaxSessionDuration": _SESSION_SECONDS,
            "AssumeRolePolicyDocument": _substituted(trusted),
            "PermissionsBoundary": {"Ref": _logical(BOUNDARY)},
            "ManagedPolicyArns": [{"Ref": _logical(name)} for name in held],
        },
    }


def _logical(name: str) -> str:
    return f"{name}Policy"


def _substituted(value: Any) -> Any:
    """Return a value in which CloudFormation replaces parameters; our policies have no policy variables."""
    if isinstance(value, dict):
        return {key: _substituted(each) for key, each in value.items()}  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, list):
        return [_substituted(each) for each in value]  # pyright: ignore[reportUnknownVariableType]
    return {"Fn::Sub": value} if isinstance(value, str) and "${" in value else value
