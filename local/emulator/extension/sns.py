"""Topics as AWS documents them, where moto lets more through.

The quotas of policies: https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-language-api-permissions-reference.html
"""

from moto.core.responses import ActionResult
from moto.sns import urls
from moto.sns.exceptions import SNSInvalidParameter
from moto.sns.responses import SNSResponse

MAX_POLICY_BYTES = 30 * 1024


def apply() -> None:
    """Puts the extended topics in place of moto's."""
    urls.url_paths["{0}/$"] = LocalTopics.dispatch


class LocalTopics(SNSResponse):
    """moto's topics with the size of their policies checked."""

    def create_topic(self) -> ActionResult:
        """API_CreateTopic: InvalidParameter where the policy is too long."""
        check_policy(self._get_attributes().get("Policy"))
        return super().create_topic()

    def set_topic_attributes(self) -> ActionResult:
        """API_SetTopicAttributes: likewise."""
        if self._get_param("AttributeName") == "Policy":
            check_policy(self._get_param("AttributeValue"))
        return super().set_topic_attributes()


def check_policy(policy: str | None) -> None:
    """Refuse a policy that is too long.

    Raises:
        SNSInvalidParameter: It is; the text of the error is ours.
    """
    if policy and len(policy.encode()) > MAX_POLICY_BYTES:
        raise SNSInvalidParameter(f"Invalid parameter: Policy is longer than {MAX_POLICY_BYTES} bytes")
