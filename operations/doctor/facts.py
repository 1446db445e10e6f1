"""Configuration and state of a node, and of everything that a session on it needs.

What could not be read is a `ReadFailure`, never omitted; None means that it does not exist.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from operations.audit.organization import Organization
from operations.inventory.session_manager import RegionFacts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from common.iam.documents import Policy
    from common.iam.principals import Principal
    from components.just_in_time.decisions import Policies
    from operations.approval.requests import ApprovalRequest
    from operations.deployment import Deployment
    from operations.inventory.network import VpcFacts
    from operations.inventory.reader import ReadFailure
    from operations.inventory.session_manager import KeyFacts


@dataclass(frozen=True, kw_only=True)
class NodeInstance:
    """EC2 instance, as seen through its first network interface.

    Attributes:
        state: State, such as `running` or `stopped`.
        address: Private IPv4 address. Empty: none.
        public_address: Public IPv4 address. Empty: none.
        profile_arn: ARN of the instance profile. None: no instance profile.
        answers_metadata: Whether the agent can get credentials and identity from the metadata service.
        requires_metadata_tokens: Whether the metadata service only accepts IMDSv2 requests.
    """

    state: str
    vpc_id: str
    subnet_id: str
    address: str
    group_ids: tuple[str, ...] = ()
    public_address: str = ""
    profile_arn: str | None = None
    answers_metadata: bool = True
    requires_metadata_tokens: bool = False


@dataclass(frozen=True, kw_only=True)
class Managed:
    """Node as registered with Systems Manager.

    Attributes:
        ping: Ping status: `Online`, `ConnectionLost` or `Inactive`.
        last_ping: Time of the agent's last ping, as text. Empty: not known.
        agent_version: Version of the agent, such as `3.3.987.0`. Empty: not known.
        platform: Platform: `Linux`, `Windows` or `MacOS`. Empty: not known.
        role_name: Role of a node outside EC2.
    """

    ping: str
    last_ping: str = ""
    agent_version: str = ""
    platform: str = ""
    role_name: str = ""


@dataclass(frozen=True, kw_only=True)
class Destinations:
    """Resources that sessions in a Region use and are logged to.

    Attributes:
        live: Document, keys, log group and bucket.
        data_key_aliases: All aliases of that key, which conditions on `kms:ResourceAliases` evaluate.
        log_group_key: Key that encrypts the log group. None: no key, or the key no longer exists.
        bucket_key: Customer managed key of the bucket. None: no key, or the key no longer exists.
        bucket_policy: Bucket policy. None: no policy.
        bucket_key_policy: Key policy of the bucket's key. None: no such key.
    """

    live: RegionFacts = field(default_factory=RegionFacts)
    data_key_policy: Policy | ReadFailure | None = None
    data_key_aliases: tuple[str, ...] | ReadFailure = ()
    log_group_key: KeyFacts | ReadFailure | None = None
    bucket_key: KeyFacts | ReadFailure | None = None
    bucket_policy: Policy | ReadFailure | None = None
    bucket_key_policy: Policy | ReadFailure | None = None


@dataclass(frozen=True, kw_only=True)
class AccessFacts:
    """Just-in-time node access to a node.

    Attributes:
        setup: What Quick Setup makes in the account and the Region, and whether it exists.
        policies: Approval policies of the Region.
        requests: Latest access requests for the node, the newest first; empty if they were not looked for.
        caller: ARN of the credentials of the person at the terminal. Empty: not known.
    """

    setup: Mapping[str, bool | ReadFailure]
    tags: Mapping[str, str] | ReadFailure
    policies: Policies | ReadFailure
    requests: tuple[ApprovalRequest, ...] | ReadFailure = ()
    caller: str = ""


@dataclass(frozen=True, kw_only=True)
class NodeFacts:
    """Configuration and state of a node.

    Attributes:
        id: ID of the node (`i-...` or `mi-...`).
        name: Name tag or computer name. Empty: none.
        deployment: Desired configuration of the node's Region.
        instance: EC2 instance. None for a node outside EC2.
        managed: Registration with Systems Manager. None if the node has never registered.
        role: Role of the instance profile or activation. None: no role.
        default_role: Role of Default Host Management Configuration. None: it is off.
        network: VPC of the node. None for a node outside EC2.
        read_at: Time of the reading, with its time zone. None: not known.
        access: Just-in-time node access. None: the stack does not govern it.
    """

    id: str
    name: str = ""
    deployment: Deployment
    instance: NodeInstance | ReadFailure | None
    managed: Managed | ReadFailure | None
    role: Principal | ReadFailure | None
    default_role: Principal | ReadFailure | None = None
    network: VpcFacts | ReadFailure | None
    destinations: Destinations
    organization: Organization = field(default_factory=Organization)
    read_at: datetime | None = None
    access: AccessFacts | None = None

    @property
    def node_arn(self) -> str:
        """ARN of the node itself."""
        if self.id.startswith("i-"):
            return self.deployment.arn("ec2", f"instance/{self.id}")
        return self.deployment.arn("ssm", f"managed-instance/{self.id}")

    @property
    def is_online(self) -> bool:
        """Return whether the agent is known to respond."""
        return isinstance(self.managed, Managed) and self.managed.ping == "Online"

    @property
    def platform(self) -> str:
        """Platform as reported by Systems Manager. Empty: not known."""
        return self.managed.platform if isinstance(self.managed, Managed) else ""
