"""Settings of `shell-access:approval.justInTime`.

Limits: Systems Manager User Guide, "Create manual approval policies for your nodes"; IDs: Identity Store API Reference,
`ResourceId`; names: Systems Manager API Reference, `CreateDocument`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from pydantic import AfterValidator, Field

from common.problems import Problem, SettingPath, named, shown, unexpected
from common.validation import Profile, Section, flag, ineffective, setting, without_blanks, without_hidden
from components.just_in_time.names import AUTO_APPROVAL_NAME, DENY_ACCESS_NAME, IDENTITY

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_MANUAL_POLICIES: Final = 50
MAX_LEVELS: Final = 5
MAX_APPROVERS_OF_A_LEVEL: Final = 5
MAX_HOURS: Final = 336
_TAG_KEY: Final = 128
_TAG_VALUE: Final = 256
_MAX_VALUES: Final = 50
_MAX_CEDAR: Final = 10_000
_MAX_AUTO_APPROVALS: Final = 50
_MAX_TEXT: Final = 256

_RESERVED_PREFIXES: Final = ("aws", "amazon", "amzn", "ssm-")
"""Of CreateDocument; `SSM-` begins the names of Systems Manager's own documents."""

Text = Annotated[
    str, Field(min_length=1, max_length=_MAX_TEXT), AfterValidator(without_hidden), AfterValidator(without_blanks)
]
GroupId = Annotated[str, Field(pattern=f"^{IDENTITY}$")]
TagKey = Annotated[
    str,
    setting(
        "",
        f"a tag key of 1 to {_TAG_KEY} characters, without * and ?",
        min_length=1,
        max_length=_TAG_KEY,
        pattern=r"^[^*?]+$",
    ),
    AfterValidator(without_hidden),
    AfterValidator(without_blanks),
]
TagValue = Annotated[str, Field(max_length=_TAG_VALUE), AfterValidator(without_hidden)]
Tags = Annotated[
    dict[TagKey, Annotated[list[TagValue], Field(min_length=1, max_length=_MAX_VALUES)]], Field(min_length=1)
]
_GROUPS_ALLOWED: Final = "a list of IDs of groups of IAM Identity Center (GUIDs, not names)"


class GroupApprover(Section):
    """A group of IAM Identity Center whose members approve."""

    type: Annotated[str, Field(pattern="^SSOGroup$")] = setting(
        "Type of the approver.",
        "SSOGroup, as AWS does not publish how these policies name users or IAM roles; create a policy with "
        "such an approver in the console",
        default="SSOGroup",
    )
    id: GroupId = setting(
        "ID of the group in the identity store.",
        "the ID of a group of IAM Identity Center (a GUID, not the group's name)",
    )


class ApprovalLevel(Section):
    """A level of approval; levels are requested one after the other."""

    approvers: list[GroupApprover] = setting(
        "Groups whose members can approve.",
        f"a list of 1 to {MAX_APPROVERS_OF_A_LEVEL} approvers {{type, id}}",
        min_length=1,
        max_length=MAX_APPROVERS_OF_A_LEVEL,
    )
    min_required_approvals: int = setting(
        "Number of approvals that the level requires.",
        "a whole number from 1 to the number of the level's approvers",
        default=1,
        ge=1,
        le=MAX_APPROVERS_OF_A_LEVEL,
    )


