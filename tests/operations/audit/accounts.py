"""Accounts as GetAccountAuthorizationDetails describes them."""

from typing import Any

from common.iam.documents import parse
from common.iam.principals import read_account
from operations.audit.assessment import assess
from operations.audit.audit_context import AuditContext
from operations.audit.findings import Audit
from operations.audit.protected import Protected

ACCOUNT = "111122223333"
ARN = f"arn:aws:iam::{ACCOUNT}"
WHO = f"{ARN}:user/caller"
ADMINISTRATOR = f"{ARN}:user/root-like"
APPROVED = "${aws:PrincipalTag/SecurityAllowSessionInstance}"
INSTANCES = f"arn:aws:ec2:*:{ACCOUNT}:instance/*"

START = {"Effect": "Allow", "Action": "ssm:StartSession", "Resource": "*"}
OPERATOR = [
    {
        "Effect": "Allow",
        "Action": "ssm:StartSession",
        "Resource": [
            f"arn:aws:ec2:*:{ACCOUNT}:instance/{APPROVED}",
            f"arn:aws:ssm:*:{ACCOUNT}:document/SSM-SessionManagerRunShell",
        ],
    },
    {
        "Effect": "Allow",
        "Action": "ssm:TerminateSession",
        "Resource": f"arn:aws:ssm:*:{ACCOUNT}:session/${{aws:userid}}-*",
    },
]
REQUESTER = {
    "Effect": "Allow",
    "Action": "ssm:StartChangeRequestExecution",
    "Resource": [
        f"arn:aws:ssm:*:{ACCOUNT}:document/AllowSsmSessionStartTemplate",
        f"arn:aws:ssm:*:{ACCOUNT}:automation-definition/AllowSsmSessionStartTemplate:*",
        f"arn:aws:ssm:*:{ACCOUNT}:automation-execution/*",
    ],
    "Condition": {"BoolIfExists": {"ssm:AutoApprove": "false"}},
}
APPROVER = {
    "Effect": "Allow",
    "Action": "ssm:SendAutomationSignal",
    "Resource": f"arn:aws:ssm:*:{ACCOUNT}:automation-execution/*",
}
TAGGING = {
    "Effect": "Allow",
    "Action": ["iam:TagUser", "iam:UntagUser", "iam:TagRole", "iam:UntagRole"],
    "Resource": [f"{ARN}:user/operators/*", f"{ARN}:role/operators/*"],
    "Condition": {"ForAllValues:StringEquals": {"aws:TagKeys": ["SecurityAllowSessionInstance"]}},
}


