"""Facts about an account, as far as the settings concern them. None: the resource does not exist."""

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
    """Settings of one Region.

    Attributes:
        stack: Name of the stack, for remedies.
        account_id: ID of the account.
        region: Region, `eu-west-1`.
        session_manager: Session Manager settings; None: the stack does not manage it.
        endpoints: Settings of VPC endpoints; None: the stack creates none in the Region.
        hides_values: Whether the settings are secret, so that findings name differences without their values.
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
        """Command that repairs the stack's resources; without a refresh the engine would not detect the drift."""
        return f"pulumi up --refresh --stack {self.stack}"


@dataclass(frozen=True, kw_only=True)
class DocumentFacts:
    """The document `SSM-SessionManagerRunShell`.

    Attributes:
        status: `Active`, `Creating`, `Failed`, ...
        status_reason: Status information of Systems Manager; often empty.
        default_version: Number of the default version, as text.
        latest_version: Number of the latest version, as text.
        default_text: Content of the default version.
        latest_text: Content of the latest version.
        tags: Tags of the document; None: not read.
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
        key_id: Key ID, without the rest of the ARN.
        arn: ARN of the key.
        state: `Enabled`, `Disabled`, `PendingDeletion`, ...
        spec: Key spec, `SYMMETRIC_DEFAULT`, ...
        rotates: Whether automatic rotation is on; None: not read, as it does not apply to the state or type of the key.
        policy: Key policy; None: not read.
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
        value: Its value.
        type: `String`, `StringList`, `SecureString`.
    """

    value: str
    type: str = "String"


@dataclass(frozen=True, kw_only=True)
class LogGroupFacts:
    """The log group.

    Attributes:
        retention_days: Retention period; None: events never expire.
        kms_key_arn: ARN of the KMS key; None: encrypted by CloudWatch Logs itself only.
    """

    retention_days: int | None
    kms_key_arn: str | None


@dataclass(frozen=True, kw_only=True)
class BucketEncryption:
    """Default encryption of a bucket.

    Attributes:
        algorithm: `AES256`, `aws:kms`, `aws:kms:dsse`.
        kms_key_arn: ARN of the customer managed key; if it does not exist, the reference. None: a key of S3 or of AWS.
        configured_key: Reference to the key in the bucket's configuration: ARN, ID or alias; empty: none.
    """

    algorithm: str
    kms_key_arn: str | None
    configured_key: str = ""


@dataclass(frozen=True, kw_only=True)
class BucketFacts:
    """The bucket for session logs.

    Attributes:
        region: Region of the bucket.
        encryption: Default encryption; None: none.
        open_to_public: Names of the four Block Public Access settings that are off.
    """

    region: str
    encryption: BucketEncryption | Unread | None
    open_to_public: tuple[str, ...] | Unread


@dataclass(frozen=True, kw_only=True)
class PolicyFacts:
    """The managed policy for instance roles.

    Attributes:
        version: ID of the default version, `v3`.
        document: Policy document of the default version.
        roles: Names of the roles that it is attached to.
        tags: Tags of the policy; None: not read.
    """

    version: str
    document: Mapping[str, Any] | Unread
    roles: frozenset[str] | Unread
    tags: Mapping[str, str] | None = None


@dataclass(frozen=True, kw_only=True)
class SubnetFacts:
    """A subnet of the VPC, by ID and Name tag."""

    id: str
    name: str | None = None


@dataclass(frozen=True, kw_only=True)
class EndpointFacts:
    """A VPC endpoint.

    Attributes:
        id: ID, `vpce-...`.
        service: Service name, `com.amazonaws.eu-west-1.ssm`.
        kind: `Interface`, `Gateway`, ...
        state: `available`, `pending`, ...
        private_dns: Whether private DNS names are enabled.
        subnet_ids: Subnets of an interface endpoint.
        route_table_ids: Route tables of a gateway endpoint.
        group_ids: Security groups of an interface endpoint.
        policy: Its endpoint policy, as JSON.
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
    """A route table: its explicit associations, and whether it is the main one, for subnets without an association."""

    id: str
    subnet_ids: frozenset[str] = frozenset()
    main: bool = False


@dataclass(frozen=True, kw_only=True)
class NetworkFacts:
    """The VPC of the endpoints.

    Attributes:
        vpc_ids: VPCs with the ID or Name tag of the settings; the other attributes are about the only one.
        subnets: Subnets of the VPC.
        endpoints: Endpoints of the VPC.
        route_tables: Route tables of the VPC.
        groups: Security groups with the name of the endpoints' group.
    """

    vpc_ids: tuple[str, ...]
    subnets: tuple[SubnetFacts, ...] | Unread = ()
    endpoints: tuple[EndpointFacts, ...] | Unread = ()
    route_tables: tuple[RouteTableFacts, ...] | Unread = ()
    groups: tuple[GroupFacts, ...] | Unread = ()


@dataclass(frozen=True, kw_only=True)
class RegionFacts:
    """Facts about one Region; resources that the settings do not define are not read."""

    document: DocumentFacts | Unread | None = None
    data_key: KeyFacts | Unread | None = None
    data_key_parameter: ParameterFacts | Unread | None = None
    logs_key: KeyFacts | Unread | None = None
    log_group: LogGroupFacts | Unread | None = None
    bucket: BucketFacts | Unread | None = None
    network: NetworkFacts | Unread | None = None
