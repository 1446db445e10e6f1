"""The stack that governs an account, as two resources, between which all others of the stack are created.

The first is registered before all others, which depend on it: a second stack stops there. The last depends on all
others, so that a destroy begins with it: a stack whose account another one has taken over deletes nothing.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, UpdateResult

from common.aws.arns import split_arn
from common.aws.failures import ResourceError
from common.problems import NAMESPACE
from components.adoption import inventory
from components.adoption.document_ownership import OWNER_TAG
from components.adoption.dynamic_provider import AwsResourceProvider, attempts
from components.adoption.governance import POLICY_NAME, policy_arn, policy_content, policy_description
from components.adoption.lookup import previous_owner
from components.adoption.resource_kinds import Kind

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from components.account import Account
    from components.adoption.inventory import Existing

Properties = dict[str, Any]


class _GovernanceProvider(AwsResourceProvider):
    """Reads the account's record."""

    def governing(self, props: Properties) -> AbstractContextManager[Any]:
        """Return a context with a client of IAM, in which exceptions of botocore are translated."""
        return self.calling(f"the policy {POLICY_NAME}", "iam", props["region"])


class GoverningStackProvider(_GovernanceProvider):
    """Creates the record, and deletes it last."""

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> DiffResult:
        """Compare the owner, by name and by its tag when last read."""
        moved = [name for name in ("arn",) if _olds.get(name) != _news.get(name)]
        changed = _news["owner"] not in (_olds.get("owner"), "") or _olds.get("ownerTag") != _news["owner"]
        return DiffResult(changes=bool(moved) or changed, replaces=moved, delete_before_replace=False)

    def create(self, props: Properties) -> CreateResult:
        """Create the record, adopt this stack's own, or take it over if the settings permit."""
        self._acquire(props, known_as="")
        return CreateResult(props["arn"], _outputs(props))

    def update(self, _id: str, _olds: Properties, _news: Properties) -> UpdateResult:
        """Set the tag again, or record the stack under its new name."""
        self._acquire(_news, known_as=str(_olds.get("owner", "")))
        return UpdateResult(_outputs(_news))

    def read(self, id_: str, props: Properties) -> ReadResult:
        """Return the live record; absent where it does not exist."""
        with self.governing(props) as iam:
            try:
                tags = inventory.tags_of(iam.get_policy(PolicyArn=props["arn"])["Policy"].get("Tags", []))
            except iam.exceptions.NoSuchEntityException:
                return ReadResult("", {})
        inputs = {name: props[name] for name in _INPUTS if name in props}
        return ReadResult(id_, {**props, "ownerTag": tags.get(OWNER_TAG, "")}, inputs)

    def delete(self, _id: str, _props: Properties) -> None:
        """Delete the record, unless another stack owns it now."""
        with self.governing(_props) as iam:
            found = _find(iam, _props)
            if found is not None and found.owner == _props["owner"]:
                _delete(iam, _props)

    def _acquire(self, props: Properties, known_as: str) -> None:
        """Acquire the record for this stack.

        Raises:
            ResourceError: Another stack or principal owns it.
        """
        with self.governing(props) as iam:
            for _ in attempts():
                found = _find(iam, props)
                if found is None:
                    if _create(iam, props):
                        return
                elif found.owner == props["owner"]:
                    iam.tag_policy(PolicyArn=props["arn"], Tags=_tags(props["owner"]))
                    return
                elif found.owner in {props.get("takeOverFrom"), known_as} - {None, ""}:
                    # The description contains the owner and never changes.
                    _delete(iam, props)
                    if _create(iam, props):
                        return
                else:
                    raise ResourceError(refusal(props, found.owner))
        raise ResourceError(
            f"IAM says that the policy {POLICY_NAME} exists and does not show it; run the same command again"
        )


def _find(iam: Any, props: Properties) -> Existing | None:
    """Return the record; None: it does not exist."""
    return inventory.find(Kind.POLICY, iam, props["region"], props["arn"])


def _create(iam: Any, props: Properties) -> bool:
    """Create the record; return False where another run was faster."""
    try:
        iam.create_policy(
            PolicyName=POLICY_NAME,
            Description=policy_description(props["owner"]),
            PolicyDocument=json.dumps(policy_content(props["arn"])),
            Tags=_tags(props["owner"]),
        )
    except iam.exceptions.EntityAlreadyExistsException:
        return False
    return True