def allow(*actions: str, on: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": on, **more}


def deny(*actions: str, **more: Any) -> dict[str, Any]:
    resource = {} if "NotResource" in more else {"Resource": "*"}
    return {"Effect": "Deny", "Action": list(actions), **resource, **more}


def document(statements: Any) -> dict[str, Any]:
    several = statements if isinstance(statements, list) else [statements]
    return {"Version": "2012-10-17", "Statement": several}


def trusting(**principal: Any) -> dict[str, Any]:
    return document({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"})


def user(name: str, *policies: Any, path: str = "", **more: Any) -> dict[str, Any]:
    return {
        "UserName": name,
        "UserId": f"AIDA{name.upper()}",
        "Arn": f"{ARN}:user/{path}{name}",
        "Path": f"/{path}",
        "UserPolicyList": inline(*policies),
        **more,
    }


def role(name: str, *policies: Any, trust: Any = None, path: str = "", **more: Any) -> dict[str, Any]:
    return {
        "RoleName": name,
        "RoleId": f"AROA{name.upper()}",
        "Arn": f"{ARN}:role/{path}{name}",
        "Path": f"/{path}",
        "AssumeRolePolicyDocument": trust or trusting(AWS=f"{ARN}:root"),
        "RolePolicyList": inline(*policies),
        **more,
    }


def group(name: str, *policies: Any, **more: Any) -> dict[str, Any]:
    return {"GroupName": name, "Arn": f"{ARN}:group/{name}", "GroupPolicyList": inline(*policies), **more}


def managed(name: str, statements: Any, *others: Any, of_aws: bool = False) -> dict[str, Any]:
    arn = f"arn:aws:iam::{'aws' if of_aws else ACCOUNT}:policy/{name}"
    versions = [{"VersionId": "v2", "IsDefaultVersion": False, "Document": document(other)} for other in others]
    versions.append({"VersionId": "v1", "IsDefaultVersion": True, "Document": document(statements)})
    return {"PolicyName": name, "Arn": arn, "PolicyVersionList": versions}


def attached(*policies: dict[str, Any]) -> list[dict[str, str]]:
    return [{"PolicyName": each["PolicyName"], "PolicyArn": each["Arn"]} for each in policies]


def bounded(policy: dict[str, Any]) -> dict[str, str]:
    return {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": policy["Arn"]}


def inline(*policies: Any) -> list[dict[str, Any]]:
    """A document each, whole or its statements."""
    return [
        {
            "PolicyName": f"policy-{number}",
            "PolicyDocument": each if isinstance(each, dict) and "Statement" in each else document(each),
        }
        for number, each in enumerate(policies)
    ]


def baseline(users: Any = (), roles: Any = (), groups: Any = (), policies: Any = ()) -> dict[str, Any]:
    """The product: operators, a requester, approvers, the runbook's role, a node, an administrator; then further ones."""
    core = managed("AmazonSSMManagedInstanceCore", AGENT, of_aws=True)
    return {
        "UserDetailList": [
            user("operator1", OPERATOR, REQUESTER, path="operators/"),
            user("requester", REQUESTER),
            user("root-like", {"Effect": "Allow", "Action": "*", "Resource": "*"}),
            *users,
        ],
        "GroupDetailList": [*groups],
        "RoleDetailList": [
            role("Operator", OPERATOR, path="operators/", trust=trusting(Federated=f"{ARN}:saml-provider/company")),
            role("SessionApprover", APPROVER, trust=trusting(Federated=f"{ARN}:saml-provider/company")),
            role("SsmSessionControlChangeMangerRole", TAGGING, trust=trusting(Service="ssm.amazonaws.com")),
            role("Node", trust=trusting(Service="ec2.amazonaws.com"), AttachedManagedPolicies=attached(core)),
            role("AWSServiceRoleForAmazonSSM", path="aws-service-role/ssm.amazonaws.com/"),
            *roles,
        ],
        "Policies": [core, *policies],
    }


AGENT = {
    "Effect": "Allow",
    "Action": [
        *("ssm:UpdateInstanceInformation", "ssm:GetParameter", "ssm:GetParameters", "ssm:GetDocument"),
        *("ssmmessages:*", "ec2messages:*"),
    ],
    "Resource": "*",
}


def names(**more: Any) -> Protected:
    settings: dict[str, Any] = {
        "account_id": ACCOUNT,
        "approvers": (f"{ARN}:role/SessionApprover",),
        "administrators": (ADMINISTRATOR,),
    }
    return Protected(**{**settings, **more})


def assessed(
    details: dict[str, Any], *, scps: Any = (), organization: str | None = None, break_glass: Any = None, **more: Any
) -> Audit:
    """Return the assessment of an account; `scps` are levels of lists of statements."""
    ceilings = [
        [parse(document(each), name=f"scp-{number}", kind="service control") for number, each in enumerate(level)]
        for level in scps
    ]
    account = read_account(details, account_id=ACCOUNT, ceilings=ceilings)
    context = AuditContext(account=account, protected=names(**more), organization=organization, break_glass=break_glass)
    return assess(context)


def entries(audit: Audit, arn: str = WHO) -> dict[str, str]:
    """The ids of what a principal has, hidden ways included, with the worst severity."""
    found: dict[str, str] = {}
    for audited in audit.audited:
        for each in audited.findings if audited.arn == arn else ():
            for identity in (each.rule, *each.obfuscation):
                found.setdefault(identity, each.severity.word)
    return found


def found_with(*policies: Any, settings: Any = None, **more: Any) -> dict[str, str]:
    """Return the entries of a caller with these policies; `settings` are those of `assessed`, and others of the user."""
    return entries(assessed(baseline(users=[user("caller", *policies, **more)]), **(settings or {})))
