"""What is live in an account, as far as the settings have to do with it. None means that it is not there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from components.session_manager.settings import EndpointSettings, SessionManagerSettings
    from operations.reading import Unread
    from operations.verify.security_groups import GroupFacts


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the settings ask for in one Region.

    Attributes:
        stack: name of the stack, for remedies.
        account_id: 12 digits.
        region: such as `eu-west-1`.
        session_manager: None where the stack does not govern it.
        endpoints: None where the stack makes none here.
        hides_values: the settings are secret, so that differences are named and not shown.
        partition: `aws`, `aws-cn`, `aws-us-gov`.
    """

    stack: str
    account_id: str
    region: str
    session_manager: SessionManagerSettings | None = None
    endpoints: EndpointSettings | None = None
    hides_values: bool = False
    partition: str = "aws"

    @property
    def repair(self) -> str:
        """Brings back what the stack makes; without the refresh the engine would not look."""
        return f"pulumi up --refresh --stack {self.stack}"


@dataclass(frozen=True, kw_only=True)
class DocumentFacts:
    """`SSM-SessionManagerRunShell`.

    Attributes:
        status: `Active`, `Creating`, `Failed`, ...
        status_reason: as Systems Manager gives it; often empty.
        default_version: a number, as text.
        latest_version: likewise.
        default_text: content of the default version.
        latest_text: content of the latest version.
        tags: Tags of the document; None where they were not read.
    """

    status: str
    status_reason: str
    default_version: str
    latest_version: str
    default_text: str | Unread
    latest_text: str | Unread
    tags: Mapping[str, str] | None = None


@dataclass(frozen=True, kw_only=True)
class KeyFacts:
    """The key behind an alias.

    Attributes:
        key_id: without the rest of the ARN.
        arn: of the key.
        state: `Enabled`, `Disabled`, `PendingDeletion`, ...
        spec: `SYMMETRIC_DEFAULT` and others.
        rotates: once a year or as set; None where the key was not asked, as its state or kind makes that pointless.
        policy: its policy; None where it was not read.
    """

    key_id: str
    arn: str
    state: str
    spec: str
    rotates: bool | Unread | None
    policy: Mapping[str, Any] | Unread | None = None


@dataclass(frozen=True, kw_only=True)
class ParameterFacts:
    """A parameter of Parameter Store.

    Attributes:
        value: its value.
        type: `String`, `StringList`, `SecureString`.
    """

    value: str
    type: str = "String"


@dataclass(frozen=True, kw_only=True)
class LogGroupFacts:
    """The log group.

    Attributes:
        retention_days: None: events never expire.
        kms_key_arn: None: encrypted by CloudWatch Logs itself only.
    """

    retention_days: int | None
    kms_key_arn: str | None


@dataclass(frozen=True, kw_only=True)
class BucketEncryption:
    """Default encryption of a bucket.

    Attributes:
        algorithm: `AES256`, `aws:kms`, `aws:kms:dsse`.
        kms_key_arn: of the customer managed key; None: a key of S3 or of AWS. Where no such key exists, the reference.
        configured_key: reference to the key as the bucket has it: ARN, ID or alias; empty: none.
    """

    algorithm: str
    kms_key_arn: str | None
    configured_key: str = ""


@dataclass(frozen=True, kw_only=True)
class BucketFacts:
    """The bucket for session logs.

    Attributes:
        region: where it is.
        encryption: None: none.
        open_to_public: names of the four public access settings that are off.
    """

    region: str
    encryption: BucketEncryption | Unread | None
    open_to_public: tuple[str, ...] | Unread


@dataclass(frozen=True, kw_only=True)
class PolicyFacts:
    """The managed policy for instance roles.

    Attributes:
        version: the default one, `v3`.
        document: of that version.
        roles: names of the roles that it is attached to.
        tags: Tags of the policy; None where they were not read.
    """

    version: str
    document: Mapping[str, Any] | Unread
    roles: frozenset[str] | Unread
    tags: Mapping[str, str] | None = None


@dataclass(frozen=True, kw_only=True)
class SubnetFacts:
    """A subnet of the VPC, by id and Name tag."""

    id: str
    name: str | None = None


@dataclass(frozen=True, kw_only=True)
class EndpointFacts:
    """A VPC endpoint.

    Attributes:
        id: `vpce-...`.
        service: `com.amazonaws.eu-west-1.ssm`.
        kind: `Interface`, `Gateway`, ...
        state: `available`, `pending`, ...
        private_dns: whether the service's own name leads to it.
        subnet_ids: of an interface endpoint.
        route_table_ids: of a gateway endpoint.
        group_ids: security groups of an interface endpoint.
        policy: its policy, as JSON.
    """

    id: str
    service: str
    kind: str
    state: str
    private_dns: bool = False
    subnet_ids: frozenset[str] = frozenset()
    route_table_ids: frozenset[str] = frozenset()
    group_ids: frozenset[str] = frozenset()
    policy: str = ""


@dataclass(frozen=True, kw_only=True)
class RouteTableFacts:
    """A route table: explicit associations, and whether it is in force for subnets that have none."""

    id: str
    subnet_ids: frozenset[str] = frozenset()
    main: bool = False


@dataclass(frozen=True, kw_only=True)
class NetworkFacts:
    """The VPC of the endpoints.

    Attributes:
        vpc_ids: that fit the id or Name tag of the settings; the rest is about the only one.
        subnets: of the VPC.
        endpoints: of the VPC.
        route_tables: of the VPC.
        groups: security groups that have the name of the endpoints' group.
    """

    vpc_ids: tuple[str, ...]
    subnets: tuple[SubnetFacts, ...] | Unread = ()
    endpoints: tuple[EndpointFacts, ...] | Unread = ()
    route_tables: tuple[RouteTableFacts, ...] | Unread = ()
    groups: tuple[GroupFacts, ...] | Unread = ()


@dataclass(frozen=True, kw_only=True)
class RegionFacts:
    """Everything of one Region; what the settings do not ask for is not read."""

    document: DocumentFacts | Unread | None = None
    data_key: KeyFacts | Unread | None = None
    data_key_parameter: ParameterFacts | Unread | None = None
    logs_key: KeyFacts | Unread | None = None
    log_group: LogGroupFacts | Unread | None = None
    bucket: BucketFacts | Unread | None = None
    network: NetworkFacts | Unread | None = None
