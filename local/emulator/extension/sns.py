"""Amazon SNS as documented by AWS, where moto differs.

API_… pages: https://docs.aws.amazon.com/sns/latest/api/. Policy quotas:
https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-language-api-permissions-reference.html
"""

from typing import Any

from moto.core.responses import ActionResult
from moto.sns.exceptions import SNSInvalidParameter
from moto.sns.responses import SNSResponse

from local.emulator.settings import as_reported

MAX_POLICY_BYTES = 30 * 1024


class LocalSns(SNSResponse):
    """moto's Amazon SNS with the quota of policies, and unconfirmed subscriptions."""

    def create_topic(self) -> ActionResult:
        """API_CreateTopic: InvalidParameter if the policy is too long."""
        check_policy(self._get_attributes().get("Policy"))
        return super().create_topic()

    def set_topic_attributes(self) -> ActionResult:
        """API_SetTopicAttributes: InvalidParameter if the policy is too long."""
        if self._get_param("AttributeName") == "Policy":
            check_policy(self._get_param("AttributeValue"))
        return super().set_topic_attributes()

    def list_subscriptions_by_topic(self) -> ActionResult:
        """API_ListSubscriptionsByTopic, with the reported states."""
        content: Any = super().list_subscriptions_by_topic().result
        return ActionResult({**content, "Subscriptions": as_reported(content["Subscriptions"], "arn")})


def check_policy(policy: str | None) -> None:
    """Check the length of a policy.

    Raises:
        SNSInvalidParameter: The policy is too long; the text of the message is not AWS'.
    """
    if policy and len(policy.encode()) > MAX_POLICY_BYTES:
        raise SNSInvalidParameter(f"Invalid parameter: Policy is longer than {MAX_POLICY_BYTES} bytes")
