"""A stack's configuration, and an account on the local AWS that is just as it asks."""

import contextlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from botocore.exceptions import ClientError

from common.aws.session import Clients
from components.adoption.governance import POLICY_NAME as GOVERNING_STACK
from components.adoption.governance import policy_arn, policy_content
from components.metric_alarm import MetricAlarm
from components.session_manager.document import document, serialized
from components.session_manager.endpoint_services import endpoint_policy, interface_services, service_name
from components.session_manager.instance_policy import instance_policy
from components.session_manager.key_policies import data_key_policy, logs_key_policy
from components.session_manager.names import INSTANCE_POLICY_NAME
from components.session_manager.settings import SessionManagerSettings, preferences
from operations.findings import Finding
from operations.inventory.reader import Reader, ReadFailure
from operations.inventory.session_manager import DocumentFacts
from operations.stack import StackConfiguration
from operations.verify.findings import Verification

Fail = Callable[[str, str, Exception], None]
"""Makes a call fail: the service, the operation, what is raised."""

Command = Callable[..., Any]
"""Runs the command line: arguments, and the stack's configuration or what reading it raises as `stack`."""

Calls = dict[tuple[str, str], dict[str, Any]]
"""By service and operation: the Region that was called, and the headers that were sent."""

ACCOUNT = "123456789012"
REGION = "eu-west-1"
DOCUMENT = "SSM-SessionManagerRunShell"
TRUST = '{"Version": "2012-10-17", "Statement": []}'

OWNER_TAGS = [
    {"Key": "shell-access:owner", "Value": "organization/shell-access/dev"},
    {"Key": "shell-access:prior-version", "Value": "none"},
]

SESSION_MANAGER: dict[str, Any] = {
    "s3Logging": True,
    "s3BucketName": "session-logs",
    "maxSessionDuration": 60,
    "linuxShellProfile": "umask 077",
    "instanceRoles": ["Node"],
}
ENDPOINTS = {REGION: {"vpc": "workloads", "subnets": ["private-a", "private-b"], "allowedCidrs": ["10.20.0.0/16"]}}


def configuration(
    *,
    regions: tuple[str, ...] = (REGION,),
    session_manager: dict[str, Any] | None = None,
    endpoints: dict[str, Any] | None = None,
    secret: tuple[str, ...] = (),
    **others: str,
) -> StackConfiguration:
    """A stack's configuration as the engine hands it over; sections that are not given are absent."""
    sections = {"regions": list(regions), "sessionManager": session_manager, "endpoints": endpoints}
    values = {f"shell-access:{key}": json.dumps(value) for key, value in sections.items() if value is not None}
    values["aws:region"] = REGION
    values |= {key.replace("__", ":"): value for key, value in others.items()}
    return StackConfiguration(name="dev", values=values, secret_keys=frozenset(f"shell-access:{key}" for key in secret))


class FakeReader(Reader):
    """A reader with an answer per operation; each item of an answer that is a list answers one call."""

    def __init__(self, answers: Mapping[str, Any], *, default: Any = None) -> None:
        super().__init__(clients=cast("Clients", None), region=REGION, caller="")
        self.answers, self.default = answers, default
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def read(self, service: str, operation: str, absent: tuple[str, ...] = (), **arguments: Any) -> Any:
        del service, absent
        self.calls.append((operation, arguments))
        answer = self.answers[operation] if self.default is None else self.answers.get(operation, self.default)
        return answer.pop(0) if isinstance(answer, list) else answer


class Refusing:
    """Clients whose every call is refused, but those with an answer."""

    def __init__(self, code: str = "AccessDenied", operation: str = "", **answers: dict[str, Any]) -> None:
        self.code, self.operation, self.answers = code, operation, answers

    def client(self, service: str, region: str) -> Any:
        del service, region
        return self

    def can_paginate(self, operation: str) -> bool:
        del operation
        return False

    def __getattr__(self, name: str) -> Callable[..., dict[str, Any]]:
        def answer(**_: object) -> dict[str, Any]:
            if name in self.answers:
                return self.answers[name]
            raise refusal(self.code, operation=self.operation or name.title().replace("_", ""))

        return answer


