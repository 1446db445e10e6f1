"""Resources that the approval depends on, and the principals of the workflow."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from common.iam.patterns import matches
from common.problems import NAMESPACE
from components.approval import names
from components.just_in_time.cedar import references
from components.just_in_time.documents import policy_documents
from components.session_manager.document import DOCUMENT_NAME

if TYPE_CHECKING:
    from collections.abc import Mapping

    from operations.stack import StackConfiguration


@dataclass(frozen=True, kw_only=True)
class Protected:
    """Names of the resources and principals of the workflow.

    Attributes:
        account_id: 12 digits.
        partition: `aws`, `aws-cn`, `aws-us-gov`.
        runbook: Document that sets and removes the tag.
        template: Change template.
        reaper: Document that removes tags of ended executions.
        policy: Managed policy of the operators.
        session_document: Session Manager preferences document.
        starts_by_runbook: Mode `automation`: a request starts the runbook.
        operators: ARNs, or patterns of ARNs.
        operator_roles: Names.
        operator_users: Names.
        shared_roles: Names of operators' roles that the stack allows several principals to assume.
        approvers: ARNs, or patterns of ARNs.
        approver_names: Kind (`IamRole`, `IamUser`, `IamGroup`) and name, without a path.
        administrators: Declared administrators: ARNs, or patterns of ARNs.
        is_just_in_time: AWS grants access: mode `just-in-time`, or a move to it.
        application: Application of account access manager whose entitlements name operators; empty: none.
        access_policies: Names of the stack's approval policies of just-in-time node access, by document type.
        access_tags: Keys of the tags that these policies compare.
    """

    account_id: str
    partition: str = "aws"
    runbook: str = names.RUNBOOK_NAME
    template: str = names.CHANGE_TEMPLATE_NAME
    reaper: str = names.REAPER_NAME
    reaper_schedule: str = names.REAPER_SCHEDULE_NAME
    policy: str = names.OPERATOR_POLICY_NAME
    role: str = names.ROLE_NAME
    session_document: str = DOCUMENT_NAME
    topic: str = names.TOPIC_NAME
    starts_by_runbook: bool = False
    operators: tuple[str, ...] = ()
    operator_roles: tuple[str, ...] = ()
    operator_users: tuple[str, ...] = ()
    shared_roles: tuple[str, ...] = ()
    approvers: tuple[str, ...] = ()
    approver_names: tuple[tuple[str, str], ...] = ()
    administrators: tuple[str, ...] = ()
    application: str = ""
    is_just_in_time: bool = False
    access_policies: Mapping[str, str] = field(default_factory=dict[str, str])
    access_tags: tuple[str, ...] = ()

    def iam(self, kind: str, name: str) -> str:
        """Return the ARN of a `role`, `user`, `group` or `policy`."""
        return f"arn:{self.partition}:iam::{self.account_id}:{kind}/{name}"

    @property
    def iam_root(self) -> str:
        """ARN by which a trust policy names the account."""
        return f"arn:{self.partition}:iam::{self.account_id}:root"

    def is_administrator(self, arn: str) -> bool:
        """Return whether a principal is a declared administrator."""
        return any(matches(each, arn) for each in self.administrators)


@dataclass(frozen=True, kw_only=True)
class DeclaredPrincipals:
    """Principals that the command line declares.

    Attributes:
        administrators: ARNs of principals that may do everything by design.
    """

    administrators: tuple[str, ...] = ()
    approvers: tuple[str, ...] = ()
    operators: tuple[str, ...] = ()


def protected(stack: StackConfiguration, declared: DeclaredPrincipals, *, account_id: str, partition: str) -> Protected:
    """Return the names that a stack's configuration sets, with the names of the AWS post as defaults."""
    section = _section(stack)
    return Protected(
        account_id=account_id,
        partition=partition,
        starts_by_runbook=bool(section) and section.get("mode", "automation") == "automation",
        operators=declared.operators,
        operator_roles=_names(section.get("operatorRoles")),
        operator_users=_names(section.get("operatorUsers")),
        shared_roles=_names(section.get("sharedOperatorRoles")),
        approvers=declared.approvers,
        approver_names=tuple(
            (str(each.get("type")), str(each.get("name")).rsplit("/", 1)[-1])
            for each in cast("list[dict[str, Any]]", section.get("approvers") or [])
        ),
        administrators=declared.administrators,
        application=_application(section),
        **_just_in_time(stack, section),
    )


def _just_in_time(stack: StackConfiguration, section: dict[str, Any]) -> dict[str, Any]:
    """Return what approval policies depend on, in mode `just-in-time` and during a move to it."""
    settings = stack.settings().just_in_time if section.get("justInTime") else None
    if settings is None:
        return {}
    documents = policy_documents(settings)
    automatic = (references(each.text()).tag_keys for each in settings.auto_approvals)
    targets = (key for each in settings.manual_policies for key in each.targets)
    return {
        "is_just_in_time": True,
        "access_policies": {each.name: each.type for each in documents},
        "access_tags": tuple(sorted({*targets, *(key for several in automatic for key in several)})),
    }


def _application(section: dict[str, Any]) -> str:
    access = section.get("identityCenter")
    return str(cast("dict[str, Any]", access).get("applicationArn", "")) if isinstance(access, dict) else ""


def _section(stack: StackConfiguration) -> dict[str, Any]:
    try:
        read = json.loads(stack.values.get(f"{NAMESPACE}:approval", "{}"))
    except ValueError:
        return {}
    return cast("dict[str, Any]", read) if isinstance(read, dict) else {}


def _names(given: Any) -> tuple[str, ...]:
    return tuple(str(each) for each in cast("list[Any]", given)) if isinstance(given, list) else ()
