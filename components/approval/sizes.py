"""Sizes of the workflow's texts: its policies contain the names of operators and approvers. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from common.limits import (
    ALARM_ACTIONS,
    DOCUMENT,
    EVENT_DESCRIPTION,
    EVENT_PATTERN,
    KEY_POLICY,
    MANAGED_POLICY,
    ROLE_POLICIES,
    RULE_TARGETS,
    TOPIC_POLICY,
    TRUST_POLICY,
    Generated,
    Quota,
    size,
)
from components.adoption.document_content import published_bytes
from components.approval.topic_policies import topic_key_policy, topic_policy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from components.approval.plan import ApprovalPlan
    from components.approval.settings import ApprovalSettings


def generated_texts(settings: ApprovalSettings, plan: ApprovalPlan) -> Iterator[Generated]:
    """Yield all texts that the workflow generates, with their sizes.

    Args:
        settings: Settings of the workflow.
        plan: Plan for the settings.
    """
    operators = len(settings.operator_roles) + len(settings.operator_users)
    given = f"{operators} operators and {len(settings.approvers)} approvers"

    def text(what: str, length: int, quota: Quota) -> Generated:
        return Generated(
            what=what,
            size=length,
            quota=quota,
            path=("approval", "operatorRoles"),
            given=given,
            fix="Use fewer operators, or shorter names",
        )

    for policy in plan.policies:
        yield text(f"the policy {policy.name}", size(policy.content), MANAGED_POLICY)
    for role in plan.roles:
        yield text(f"the policy of the role {role.name}", size(role.policy), ROLE_POLICIES)
        yield text(f"the trust policy of the role {role.name}", size(role.trust), TRUST_POLICY)
    for document in plan.documents:
        yield text(f"the document {document.name}", published_bytes(document.content), DOCUMENT)
    for alarm in plan.event_alarms:
        yield text(f"the pattern of the rule {alarm.name}", len(json.dumps(alarm.pattern)), EVENT_PATTERN)
        yield text(f"the description of the rule {alarm.name}", len(alarm.description), EVENT_DESCRIPTION)
    yield text("the policy of the topic", len(json.dumps(topic_policy(plan.place))), TOPIC_POLICY)
    yield text("the policy of its key", len(json.dumps(topic_key_policy(plan.place))), KEY_POLICY)
    for what, quota in (("an EventBridge rule", RULE_TARGETS), ("a CloudWatch alarm", ALARM_ACTIONS)):
        yield Generated(
            what=f"the topics of {what}",
            size=len(plan.alarm_topics),
            quota=quota,
            path=("approval", "alarmTopicArns"),
            given=f"{len(settings.alarm_topic_arns)} topics and that of the workflow",
            fix="Subscribe what receives the alarms to fewer topics",
        )