@dataclass(frozen=True)
class Account:
    """The local AWS by client, and how to bring a Region of it to what is asked."""

    client: Callable[..., Any]

    def arrange(self, stack: StackConfiguration) -> None:
        settings = stack.settings()
        for region, each in settings.session_manager.items():
            self._session_manager(region, each)
        for region, each in settings.endpoints.items():
            services = interface_services(settings.session_manager.get(region))
            self._network(region, services, each.allowed_cidrs)
        self.record()
        iam = self.client("iam")
        policy = instance_policy(settings.session_manager, partition="aws", account_id=ACCOUNT)
        if policy:
            made = iam.create_policy(
                PolicyName=INSTANCE_POLICY_NAME, PolicyDocument=json.dumps(policy), Tags=OWNER_TAGS[:1]
            )
            arn = made["Policy"]["Arn"]
            for role in settings.instance_roles:
                iam.create_role(RoleName=role, AssumeRolePolicyDocument=TRUST)
                iam.attach_role_policy(RoleName=role, PolicyArn=arn)

    def record(self) -> None:
        """Make the record of the governing stack, unless it is there."""
        iam = self.client("iam")
        with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
            content = json.dumps(policy_content(policy_arn("aws", ACCOUNT)))
            iam.create_policy(PolicyName=GOVERNING_STACK, PolicyDocument=content, Tags=OWNER_TAGS[:1])

    def publish(self, content: dict[str, Any], region: str = REGION, *, default: bool = True) -> None:
        """A new version of the document, made the default one or not."""
        ssm = self.client("ssm", region)
        made = ssm.update_document(Name=DOCUMENT, Content=serialized(content), DocumentVersion="$LATEST")
        if default:
            ssm.update_document_default_version(
                Name=DOCUMENT, DocumentVersion=made["DocumentDescription"]["DocumentVersion"]
            )

    def content(self, region: str = REGION) -> dict[str, Any]:
        return json.loads(self.client("ssm", region).get_document(Name=DOCUMENT)["Content"])

    def key_id(self, purpose: str = "data") -> str:
        return self.client("kms").describe_key(KeyId=f"alias/session-manager/{purpose}")["KeyMetadata"]["KeyId"]

    def key(self, alias: str | None = None, region: str = REGION, **options: Any) -> dict[str, Any]:
        kms = self.client("kms", region)
        made = kms.create_key(**options)["KeyMetadata"]
        if alias:
            kms.enable_key_rotation(KeyId=made["KeyId"])
            kms.create_alias(AliasName=alias, TargetKeyId=made["KeyId"])
        return made

    def _session_manager(self, region: str, settings: SessionManagerSettings) -> None:
        key_id = ""
        if settings.session_data_encryption:
            policy = json.dumps(data_key_policy(partition="aws", account_id=ACCOUNT))
            key_id = self.key("alias/session-manager/data", region, Policy=policy)["KeyId"]
            name = "/session-manager/session-data-key"
            self.client("ssm", region).put_parameter(Name=name, Value=key_id, Type="String")
        if settings.create_cw_log_group:
            self._log_group(region, settings)
        if settings.s3_logging:
            location = {} if region == "us-east-1" else {"LocationConstraint": region}
            options = {"CreateBucketConfiguration": location} if location else {}
            self.client("s3", region).create_bucket(Bucket=settings.s3_bucket_name, **options)
        wanted = preferences(settings, account_id=ACCOUNT, region=region, kms_key_id=key_id)
        self.client("ssm", region).create_document(
            Name=DOCUMENT,
            DocumentType="Session",
            DocumentFormat="JSON",
            Content=serialized(document(wanted)),
            Tags=OWNER_TAGS,
        )

    def _log_group(self, region: str, settings: SessionManagerSettings) -> None:
        logs, name = self.client("logs", region), settings.cw_log_group_name
        policy = json.dumps(logs_key_policy(partition="aws", account_id=ACCOUNT, region=region))
        encrypts = settings.cw_encryption_enabled
        key = self.key("alias/session-manager/logs", region, Policy=policy)["Arn"] if encrypts else None
        logs.create_log_group(logGroupName=name, **({"kmsKeyId": key} if key else {}))
        logs.put_retention_policy(logGroupName=name, retentionInDays=settings.log_retention_days)

    def _network(self, region: str, services: tuple[str, ...], cidrs: list[str]) -> None:
        ec2 = self.client("ec2", region)
        vpc = ec2.create_vpc(CidrBlock="10.20.0.0/16", TagSpecifications=named("vpc", "workloads"))["Vpc"]["VpcId"]
        for attribute in ("EnableDnsSupport", "EnableDnsHostnames"):
            ec2.modify_vpc_attribute(VpcId=vpc, **{attribute: {"Value": True}})
        subnets = [
            ec2.create_subnet(VpcId=vpc, CidrBlock=cidr, TagSpecifications=named("subnet", name))["Subnet"]["SubnetId"]
            for name, cidr in (("private-a", "10.20.0.0/20"), ("private-b", "10.20.16.0/20"))
        ]
        # private-a has a table of its own, private-b follows the VPC's main one
        own = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
        ec2.associate_route_table(RouteTableId=own, SubnetId=subnets[0])
        tables = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"]
        group = ec2.create_security_group(
            GroupName="endpoints",
            Description="endpoints",
            VpcId=vpc,
            TagSpecifications=named("security-group", f"endpoints-{region}"),
        )["GroupId"]
        everything = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
        ec2.revoke_security_group_egress(GroupId=group, IpPermissions=[everything])
        for cidr in cidrs:
            https = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": cidr}]}
            ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[https])
        for service in services:
            ec2.create_vpc_endpoint(
                VpcId=vpc,
                ServiceName=service_name(region, service),
                VpcEndpointType="Interface",
                SubnetIds=subnets,
                SecurityGroupIds=[group],
                PolicyDocument=json.dumps(endpoint_policy(service, ACCOUNT)),
            )
        ec2.create_vpc_endpoint(
            VpcId=vpc,
            ServiceName=service_name(region, "s3"),
            VpcEndpointType="Gateway",
            RouteTableIds=[table["RouteTableId"] for table in tables],
        )


