"""Notices for chat: EventBridge rules whose messages Amazon Q Developer in chat applications shows in Slack and Teams.

It shows events of AWS services and messages in its own schema only, never the text of `aws:approve` (Amazon Q Developer in
chat applications Administrator Guide, "Custom notifications"). The messages contain no text of a requester, as a reason may hold
mentions and links. They link to the request instead, where approvers sign in as themselves: in a chat AWS sees the role of the
channel, not the person.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from components.approval.alarms import EventAlarm
from components.approval.names import ALARM_PREFIX, RUNBOOK_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator

    from components.approval.names import WorkflowLocation
    from components.approval.settings import ApprovalSettings

CHAT_TARGET_ID: Final = "chat"
LONGEST_TITLE: Final = 250
LONGEST_NEXT_STEP: Final = 350
"""Maximum lengths in the schema of custom notifications."""

INPUT_PATHS: Final = {"run": "$.detail.ExecutionId", "time": "$.time"}


@dataclass(frozen=True, kw_only=True)
class ChatRule:
    """A rule that publishes a notice to the topic of the chat.

    EventBridge replaces `<run>` and `<time>` in the template.
    """

    alarm: EventAlarm
    topic_arn: str
    template: str


@dataclass(frozen=True, kw_only=True)
class _Notice:
    """Notice of a step that has succeeded."""

    name: str
    step: str
    title: str
    next_step: str = ""


_NOTICES: Final = (
    _Notice(
        name="requested",
        step="CheckReason",
        title="A shell session waits for approval",
        next_step="Approve or reject it, as another person than the requester: `shell-access approve <run>`",
    ),
    _Notice(name="granted", step="AnnounceGrant", title="A shell session was approved"),
    _Notice(name="refused", step="AnnounceRefusal", title="A request for a shell session was refused"),
    _Notice(name="not-granted", step="AnnounceNotGranted", title="A request for a shell session was not granted"),
    _Notice(name="ended", step="AnnounceEnd", title="A grant of a shell session has ended"),
    _Notice(
        name="not-removed",
        step="AnnounceStuck",
        title="A grant of a shell session could not be removed",
        next_step="Look for it, and end it: `shell-access status <run>`",
    ),
)


def chat_rules(settings: ApprovalSettings, place: WorkflowLocation) -> tuple[ChatRule, ...]:
    """Return the rules of the workflow's Region; none without `chatTopicArn`.

    In mode `change-manager` requests are made before the runbook runs, so that only its results are reported.
    """
    if not settings.chat_topic_arn:
        return ()
    return tuple(_rules(settings.chat_topic_arn, place))


def _rules(topic_arn: str, place: WorkflowLocation) -> Iterator[ChatRule]:
    for notice in _NOTICES:
        detail = {"Definition": [RUNBOOK_NAME], "StepName": [notice.step], "Status": ["Success"]}
        yield ChatRule(
            alarm=EventAlarm(
                name=f"{ALARM_PREFIX}chat-{notice.name}",
                description=f"Chat: {notice.title[0].lower()}{notice.title[1:]}",
                pattern={
                    "source": ["aws.ssm"],
                    "detail-type": ["EC2 Automation Step Status-change Notification"],
                    "detail": detail,
                },
            ),
            topic_arn=topic_arn,
            template=_template(notice, place),
        )


def _template(notice: _Notice, place: WorkflowLocation) -> str:
    """Return a custom notification, of which a request and its outcome are in one thread."""
    link = place.console_link("<run>")
    content = {
        "textType": "client-markdown",
        "title": notice.title,
        "description": f"Account {place.account_id}, {place.region}: [requester, instance and reason]({link})",
        **({"nextSteps": [notice.next_step]} if notice.next_step else {}),
        "keywords": ["shell-access", notice.name],
    }
    metadata = {
        "threadId": "<run>",
        "summary": notice.title,
        "eventType": notice.name,
        "additionalContext": {"ExecutionId": "<run>", "Time": "<time>"},
        "enableCustomActions": False,
    }
    return json.dumps({"version": "1.0", "source": "custom", "content": content, "metadata": metadata}, sort_keys=True)
