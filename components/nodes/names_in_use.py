"""Names that somebody else's things have already: a rule would be replaced without a word, a role refused half-way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components.aws_failures import MalformedAnswerError
from components.documents.errors import DocumentError, explained
from components.documents.store import OWNER_TAG
from components.nodes.names import RULE_NAME
from components.problems import Problem

if TYPE_CHECKING:
    from components.aws_session import AwsClients

Tags = list[dict[str, str]]


def rule_problems(clients: AwsClients, region: str, owner: str) -> list[Problem]:
    """A rule of our rule's name that is not of this stack, if there is one.

    Args:
        clients: to look with.
        region: where roles are evaluated.
        owner: names this stack.
    """
    what, path = f"the rule {RULE_NAME}", ("nodes", "roleCompliance")
    try:
        with explained(f"{what} in {region}", "config", region, lambda: clients.caller_arn(region)):
            tags = _rule_tags(clients.client("config", region))
    except DocumentError as unknown:
        return [Problem(path=path, message=str(unknown))]
    return _problems(path, f"{what} exists in {region}", tags, owner)


def role_problems(clients: AwsClients, region: str, role: str, key: str, owner: str) -> list[Problem]:
    """A role of this name that is not of this stack, if there is one.

    Args:
        clients: to look with.
        region: to reach IAM from.
        role: its name.
        key: of the settings, below `nodes`, that asks for it.
        owner: names this stack.
    """
    what, path = f"the role {role}", ("nodes", key)
    try:
        with explained(what, "iam", region, lambda: clients.caller_arn(region)):
            tags = _role_tags(clients.client("iam", region), role)
    except DocumentError as unknown:
        return [Problem(path=path, message=str(unknown))]
    return _problems(path, f"{what} exists", tags, owner)


def _rule_tags(config: Any) -> Tags | None:
    try:
        rules = config.describe_config_rules(ConfigRuleNames=[RULE_NAME])["ConfigRules"]
    except config.exceptions.NoSuchConfigRuleException:
        return None
    if not rules:
        raise MalformedAnswerError(operation="DescribeConfigRules", found="neither the rule nor an error")
    return config.list_tags_for_resource(ResourceArn=rules[0]["ConfigRuleArn"])["Tags"]


def _role_tags(iam: Any, role: str) -> Tags | None:
    try:
        return iam.get_role(RoleName=role)["Role"].get("Tags", [])
    except iam.exceptions.NoSuchEntityException:
        return None


def _problems(path: tuple[str, ...], what: str, tags: Tags | None, owner: str) -> list[Problem]:
    has = next((tag["Value"] for tag in tags or [] if tag["Key"] == OWNER_TAG), None)
    if tags is None or has == owner:
        return []
    whose = f"of the stack {has}" if has else "not of a stack of this program"
    message = f"{what} and is {whose}; it is not taken over. Delete it, then run the same command again"
    return [Problem(path=path, message=message)]