def _delete(iam: Any, props: Properties) -> None:
    with suppress(iam.exceptions.NoSuchEntityException):
        iam.delete_policy(PolicyArn=props["arn"])


class ReleaseGuardProvider(_GovernanceProvider):
    """Refuses to destroy what another stack governs now, and what a setting protects."""

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> DiffResult:
        """Compare the inputs."""
        names = ("arn", "owner", "region", "protectedBy")
        return DiffResult(changes=any(_olds.get(name) != _news.get(name) for name in names))

    def create(self, props: Properties) -> CreateResult:
        """Verify that this stack still governs the account at the end of a run."""
        self._check(props)
        return CreateResult(props["arn"], dict(props))

    def update(self, _id: str, _olds: Properties, _news: Properties) -> UpdateResult:
        """Verify that this stack still governs the account at the end of a run."""
        self._check(_news)
        return UpdateResult(dict(_news))

    def delete(self, _id: str, _props: Properties) -> None:
        """Stop where another stack owns the record, or a setting protects; a missing record does not stop a destroy."""
        self._check(_props)
        if _props.get("protectedBy"):
            raise ResourceError(
                f"{NAMESPACE}:{_props['protectedBy']} protects resources of this stack, so nothing was deleted. Set it to "
                "false, run pulumi up, and then run this command again"
            )

    def _check(self, props: Properties) -> None:
        with self.governing(props) as iam:
            found = _find(iam, props)
        if found is not None and found.owner not in (None, props["owner"]):
            raise ResourceError(
                f"the stack {found.owner} has taken over this account from {props['owner']}, so nothing in it is changed "
                "or removed. To forget this stack, run: pulumi stack rm --force"
            )


def refusal(props: Properties, owner: str | None) -> str:
    """Return the message about a record that this stack must not take over."""
    account = split_arn(props["arn"]).account_id
    if owner is None:
        return (
            f"the policy {POLICY_NAME} exists and was not created by a stack of this program; it is not taken over. Delete it, then "
            "run the same command again"
        )
    return (
        f"account {account} is governed by the stack {owner}, and one stack governs an account. Destroy that stack first, "
        "or set shell-access:takeOver to true here"
    )


_INPUTS: Final = ("arn", "owner", "region", "takeOverFrom")


def _outputs(props: Properties) -> Properties:
    return {**{name: props[name] for name in _INPUTS if name in props}, "ownerTag": props["owner"]}


def _tags(owner: str) -> list[dict[str, str]]:
    return [{"Key": OWNER_TAG, "Value": owner}]


class GoverningStack(Resource, module="shellaccess", name="GoverningStack"):
    """Record of the stack that governs the account."""

    def __init__(self, properties: Properties) -> None:
        super().__init__(GoverningStackProvider(), "governing-stack", properties)


class ReleaseGuard(Resource, module="shellaccess", name="ReleaseGuard"):
    """Resource with which a destroy begins."""

    def __init__(self, properties: Properties, governed: list[pulumi.Resource]) -> None:
        super().__init__(
            ReleaseGuardProvider(), "release-guard", properties, pulumi.ResourceOptions(depends_on=governed)
        )


def govern(account: Account, region: str, owner: str, protected_by: str = "") -> Callable[[], None]:
    """Register the record, make all further resources depend on it, and return a function to call after all of them.

    `protected_by` is the key of the setting that must be false before a destroy; empty: none.
    """
    arn = policy_arn(account.partition, account.id)
    properties = {"arn": arn, "owner": owner, "region": region}
    record = GoverningStack({**properties, "takeOverFrom": previous_owner(Kind.POLICY, region, arn)})
    governed: list[pulumi.Resource] = [record]

    def owned(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        if not isinstance(args.resource, pulumi.CustomResource) or isinstance(args.resource, ReleaseGuard):
            return None
        governed.append(args.resource)
        opts = pulumi.ResourceOptions.merge(args.opts, pulumi.ResourceOptions(depends_on=[record]))
        return pulumi.ResourceTransformationResult(args.props, opts)

    pulumi.runtime.register_stack_transformation(owned)
    # Absent where nothing is protected, so that no other stack changes.
    protection = {"protectedBy": protected_by} if protected_by else {}

    def register_guard() -> None:
        ReleaseGuard({**properties, **protection}, governed)

    return register_guard
