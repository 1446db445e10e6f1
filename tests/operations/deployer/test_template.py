"""The CloudFormation template: complete in itself, and the same policies as are printed."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from moto.iam.policy_validation import IAMPolicyDocumentValidator

from common.limits import ATTACHED_POLICIES
from operations.deployer.boundary import boundary
from operations.deployer.names import Role
from operations.deployer.policies import policies
from operations.deployer.scope import DeploymentScope, whole_scope
from operations.deployer.template import LONGEST_TEMPLATE, template
from tests.operations.deployer.stacks import ACCOUNT, TAG, entitling, scope

TEMPLATE = template(scope())
RESOURCES = TEMPLATE["Resources"]
PARAMETERS = {
    "AWS::AccountId": ACCOUNT,
    "DeployRoleArn": "arn:aws:iam::999988887777:role/deploy",
    "PreviewRoleArn": "arn:aws:iam::999988887777:role/preview",
    "OrganizationId": "o-a1b2c3d4e5",
}


def filled(value: Any) -> Any:
    """As CloudFormation fills parameters in."""
    if isinstance(value, dict):
        if set(value) == {"Fn::Sub"}:
            return re.sub(r"\$\{([^}]+)\}", lambda found: PARAMETERS[found[1]], value["Fn::Sub"])
        return {key: filled(each) for key, each in value.items()}
    return [filled(each) for each in value] if isinstance(value, list) else value


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "Ref" in value:
            yield value["Ref"]
        for each in value.values():
            yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


def attached(role: str) -> list[dict[str, Any]]:
    held = [
        RESOURCES[each["Ref"]]["Properties"] for each in RESOURCES[f"{role}Role"]["Properties"]["ManagedPolicyArns"]
    ]
    return statements(filled(each["PolicyDocument"]) for each in held)


def statements(several: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return [statement for policy in several for statement in policy["Statement"]]


def test_every_reference_is_to_a_resource_of_the_template() -> None:
    found = list(references(TEMPLATE))
    assert found
    assert set(found) <= set(RESOURCES)
    assert all(re.fullmatch(r"[A-Za-z0-9]+", name) for name in RESOURCES)


def test_template_roles_have_the_printed_statements() -> None:
    # The account's number, filled in later, has another length: statements may share other policies.
    assert by_id(attached("ShellAccessPreview")) == by_id(statements(policies(scope(), Role.PREVIEW)))
    # The deployer has the policies of the preview's role too, so that the template has them once.
    assert permitted(attached("ShellAccessDeployer")) == permitted(statements(policies(scope(), Role.DEPLOYER)))


def permitted(several: list[dict[str, Any]]) -> set[str]:
    """Each action with its resources and conditions; statements about the same ones may be merged or not."""
    return {
        json.dumps([action, each["Resource"], each.get("Condition")], sort_keys=True)
        for each in several
        for action in each["Action"]
    }


def by_id(several: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(several, key=lambda statement: str(statement["Sid"]))


def test_both_roles_have_the_boundary() -> None:
    for role in ("ShellAccessDeployer", "ShellAccessPreview"):
        limit = RESOURCES[f"{role}Role"]["Properties"]["PermissionsBoundary"]["Ref"]
        properties = filled(RESOURCES[limit]["Properties"])
        assert properties["ManagedPolicyName"] == "ShellAccessDeployerBoundary"
        assert properties["PolicyDocument"] == boundary(scope())


def test_each_role_trusts_one_role_of_the_organization() -> None:
    for role, trusted in (("ShellAccessDeployer", "deploy"), ("ShellAccessPreview", "preview")):
        (statement,) = filled(RESOURCES[f"{role}Role"]["Properties"]["AssumeRolePolicyDocument"])["Statement"]
        assert statement["Principal"] == {"AWS": [f"arn:aws:iam::999988887777:role/{trusted}"]}
        assert statement["Condition"] == {"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}


@pytest.mark.parametrize("of", [scope(), entitling(), whole_scope(("eu-west-1", "us-east-1"), TAG)])
def test_iam_accepts_the_syntax_of_each_policy(of: DeploymentScope) -> None:
    resources: dict[str, Any] = template(of)["Resources"]
    documents = [each["Properties"].get("PolicyDocument") for each in resources.values()]
    for each in filter(None, documents):
        IAMPolicyDocumentValidator(json.dumps(filled(each))).validate()


def test_no_account_is_written_into_it() -> None:
    assert ACCOUNT not in json.dumps(TEMPLATE)


def test_template_of_every_section_fits_the_quotas() -> None:
    whole = template(whole_scope(("eu-west-1", "us-east-1", "ap-south-1"), TAG))
    assert len(json.dumps(whole, indent=2)) <= LONGEST_TEMPLATE
    roles = [each["Properties"] for each in whole["Resources"].values() if each["Type"] == "AWS::IAM::Role"]
    assert all(len(each["ManagedPolicyArns"]) <= ATTACHED_POLICIES.maximum for each in roles)
