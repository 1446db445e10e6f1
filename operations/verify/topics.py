"""Comparison of an Amazon SNS topic: its encryption, its policy, and its subscriptions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from operations.inventory.session_manager import KeyFacts
from operations.reading import Unread
from operations.verify.findings import Finding, Status, cannot_tell, compared
from operations.verify.policy_document import policy_finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from operations.desired import Asked
    from operations.inventory.monitoring import SubscriptionFacts, TopicFacts


@dataclass(frozen=True, kw_only=True)
class WantedTopic:
    """A topic as the settings define it.

    Attributes:
        prefix: Prefix of the findings' IDs, `approval`.
        arn: ARN of the topic.
        key_alias: Alias of the key that encrypts it.
        policy: Its policy.
        emails: Email addresses that are subscribed.
    """

    prefix: str
    arn: str
    key_alias: str
    policy: Mapping[str, Any]
    emails: Sequence[str]

    @property
    def region(self) -> str:
        """Region of the topic."""
        return self.arn.split(":")[3]


def topic_findings(
    asked: Asked, wanted: WantedTopic, live: TopicFacts | Unread | None, key: KeyFacts | Unread | None
) -> list[Finding]:
    """Compare a topic: its encryption, its policy, and its subscriptions.

    Args:
        asked: Settings of the Region, with the command that repairs it.
        wanted: The topic as the settings define it.
        live: The topic of the account.
        key: The key behind the alias.
    """
    check, name = f"{wanted.prefix}-topic", wanted.arn.rsplit(":", 1)[-1]
    expected = f"topic {name}, encrypted with the key behind {wanted.key_alias}"
    if isinstance(live, Unread):
        return [cannot_tell(check, expected, live)]
    if live is None:
        return [compared(check, same=False, expected=expected, found="no such topic", remedy=asked.repair)]
    # A key that cannot be read is a finding of its own.
    ours = (key.arn, key.key_id) if isinstance(key, KeyFacts) else (live.key,) if isinstance(key, Unread) else ()
    encrypted = bool(live.key) and live.key in ours
    found = expected if encrypted else f"encrypted with {live.key}" if live.key else "not encrypted"
    return [
        compared(check, same=encrypted, expected=expected, found=found, remedy=asked.repair),
        policy_finding(f"{check}-policy", asked, wanted.policy, live.policy),
        *_subscriptions(asked, wanted, live.subscriptions),
    ]


def _subscriptions(
    asked: Asked, wanted: WantedTopic, live: tuple[SubscriptionFacts, ...] | Unread
) -> Iterator[Finding]:
    emails = wanted.emails
    check, expected = f"{wanted.prefix}-subscriptions", f"confirmed subscriptions: {', '.join(emails) or 'none'}"
    if isinstance(live, Unread):
        yield cannot_tell(check, expected, live)
        return
    by_email = {each.endpoint: each for each in live if each.protocol == "email"}
    missing = [email for email in emails if email not in by_email]
    chosen = [by_email[email] for email in emails if email in by_email]
    pending = [each.endpoint for each in chosen if not each.arn]
    filtered = [each for each in chosen if each.arn and each.is_filtered]
    said = [f"not subscribed: {', '.join(missing)}"] if missing else []
    said += [f"not confirmed: {', '.join(pending)}"] if pending else []
    said += [f"a filter policy withholds messages from {each.endpoint}" for each in filtered]
    remedies = [asked.repair] if missing or filtered else []
    remedies += [f"confirm with: {_confirmation(wanted)}"] if pending else []
    yield compared(
        check, same=not said, expected=expected, found="; ".join(said) or expected, remedy="; ".join(remedies)
    )
    open_to_all = [each.endpoint for each in chosen if each.arn and not each.is_authenticated]
    if open_to_all:
        yield Finding(
            check=f"{wanted.prefix}-subscription-unsubscribe",
            status=Status.WARNING,
            expected="ending a subscription takes AWS credentials",
            found=f"the link in every message ends the subscription of {', '.join(open_to_all)}",
            remedy=f"unsubscribe, then: {asked.repair}, and confirm with the token of the message: {_confirmation(wanted)}",
        )


def _confirmation(wanted: WantedTopic) -> str:
    return (
        f"aws sns confirm-subscription --topic-arn {wanted.arn} --token TOKEN "
        f"--authenticate-on-unsubscribe true --region {wanted.region}"
    )
