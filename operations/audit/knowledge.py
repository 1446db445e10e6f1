"""What a principal can make of a request's keys (IAM User Guide, "AWS global condition context keys")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from components.iam.choices import Choice, any_value, situations
from components.iam.context import ABSENT, UNKNOWN, Known, known
from components.iam.evaluation import Target, grants
from components.iam.patterns import SOME
from operations.audit.catalogue import HARMFUL
from operations.audit.rules.keys import APPROVAL_KEY, APPROVED, MET

if TYPE_CHECKING:
    from collections.abc import Mapping

    from components.iam.principals import Principal
    from operations.audit.world import World

_UNKNOWN: Final = (Choice(UNKNOWN),)
_NOT_THERE: Final = (Choice(ABSENT),)

_FREE: Final = frozenset(
    {
        *("aws:useragent", "aws:referer", "sts:externalid", "sts:rolesessionname", "sts:sourceidentity"),
        *("ssm:sessiondocumentaccesscheck", "iam:associatedresourcearn", "ssm:documentversion"),
    }
)
"""The caller writes them into its request."""

_OF_SERVICES: Final = frozenset({"aws:sourceaccount", "aws:sourcearn", "aws:sourceorgid", "aws:sourceorgpaths"})
"""Only requests that a service makes for somebody have them."""

_TAGGING: Final = frozenset(
    [
        "autoscaling:CreateAutoScalingGroup",
        "cloudformation:CreateStack",
        "cloudformation:UpdateStack",
        "codebuild:CreateProject",
        "codebuild:UpdateProject",
        "codepipeline:CreatePipeline",
        "datapipeline:CreatePipeline",
        "dlm:CreateLifecyclePolicy",
        "ec2:CreateFleet",
        "ec2:CreateReplaceRootVolumeTask",
        "ec2:CreateTags",
        "ec2:CreateVolume",
        "ec2:RequestSpotFleet",
        "ec2:RequestSpotInstances",
        "ec2:RunInstances",
        "ecs:CreateService",
        "ecs:RegisterTaskDefinition",
        "ecs:RunTask",
        "ecs:StartTask",
        "fis:CreateExperimentTemplate",
        "fis:StartExperiment",
        "fis:UpdateExperimentTemplate",
        "glue:CreateDevEndpoint",
        "glue:CreateJob",
        "iam:CreateOpenIDConnectProvider",
        "iam:CreateRole",
        "iam:CreateSAMLProvider",
        "iam:CreateUser",
        "iam:TagRole",
        "iam:TagUser",
        "iam:UntagRole",
        "iam:UntagUser",
        "lambda:CreateEventSourceMapping",
        "lambda:CreateFunction",
        "rolesanywhere:CreateProfile",
        "rolesanywhere:CreateTrustAnchor",
        "sagemaker:CreateNotebookInstance",
        "sagemaker:CreateProcessingJob",
        "sagemaker:CreateTrainingJob",
        "ssm-incidents:CreateResponsePlan",
        "ssm-incidents:UpdateResponsePlan",
        "ssm-quicksetup:CreateConfigurationManager",
        "ssm:AddTagsToResource",
        "ssm:CreateActivation",
        "ssm:CreateAssociation",
        "ssm:CreateAssociationBatch",
        "ssm:CreateDocument",
        "ssm:StartAccessRequest",
        "ssm:StartAutomationExecution",
        "ssm:StartChangeRequestExecution",
        "states:CreateStateMachine",
        "states:UpdateStateMachine",
        "sts:AssumeRole",
        "sts:TagSession",
    ]
)
"""The actions of the rules whose requests can carry tags (SAR, condition keys aws:TagKeys and aws:RequestTag)."""

_ANY_SERVICE: Final = ("aws", "ec2", "saml", "sts")
"""Prefixes of keys that requests to other services have too: of the caller's session, or of the instance it comes from."""

_RESOURCE_TAGS: Final = ("aws:resourcetag/", "ssm:resourcetag/")