class ManualPolicy(Section):
    """A manual approval policy: nodes by tag, and who approves access to them."""

    name: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_.-]{3,128}$")] = setting(
        "Name of the document, the same in every Region of the stack.",
        "3 to 128 letters, digits and _ . -, not beginning with aws, amazon, amzn or SSM-",
    )
    description: Text = setting(
        "Description of the policy, which approvers see as the message of a request.",
        f"text of 1 to {_MAX_TEXT} characters",
        default="Approval of shell sessions",
    )
    targets: Tags = setting(
        "Nodes that have any of these tags. A tag belongs to one policy.",
        "a mapping of tag keys to lists of values, without wildcards; a policy for all nodes is refused, as "
        "AWS does not publish its form",
    )
    access_duration_hours: int = setting(
        "Hours after the approval during which sessions can be started. Open sessions continue.",
        f"whole hours from 1 to {MAX_HOURS}",
        default=1,
        ge=1,
        le=MAX_HOURS,
    )
    levels: list[ApprovalLevel] = setting(
        "Levels of approval, in their order.",
        f"a list of 1 to {MAX_LEVELS} levels {{approvers, minRequiredApprovals}}",
        min_length=1,
        max_length=MAX_LEVELS,
    )


class AutoApproval(Section):
    """Access that needs no approval, for an hour: groups and tags of nodes, or Cedar."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")] = setting(
        "ID of the statement in the auto-approval policy.", "1 to 64 letters, digits, _ and -"
    )
    description: Text = setting(
        "Description of the statement.",
        f"text of 1 to {_MAX_TEXT} characters",
        default="Automatic approval of shell sessions",
    )
    groups: list[GroupId] = setting(
        "Groups whose members need no approval. Use it with `tags`, instead of `cedar`.",
        _GROUPS_ALLOWED,
        default_factory=list[str],
    )
    tags: dict[TagKey, Annotated[list[TagValue], Field(min_length=1, max_length=_MAX_VALUES)]] = setting(
        "Tags of the nodes. A node must have all keys, each with one of the values.",
        "a mapping of tag keys to lists of values",
        default_factory=dict[str, list[str]],
    )
    cedar: Annotated[Profile, Field(max_length=_MAX_CEDAR)] = setting(
        "Cedar policies, instead of `groups` and `tags`.",
        f"Cedar policies of at most {_MAX_CEDAR:,} characters",
        default="",
    )
    anyone: bool = flag(
        "Confirm that the Cedar policies permit users who are in no group and have no attribute.",
        default=False,
    )

    def text(self) -> str:
        """Return the Cedar policies."""
        from components.just_in_time.cedar import permits  # noqa: PLC0415 -- loads a native library

        return self.cedar or permits(self.groups, self.tags)


class JustInTimeSettings(Section):
    """Approval policies of AWS' just-in-time node access, in every Region of the stack. Only in mode `just-in-time`."""

    manual_policies: list[ManualPolicy] = setting(
        "Approval policies by tags of nodes. A node without a policy cannot be accessed.",
        f"a list of at most {MAX_MANUAL_POLICIES} policies {{name, targets, levels, ...}}",
        default_factory=list[ManualPolicy],
        max_length=MAX_MANUAL_POLICIES,
    )
    auto_approvals: list[AutoApproval] = setting(
        f"Statements of `{AUTO_APPROVAL_NAME}`: access without a person's approval, for an hour.",
        f"a list of at most {_MAX_AUTO_APPROVALS} statements {{id, groups, tags}} or {{id, cedar}}",
        default_factory=list[AutoApproval],
        max_length=_MAX_AUTO_APPROVALS,
    )
    deny_policy: None = setting(
        f"Not supported: `{DENY_ACCESS_NAME}` of the organization stays as it is, and is reported.",
        "no value, as AWS does not publish the content of a deny-access policy; create it in the console of "
        "the delegated administrator",
        default=None,
    )


def just_in_time_problems(settings: JustInTimeSettings, path: SettingPath) -> Iterator[Problem]:
    """Yield problems of settings that are each valid on their own."""
    if not settings.manual_policies and not settings.auto_approvals:
        someone = "at least one policy in manualPolicies or autoApprovals"
        yield unexpected(path, someone, "none", "Add one, as no node is accessible")
    yield from _name_problems(settings, (*path, "manualPolicies"))
    yield from _target_problems(settings, (*path, "manualPolicies"))
    for position, policy in enumerate(settings.manual_policies):
        yield from _level_problems(policy, (*path, "manualPolicies", position, "levels"))
    seen: set[str] = set()
    for position, each in enumerate(settings.auto_approvals):
        own = (*path, "autoApprovals", position)
        if each.id in seen:
            yield unexpected((*own, "id"), "each ID once", f"{each.id} again", "Rename it")
        seen.add(each.id)
        yield from _auto_approval_problems(each, own)


