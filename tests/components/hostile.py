"""Every key of a stack's configuration with a right value, values that are wrong, and the shapes in which AWS gets them."""

import copy
import re
import sys
from collections.abc import Iterator
from functools import cache
from itertools import groupby
from typing import Any, cast
from unicodedata import category

from botocore.session import get_session
from pydantic import BaseModel

Path = tuple[str | int, ...]

COMPLETE: dict[str, Any] = {
    "regions": ["eu-west-1", "us-east-1"],
    "takeOver": True,
    "tags": {"team": "platform"},
    "permissionsBoundary": "Boundary",
    "sessionManager": {
        "enabled": True,
        "s3Logging": True,
        "s3BucketName": "session-logs",
        "s3KeyPrefix": "sessions/all",
        "s3EncryptionEnabled": True,
        "s3KmsKeyArn": "arn:aws:kms:eu-west-1:111122223333:key/1234abcd",
        "s3BucketOwner": "111122223333",
        "createCwLogGroup": True,
        "cwLogGroupName": "session-logs",
        "cwEncryptionEnabled": True,
        "cwStreamingEnabled": True,
        "logRetentionDays": 90,
        "sessionDataEncryption": True,
        "runAsEnabled": True,
        "runAsDefaultUser": "operator",
        "runAsPrincipalTag": True,
        "idleSessionTimeout": 20,
        "maxSessionDuration": 60,
        "winShellProfile": "date",
        "linuxShellProfile": "date\nexec bash",
        "onDestroy": "restore",
        "retainLogs": True,
        "shortenLogRetention": True,
        "takeOver": True,
        "instanceRoles": ["NodeRole"],
        "regionOverrides": {"us-east-1": {"idleSessionTimeout": 15}},
    },
    "endpoints": {
        "us-east-1": {"vpc": "main", "subnets": ["private-a"], "allowedCidrs": ["10.20.0.0/16"], "s3Gateway": True}
    },
    "approval": {
        "enabled": True,
        "mode": "automation",
        "approvalValidityMinutes": 10,
        "approvers": [{"type": "IamRole", "name": "team/Approver", "minRequiredApprovals": 1, "level": 1}],
        "operatorRoles": ["Operator"],
        "operatorUsers": ["jane.doe"],
        "operators": [{"identityCenterUser": "jane.doe@example.com"}, {"identityCenterGroup": "Shell operators"}],
        "identityCenter": {
            "access": "permission-set",
            "permissionSet": "ShellUser",
            "applicationArn": "",
            "region": "eu-west-1",
            "identityStoreId": "d-1234567890",
        },
        "sharedOperatorRoles": ["Operator"],
        "sharedApproverRoles": ["Approver"],
        "chatApproverRoles": ["Approver"],
        "notificationEmails": ["operations@example.com"],
        "alarmTopicArns": ["arn:aws:sns:eu-west-1:111122223333:alarms"],
        "chatTopicArn": "arn:aws:sns:eu-west-1:111122223333:chat",
        "alarmIamChanges": True,
        "breakGlass": {"users": ["emergency/erin"]},
        "evidence": {
            "retentionMode": "compliance",
            "retentionDays": 400,
            "trail": {"bucket": "org-trail", "prefix": "AWSLogs/o-exampleorgid", "maxScannedGigabytes": 10},
        },
        "endSessionsWithGrant": True,
        "guardRails": True,
        "requireChangeRequest": True,
        "takeOver": True,
    },
    "accountAccess": {
        "enabled": True,
        "applicationArn": "arn:aws:account-access:eu-west-1:111122223333:application/1234567890abcdef",
        "operators": [
            {"identityCenterUser": "jane.doe@example.com", "accounts": ["111122223333", "222233334444"]},
            {"identityCenterGroup": "Shell operators", "accounts": ["222233334444"]},
        ],
    },
    "domainControllers": {
        "enabled": True,
        "profile": "modern",
        "ldaps": True,
        "dns": True,
        "icmpEcho": True,
        "ipsec": True,
        "wins": True,
        "replicationPort": 50000,
        "netlogonPort": 50001,
        "dfsrPort": 50002,
        "clients": {"offices": ["10.30.0.0/16"]},
        "clientPrefixLists": {
            "partners": {
                "id": "pl-0123456789abcdef0",
                "addressFamily": "IPv4",
                "maxEntries": 5,
                "networks": ["10.40.0.0/16"],
            }
        },
        "onPremisesDomainControllers": ["10.50.0.10/32"],
        "readOnlyDomainControllers": ["10.50.0.20/32"],
        "additionalDestinations": {
            "authority": {"reason": "Certificates", "networks": ["10.50.0.30/32"], "ports": ["rpc", "tcp/443"]}
        },
        "additionalSources": {
            "monitoring": {"reason": "Availability", "networks": ["10.50.0.40/32"], "ports": ["udp/161-162"]}
        },
        "resolverEndpoints": {
            "domains": ["corp.example.com"],
            "shareWith": ["111122223333"],
            "sites": {
                "eu-west-1": {
                    "vpcs": ["workloads"],
                    "controllerAddresses": ["10.30.0.10"],
                    "inboundSources": ["10.50.0.53/32"],
                }
            },
        },
        "resolvers": ["10.50.0.53/32"],
        "timeSources": ["10.50.0.123/32"],
        "managementAccess": "bastion",
        "bastionSecurityGroupIds": ["sg-0123456789abcdef0"],
        "bastionNetworks": ["10.60.0.0/24"],
        "requireMfa": True,
        "administratorRoles": ["team/DirectoryAdministrator"],
        "deployerRoles": ["Deployer"],
        "dedicatedAccount": True,
        "terminationProtection": True,
        "monitoring": {
            "notificationEmails": ["directory@example.com"],
            "flowLogRetentionDays": 90,
            "existingTrail": "management-events",
        },
        "eventLogs": {
            "enabled": True,
            "retentionDays": 90,
            "frequentEvents": True,
            "lockoutThreshold": 10,
            "silenceMinutes": 15,
            "additionalEvents": {"Microsoft-Windows-PowerShell/Operational": [4104]},
        },
        "detection": {
            "enabled": True,
            "guardDuty": {"enabled": True, "runtimeMonitoring": True},
            "inspector": {
                "enabled": True,
                "cisScans": {"enabled": True, "level": 2, "day": "MON", "startHour": 23},
            },
            "securityHub": {"enabled": True, "standards": ["nist-800-53/v/5.0.0"]},
        },
        "health": {
            "enabled": True,
            "checkMinutes": 30,
            "replicationHours": 12,
            "clockOffsetSeconds": 60,
            "freeDiskPercent": 15,
        },
        "promotion": {
            "enabled": True,
            "domain": "corp.example.com",
            "siteName": "Dublin",
            "partners": ["10.50.0.10"],
            "newForest": {"instanceId": "i-0123456789abcdef0", "controller": "dc1", "netbiosName": "CORP"},
            "databaseDevice": "xvdb",
            "logDevice": "xvdc",
            "sysvolDevice": "xvdd",
            "secrets": {
                "eu-west-1": {
                    "administratorArn": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:administrator-a1B2c3",
                    "restoreModeArn": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:restore-mode-a1B2c3",
                    "kmsKeyArn": "arn:aws:kms:eu-west-1:111122223333:key/1234abcd",
                }
            },
        },
        "patching": {
            "enabled": True,
            "day": "SUN",
            "startHour": 2,
            "hoursBetweenZones": 24,
            "windowHours": 4,
            "approveAfterDays": 7,
        },
        "backups": {
            "enabled": True,
            "everyHours": 12,
            "keepVersions": 4,
            "volumeSize": 60,
            "buckets": {
                "eu-west-1": {
                    "bucketName": "org-directory-backups",
                    "bucketOwner": "999988887777",
                    "kmsKeyArn": "arn:aws:kms:eu-west-1:999988887777:key/1234abcd-12ab-34cd-56ef-1234567890ab",
                }
            },
        },
        "networkAcl": True,
        "quotas": {"rulesPerSecurityGroup": 60, "securityGroupsPerInterface": 5, "rulesPerNetworkAcl": 20},
        "sites": {
            "eu-west-1": {
                "vpc": "directory",
                "subnets": ["directory-a", "directory-b"],
                "bastionSecurityGroupIds": ["sg-0fedcba9876543210"],
                "clientPrefixListIds": {"partners": "pl-0fedcba9876543210"},
                "controllers": [
                    {
                        "name": "dc1",
                        "subnet": "directory-a",
                        "imageParameter": "/aws/service/ami-windows-latest/Windows_Server-2022-English-Core-Base",
                        "imageId": "ami-0123456789abcdef0",
                        "instanceType": "m6i.large",
                        "volumes": [{"deviceName": name, "size": 100} for name in ("xvdb", "xvdc", "xvdd")],
                    },
                    {
                        "name": "dc2",
                        "subnet": "directory-b",
                        "volumes": [{"deviceName": name, "size": 100} for name in ("xvdb", "xvdc", "xvdd")],
                    },
                ],
            }
        },
    },
    "nodes": {
        "enabled": True,
        "roleCompliance": {
            "enabled": True,
            "remediation": "off",
            "excludedRoles": ["Appliance"],
            "region": "eu-west-1",
        },
        "defaultHostManagement": {"enabled": True},
        "agents": {
            "enabled": True,
            "schedule": "cron(0 2 ? * SUN *)",
            "maxConcurrency": "10%",
            "maxErrors": "5%",
            "targetTags": {"environment": ["production"]},
        },
        "takeOver": True,
    },
}
"""Right as it is, with every key there is."""