class RequestKnowledge:
    """Knowledge of one principal's requests for one action."""

    def __init__(
        self, principal: Principal, world: World, action: str, given: Mapping[str, tuple[Choice, ...]] | None = None
    ) -> None:
        """Knows what follows from the principal, the action, and what is given.

        Args:
            principal: who asks.
            world: the account.
            action: `ssm:StartSession`.
            given: what a rule says of the request; a key that ends in a slash is a prefix.
        """
        self._principal, self._world, self._action = principal, world, action
        self._given = given or {}

    def choices(self, key: str, mentioned: tuple[str, ...]) -> tuple[Choice, ...]:
        """What the caller can make of a key."""
        given = self._given.get(key) or next(
            (choices for prefix, choices in self._given.items() if prefix.endswith("/") and key.startswith(prefix)),
            None,
        )
        if given is not None:
            return self._filled(given, mentioned)
        if key == APPROVAL_KEY:
            return (Choice(ABSENT), Choice(known(APPROVED)))
        if key.startswith("aws:principal") or key in ("aws:userid", "aws:username"):
            return self._of_principal(key, mentioned)
        if key.startswith(_RESOURCE_TAGS):
            return any_value(mentioned) if self._may_tag(key.partition("/")[2]) else _UNKNOWN
        return self._of_request(key, mentioned)

    def _filled(self, given: tuple[Choice, ...], mentioned: tuple[str, ...]) -> tuple[Choice, ...]:
        if given == MET:
            return any_value(mentioned, optional=False)
        harmful = tuple(Choice(known(arn)) for arn in self._world.harmful_policies)
        return tuple(each for choice in given for each in (harmful if choice == HARMFUL else (choice,)))

    def _of_principal(self, key: str, mentioned: tuple[str, ...]) -> tuple[Choice, ...]:
        if key == "aws:principalorgid":
            return (Choice(known(self._world.organization)),) if self._world.organization else _UNKNOWN
        if key == "aws:userid" and self._principal.kind == "role":
            # Whoever takes a role on chooses the session's name.
            start = f"{self._principal.unique_id}:"
            named = tuple(each for each in mentioned if each.startswith(start) and "*" not in each)
            return tuple(Choice(known(each)) for each in (f"{start}session", *named))
        return (Choice(self._principal.context().value(key)),)

    def _of_request(self, key: str, mentioned: tuple[str, ...]) -> tuple[Choice, ...]:
        if key in _FREE:
            return any_value(mentioned)
        if key == "aws:tagkeys" or key.startswith("aws:requesttag/"):
            return any_value(mentioned, many=key == "aws:tagkeys") if self._action in _TAGGING else _NOT_THERE
        if key in ("aws:currenttime", "aws:epochtime"):
            later = (Choice(known(each), certain=False) for each in mentioned if each > self._world.now)
            return (Choice(known(self._world.now)), *later)
        if key == "aws:multifactorauthpresent":
            # Absent with a user's long-term keys, false in a session that was begun without.
            without = Choice(ABSENT if self._principal.kind == "user" else known("false"))
            return (without, Choice(known("true"), certain=False))
        if key == "aws:requestedregion":
            return any_value(mentioned, optional=False)
        return _fixed(self._world).get(key) or self._of_service(key)

    def _of_service(self, key: str) -> tuple[Choice, ...]:
        """A key of which only its prefix is known."""
        service, prefix = self._action.partition(":")[0], key.partition(":")[0]
        return _UNKNOWN if prefix in (*_ANY_SERVICE, service) or "." in prefix else _NOT_THERE

    def _may_tag(self, tag: str) -> bool:
        """Whether the same principal may give nodes a tag, so that a condition on it is no limit."""
        names = self._world.protected
        for action, resource in (
            ("ec2:CreateTags", f"arn:{names.partition}:ec2:{SOME}:{names.account_id}:instance/i-{SOME}"),
            (
                "ssm:AddTagsToResource",
                f"arn:{names.partition}:ssm:{SOME}:{names.account_id}:managed-instance/mi-{SOME}",
            ),
        ):
            if not any(policy.covering(action) for policy in self._principal.permissions.identity):
                continue
            given = {
                "aws:tagkeys": tuple(Choice(Known((each,), many=True)) for each in self._spellings(action, tag)),
                "aws:requesttag/": MET,
                "aws:resourcetag/": _UNKNOWN,
                "ec2:createaction": _NOT_THERE,
            }
            knowledge = RequestKnowledge(self._principal, self._world, action, given)
            permissions = self._principal.permissions
            found = grants(permissions, action, Target((resource,)), situations(permissions, action, knowledge))
            if any(each.certain for each in found):
                return True
        return False

    def _spellings(self, action: str, tag: str) -> list[str]:
        """How the policies write a tag's key, of which a condition's own key tells only the small letters."""
        statements = (each for policy in self._principal.permissions.every() for each in policy.covering(action))
        conditions = (each for statement in statements for each in statement.conditions if each.key == "aws:tagkeys")
        written = (value for each in conditions for value in each.values if value.lower() == tag)
        return list(dict.fromkeys((tag, *written)))


def _fixed(world: World) -> dict[str, tuple[Choice, ...]]:
    names = world.protected
    ssm = f"arn:{names.partition}:ssm:eu-west-1:{names.account_id}"
    return {
        **dict.fromkeys(_OF_SERVICES, _NOT_THERE),
        "aws:securetransport": (Choice(known("true")),),
        "aws:resourceaccount": (Choice(known(names.account_id)),),
        "aws:resourceorgid": (Choice(known(world.organization)),) if world.organization else _UNKNOWN,
        "aws:viaawsservice": (Choice(known("false")), Choice(known("true"), certain=False)),
        "aws:calledvia": (Choice(ABSENT), Choice(UNKNOWN)),
        "aws:calledviafirst": (Choice(ABSENT), Choice(UNKNOWN)),
        "aws:calledvialast": (Choice(ABSENT), Choice(UNKNOWN)),
        # What does harm as a target, and what does as a task of the member account's root.
        "events:targetarn": (
            Choice(known(f"{ssm.replace(names.account_id, '')}:document/AWS-RunShellScript")),
            Choice(known(f"{ssm}:automation-definition/{names.runbook}:$DEFAULT")),
        ),
        "sts:taskpolicyarn": (
            Choice(known(f"arn:{names.partition}:iam::aws:policy/root-task/IAMCreateRootUserPassword")),
            Choice(known(f"arn:{names.partition}:iam::aws:policy/root-task/S3UnlockBucketPolicy")),
        ),
    }