def just_in_time_warnings(settings: JustInTimeSettings, path: SettingPath) -> list[Problem]:
    """Return warnings about settings that have no effect beside the others."""
    return [
        problem
        for position, each in enumerate(settings.auto_approvals)
        if not each.cedar
        for problem in ineffective(each, (*path, "autoApprovals", position), "cedar is empty", "anyone")
    ]


def _name_problems(settings: JustInTimeSettings, path: SettingPath) -> Iterator[Problem]:
    seen: set[str] = set()
    for position, policy in enumerate(settings.manual_policies):
        own = (*path, position, "name")
        if policy.name.lower().startswith(_RESERVED_PREFIXES):
            allowed = "a name that does not begin with aws, amazon, amzn or SSM-, which AWS reserves"
            yield unexpected(own, allowed, policy.name, "Rename the policy")
        if policy.name.lower() in seen:
            yield unexpected(own, "each name once", f"{policy.name} again", "Rename it")
        seen.add(policy.name.lower())


def _target_problems(settings: JustInTimeSettings, path: SettingPath) -> Iterator[Problem]:
    """Yield a problem for each tag of two policies: every request for such a node fails."""
    first: dict[tuple[str, str], str] = {}
    for position, policy in enumerate(settings.manual_policies):
        for key, values in policy.targets.items():
            for value in dict.fromkeys(values):
                other = first.setdefault((key, value), policy.name)
                if other != policy.name:
                    got = f"{key}={value}, which {other} targets too"
                    fix = "Remove it from one of them, as AWS fails every request for a node of two policies"
                    yield unexpected((*path, position, "targets", key), "each tag in one policy", got, fix)


def _level_problems(policy: ManualPolicy, path: SettingPath) -> Iterator[Problem]:
    levels_of: dict[str, int] = {}
    for number, level in enumerate(policy.levels):
        count, own = len(level.approvers), (*path, number)
        if level.min_required_approvals > count:
            allowed = f"at most {count}, the number of the level's approvers"
            fix = "Lower it, as AWS does not document that several members of a group count"
            yield unexpected((*own, "minRequiredApprovals"), allowed, str(level.min_required_approvals), fix)
        for position, approver in enumerate(level.approvers):
            group = approver.id.lower()
            if group in levels_of:
                where = "twice in this level" if levels_of[group] == number else f"in level {levels_of[group] + 1} too"
                got = f"{approver.id}, which is {where}"
                fix = "Remove it, as one of its members could approve for both"
                yield unexpected((*own, "approvers", position, "id"), "each group once per policy", got, fix)
            levels_of.setdefault(group, number)


def _auto_approval_problems(each: AutoApproval, path: SettingPath) -> Iterator[Problem]:
    from components.just_in_time.cedar import policy_problems  # noqa: PLC0415 -- loads a native library

    if bool(each.cedar.strip()) == bool(each.groups or each.tags):
        yield unexpected(path, "either cedar, or groups and tags", shown(_given(each)), "Keep one of the two")
    elif not each.cedar.strip() and not (each.groups and each.tags):
        missing = "groups" if each.tags else "tags"
        fix = f"Add them, as everything that {named(_given(each))} match would be approved without them"
        yield unexpected((*path, missing), missing, "none", fix)
    else:
        key = "cedar" if each.cedar else "tags"
        for message in policy_problems(each.text(), anyone=each.anyone):
            yield Problem(path=(*path, key), message=message)


def _given(each: AutoApproval) -> list[str]:
    return [name for name, value in (("cedar", each.cedar), ("groups", each.groups), ("tags", each.tags)) if value]