def named(kind: str, name: str) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": [{"Key": "Name", "Value": name}]}]


def refusal(code: str = "AccessDeniedException", message: str = "not authorized.", operation: str = "X") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


def findings_of(verification: Verification, region: str = "eu-west-1") -> dict[str, Finding]:
    return {finding.check: finding for finding in verification.regions[region]}


def not_ok(verification: Verification) -> dict[str, str]:
    return {
        finding.check: finding.status.value
        for findings in verification.regions.values()
        for finding in findings
        if finding.status != "ok"
    }


def document_facts(content: str | ReadFailure, **change: Any) -> DocumentFacts:
    """A document with one version, which is active."""
    facts = DocumentFacts(
        status="Active",
        status_reason="",
        default_version="1",
        latest_version="1",
        default_text=content,
        latest_text=content,
    )
    return replace(facts, **change)


def live_alarm(planned: MetricAlarm, topic: str, **change: Any) -> dict[str, Any]:
    """An alarm as it is planned, in the format of the API."""
    given = {
        "AlarmName": planned.name,
        "ActionsEnabled": True,
        "AlarmActions": [topic],
        "Namespace": planned.namespace,
        "MetricName": planned.metric,
        "Dimensions": [{"Name": name, "Value": value} for name, value in planned.dimensions.items()],
        "Statistic": planned.statistic,
        "Period": planned.period,
        "EvaluationPeriods": planned.evaluation_periods,
        "ComparisonOperator": planned.comparison,
        "Threshold": float(planned.threshold),
        "TreatMissingData": planned.missing_data,
    }
    return {**given, **change}


def encrypt_bucket(account: Account, name: str, key: str) -> None:
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    account.client("s3").put_bucket_encryption(
        Bucket=name,
        ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": default}]},
    )
