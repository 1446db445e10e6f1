"""Settings of one Region, which doctor and verify compare with the inventory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from common.aws.arns import Scope
from components.just_in_time.names import MANAGED_TAG

if TYPE_CHECKING:
    from collections.abc import Mapping

    from components.domain_controllers.settings import DomainControllersSection, SiteSettings
    from components.session_manager.settings import EndpointSettings, SessionManagerSettings
    from components.settings import Settings
    from operations.inventory.reader import Identity
    from operations.stack import StackConfiguration


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """Settings of one Region.

    Attributes:
        region: Region, `eu-west-1`.
        session_manager: Session Manager settings; None: the stack does not manage it.
        endpoints: Settings of VPC endpoints; None: the stack creates none in the Region.
        hides_values: Whether the settings are secret, so that findings name differences without their values.
        partition: `aws`, `aws-cn`, `aws-us-gov`.
        data_key_tags: Tags that the key for session data needs.
        grants_just_in_time: Whether the stack governs just-in-time node access.
    """

    stack: str
    account_id: str
    region: str
    session_manager: SessionManagerSettings | None = None
    endpoints: EndpointSettings | None = None
    hides_values: bool = False
    partition: str = "aws"
    data_key_tags: Mapping[str, str] = field(default_factory=dict[str, str])
    grants_just_in_time: bool = False

    @classmethod
    def of(cls, stack: StackConfiguration, settings: Settings, identity: Identity, region: str) -> Deployment:
        """Return the settings of one Region of a stack."""
        return cls(
            stack=stack.name,
            account_id=identity.account_id,
            region=region,
            session_manager=settings.session_manager.get(region),
            endpoints=settings.endpoints.get(region),
            hides_values=stack.is_secret("sessionManager"),
            partition=identity.partition,
            data_key_tags=MANAGED_TAG if settings.just_in_time else {},
            grants_just_in_time=settings.just_in_time is not None,
        )

    @property
    def repair(self) -> str:
        """Command that repairs the stack's resources; without a refresh the engine would not detect the drift."""
        return f"pulumi up --refresh --stack {self.stack}"

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of a resource in this account and Region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account_id}:{resource}"

    def iam_arn(self, resource: str) -> str:
        """Return the ARN of a role or policy of this account."""
        return f"arn:{self.partition}:iam::{self.account_id}:{resource}"


@dataclass(frozen=True, kw_only=True)
class SiteDeployment:
    """Settings of one site.

    Attributes:
        boundary: ARN of the permissions boundary of the stack's roles; "": none.
    """

    deployment: Deployment
    section: DomainControllersSection
    boundary: str = ""

    @property
    def settings(self) -> SiteSettings:
        """Settings of this site."""
        return self.section.sites[self.deployment.region]

    @property
    def scope(self) -> Scope:
        """Scope of the monitoring policies."""
        where = self.deployment
        return Scope(partition=where.partition, account_id=where.account_id, region=where.region)