def _deep(levels: int) -> Any:
    value: Any = "x"
    for _ in range(levels):
        value = [value]
    return value


HOSTILE_TEXTS = (
    *("", " ", "x" * 5000, "a" * 65 + "*", "a b", "a/b", "/a/", "../a", "a//b"),
    *("\x00", "a\x00", "a\x1b[31mb", "a\x7f", "a\r\nb", "a\u0085b", "a\u2028b", "a\ufeff"),
    *("a\u202eb", "a\u200bb", "a\u2066b\u2069", "\u3164", "\U000e0041", "a\ud800"),
    *("*", "?", "a*", "*a", "a?b", "[a-z]", "${aws:username}", "{{x}}", "{accountId}", "%41", "$(id)", "`id`"),
    *("arn:aws:iam::111122223333:role/Node", "arn:aws:iam::*:role/*", '"a"', "a'b", "a\\b", "<a>", "a;b", "a|b"),
    *("\u0661\u0662\u0663", "\u0661" * 12, "\uff11\uff12", "\u00b2", "\u0430dmin", "\u00fcber", "e\u0301", "\u212aey"),
    *("0", "01", "-1", "+1", "1_000", "0x10", "1e3", "1.5", "NaN", "null", "true", "9" * 5000),
    *("0.0.0.0/0", "0.0.0.0/8", "127.0.0.1/32", "169.254.169.254/32", "169.254.0.0/16", "224.0.0.1/32", "240.0.0.0/8"),
    *(
        "255.255.255.255/32",
        "10.0.0.1/8",
        "10.0.0.0",
        "010.0.0.0/8",
        "10.0.0.0/33",
        "10.0.0.0/255.0.0.0",
        "10.0.0.0/+8",
    ),
    *("::/0", "::1/128", "fe80::/64", "ff02::1/128", "::ffff:10.0.0.0/104", "2001:DB8::/32", "fe80::1%eth0/128"),
    *(
        "cron(0-99999999999 * * * ? *)",
        "cron(*/0 * ? * * *)",
        "cron(0 99 ? * * *)",
        "rate(0 days)",
        "rate(\u0661 days)",
    ),
    *("cron(0 2 ? * SUN *) ", "cron(0 2 ? * XYZ *)", "cron(0 2 ? * SUN#9 *)", "cron(0 0-9999999999 ? * * *)"),
    *("eu-nowhere-9", "us-west-2-lax-1", "eu-west-1a", "EU-WEST-1", "cn-north-1", "eu-west-\u0661", "aws-global"),
    *("a@b.c\n", "a@b", "a b@c.d", "\u00e4@b.c", "vpc-*", "sg-*", "a..b", "192.168.1.1", "xn--a", "a-s3alias"),
)
HOSTILE_OTHERS: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2**31, 10**30, 1.0, 1.5, -0.0, 1e308, float("nan"), float("inf")),
    *([], {}, [None], [[]], {"": ""}, {"a": {}}, ["x"] * 100, {str(each): each for each in range(100)}),
    *(_deep(10), _deep(60), {"a\x1b": 1}, {"\u202e": {"\u0000": []}}),
)


def leaves(value: Any = COMPLETE, path: Path = ()) -> Iterator[Path]:
    """Every place of a configuration, lists and mappings among them."""
    if path:
        yield path
    if isinstance(value, dict):
        for key, each in cast("dict[str, Any]", value).items():
            yield from leaves(each, (*path, key))
    elif isinstance(value, list):
        for position, each in enumerate(cast("list[Any]", value)):
            yield from leaves(each, (*path, position))


def replaced(path: Path, value: Any, within: Any = COMPLETE) -> Any:
    """The complete configuration with another value in one place; the rest is shared."""
    if not path:
        return value
    copied = copy.copy(within)
    copied[path[0]] = replaced(path[1:], value, within[path[0]])
    return copied


def at(path: Path) -> Any:
    """The value in one place of the complete configuration."""
    place: Any = COMPLETE
    for part in path:
        place = place[part]
    return place


def keys_of(model: type[BaseModel]) -> set[str]:
    """The keys of a section, as the configuration spells them."""
    return {field.alias or name for name, field in model.model_fields.items()}


SHAPES: dict[str, tuple[str, str, str]] = {
    r"tags\.[^.]+": ("{}", "iam", "tagValueType"),
    r"permissionsBoundary": ("{}", "iam", "policyNameType|arnType"),
    r"sessionManager\.instanceRoles\.\d+": ("{}", "iam", "roleNameType"),
    r"sessionManager\.cwLogGroupName": ("{}", "logs", "LogGroupName"),
    r"approval\.(operator|sharedOperator|sharedApprover|chatApprover)Roles\.\d+": ("{}", "iam", "roleNameType"),
    r"approval\.operatorUsers\.\d+": ("{}", "iam", "userNameType"),
    r"approval\.breakGlass\.users\.\d+": ("{bare}", "iam", "userNameType"),
    r"accountAccess\.applicationArn": ("{}", "account-access", "ApplicationArn"),
    r"accountAccess\.operators\.\d+\.identityCenterUser": ("{}", "identitystore", "UserName"),
    r"accountAccess\.operators\.\d+\.identityCenterGroup": ("{}", "identitystore", "GroupDisplayName"),
    r"accountAccess\.operators\.\d+\.accounts\.\d+": ("{}", "account-access", "Account"),
    r"approval\.operators\.\d+\.identityCenterUser": ("{}", "identitystore", "UserName"),
    r"approval\.operators\.\d+\.identityCenterGroup": ("{}", "identitystore", "GroupDisplayName"),
    r"approval\.identityCenter\.permissionSet": ("{}", "sso-admin", "PermissionSetName"),
    r"approval\.identityCenter\.identityStoreId": ("{}", "identitystore", "IdentityStoreId"),
    r"approval\.approvers\.\d+\.name": ("{bare}", "iam", "roleNameType"),
    r"domainControllers\.(administrator|deployer)Roles\.\d+": ("{bare}", "iam", "roleNameType"),
    r"domainControllers\.sites\..*\.imageParameter": ("{}", "ssm", "PSParameterName"),
    r"domainControllers\.sites\..*\.instanceType": ("{}", "ec2", "InstanceType"),
    r"nodes\.roleCompliance\.excludedRoles\.\d+": ("{}", "iam", "roleNameType"),
    r"nodes\.agents\.schedule": ("{}", "ssm", "ScheduleExpression"),
    r"nodes\.agents\.maxConcurrency": ("{}", "ssm", "MaxConcurrency"),
    r"nodes\.agents\.maxErrors": ("{}", "ssm", "MaxErrors"),
}
"""By key, where its text ends: a form, a service and its shape, or several of them."""
SHAPES_OF_KEYS: dict[str, tuple[str, str, str]] = {
    r"tags": ("{}", "iam", "tagKeyType"),
    r"nodes\.agents\.targetTags": ("tag:{}", "ssm", "TargetKey"),
}
"""The same of the keys of mappings."""


def fits(text: str, form: tuple[str, str, str]) -> bool:
    """Return whether AWS' model of a service accepts a text."""
    pattern, service, shapes = form
    given = pattern.format(text, bare=text.rsplit("/", 1)[-1])
    return any(_is_of_shape(given, service, shape) for shape in shapes.split("|"))


@cache
def _shape(service: str, name: str) -> tuple[int, int, re.Pattern[str] | None, frozenset[str]]:
    model = get_session().get_service_model(service)
    shape: Any = model.shape_for(name)
    pattern = shape.metadata.get("pattern")
    compiled = re.compile(_in_python(pattern), re.ASCII) if pattern else None
    return shape.metadata.get("min", 0), shape.metadata.get("max", sys.maxsize), compiled, frozenset(shape.enum)


def _is_of_shape(text: str, service: str, name: str) -> bool:
    least, most, pattern, allowed = _shape(service, name)
    fits_length = least <= len(text) <= most
    return fits_length and (pattern is None or bool(pattern.fullmatch(text))) and (not allowed or text in allowed)


def _in_python(pattern: str) -> str:
    """Write Unicode categories, which `re` does not know, as ranges."""
    return re.sub(r"\\p\{([A-Z])\}", lambda found: _ranges(found[1]), pattern)


def _ranges(letter: str) -> str:
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in _categories()[letter])


@cache
def _categories() -> dict[str, list[tuple[int, int]]]:
    """The ranges of all characters by the first letter of their category."""
    found: dict[str, list[tuple[int, int]]] = {}
    for letter, codes in groupby(range(sys.maxunicode + 1), lambda code: category(chr(code))[0]):
        several = [*codes]
        found.setdefault(letter, []).append((several[0], several[-1]))
    return found
