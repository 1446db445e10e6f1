"""Settings of the operation of controllers. Each part is off unless its section is present."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Annotated

from pydantic import AfterValidator, Field

from common.validation import BUCKET_NAME, WEEKDAYS, Section, Weekday, enabled_flag, flag, setting
from components.session_manager.settings import RETENTION_DAYS


def _retention(days: int) -> int:
    if days not in RETENTION_DAYS:
        raise ValueError
    return days


def _silence(minutes: int) -> int:
    if minutes % 5:
        raise ValueError
    return minutes


def _private_address(value: str) -> str:
    if str(IPv4Address(value)) != value or not IPv4Address(value).is_private:
        raise ValueError
    return value


def _channels(value: dict[str, list[int]]) -> dict[str, list[int]]:
    """Refuse a channel that is given twice: Windows does not distinguish the case of its name."""
    if len({name.lower() for name in value}) < len(value):
        raise ValueError
    return value


def _domain(value: str) -> str:
    if value.rstrip(".").endswith(("amazonaws.com", "amazonaws.com.cn", "compute.internal", "ec2.internal")):
        raise ValueError
    return value


_ARN_OF_KEY = r"^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]{1,64}$"

DomainName = Annotated[
    str,
    Field(
        pattern=r"^([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$",
        max_length=253,
    ),
    AfterValidator(_domain),
]
ControllerAddress = Annotated[str, AfterValidator(_private_address)]

BACKUP_DEVICE = "xvdz"
"""Device name of the volume for backups."""

RetentionDays = Annotated[int, AfterValidator(_retention)]
RETENTION = f"a number of days that CloudWatch Logs accepts: {', '.join(map(str, RETENTION_DAYS))}"

ChannelName = Annotated[
    str,
    setting(
        "",
        "a channel name of 1 to 255 letters, digits, spaces and . _ / -, beginning with a letter or digit, without a space "
        "at its end",
        pattern=r"^[A-Za-z0-9]([A-Za-z0-9 ._/-]{0,253}[A-Za-z0-9._/-])?$",
    ),
]
EventId = Annotated[int, Field(ge=0, le=65535)]


class EventLogsSettings(Section):
    """`eventLogs`: Windows events of controllers in CloudWatch Logs, and alarms about them."""

    enabled: bool = enabled_flag("Collect events of the controllers")
    retention_days: RetentionDays = setting("Retention of events, in days.", RETENTION, default=365)
    frequent_events: bool = flag(
        "Also collect sign-ins, Kerberos tickets and process creations, which occur many times per second.",
        default=True,
    )
    lockout_threshold: int = setting(
        "Number of account lockouts within five minutes that raises an alarm.",
        "a whole number from 1 to 10000",
        default=10,
        ge=1,
        le=10_000,
    )
    silence_minutes: Annotated[int, AfterValidator(_silence)] = setting(
        "Minutes without events, or without a heartbeat of the agent of one controller, after which an alarm "
        "is raised.",
        "a multiple of 5 from 5 to 1440",
        default=15,
        ge=5,
        le=1440,
    )
    additional_events: Annotated[
        dict[ChannelName, Annotated[list[EventId], Field(min_length=1)]], AfterValidator(_channels)
    ] = setting(
        "Additional events, by channel.",
        "a mapping of channels, each once in any case, to lists of event IDs: "
        '{"Microsoft-Windows-PowerShell/Operational": [4104]}',
        default_factory=dict[str, list[int]],
        max_length=10,
    )

    @property
    def thresholds(self) -> dict[str, int]:
        """Numbers of events that raise an alarm, by the name of the setting in the table of events."""
        return {"lockoutThreshold": self.lockout_threshold}


class HealthSettings(Section):
    """`health`: performance counters and checks of controllers, and an alarm when one is not well."""

    enabled: bool = enabled_flag("Check the controllers")
    check_minutes: int = setting(
        "Minutes between two checks of a controller.", "a whole number from 30 to 720", default=30, ge=30, le=720
    )
    replication_hours: int = setting(
        "Hours without a successful replication from a partner after which a problem is reported.",
        "a whole number from 1 to 336",
        default=12,
        ge=1,
        le=336,
    )
    clock_offset_seconds: int = setting(
        "Clock offset from the Amazon Time Sync Service, in seconds, at which a problem is reported. Kerberos"
        " tolerates 300.",
        "a whole number from 1 to 299",
        default=60,
        ge=1,
        le=299,
    )
    free_disk_percent: int = setting(
        "Percentage of free disk space for the database and the logs below which a problem is reported.",
        "a whole number from 1 to 50",
        default=15,
        ge=1,
        le=50,
    )


class PatchingSettings(Section):
    """`patching`: updates of Windows, one controller at a time, in a maintenance window per Availability Zone."""

    enabled: bool = enabled_flag("Patch the controllers")
    day: Weekday = setting(
        "Day of the first maintenance window of the week, in UTC.", ", ".join(WEEKDAYS), default="SUN"
    )
    start_hour: int = setting(
        "Hour at which the first maintenance window starts, in UTC.",
        "a whole number from 0 to 23",
        default=2,
        ge=0,
        le=23,
    )
    hours_between_zones: int = setting(
        "Hours between the maintenance windows of two Availability Zones, across all sites. Faults caused by "
        "a patch can appear before the next zone is patched.",
        "a whole number from 2 to 84, and no less than windowHours",
        default=24,
        ge=2,
        le=84,
    )
    window_hours: int = setting(
        "Duration of a maintenance window, in hours. In its last hour, no further controller is started.",
        "a whole number from 2 to 24",
        default=4,
        ge=2,
        le=24,
    )
    approve_after_days: int = setting(
        "Days between the release of a patch and its approval.",
        "a whole number from 0 to 90",
        default=7,
        ge=0,
        le=90,
    )


class BackupBucketSettings(Section):
    """`backups.buckets.<Region>`: an existing bucket with Object Lock, best in another account."""

    bucket_name: str = setting(
        "Bucket with a default retention.",
        "the name of a bucket",
        pattern=rf"^{BUCKET_NAME}$",
    )
    bucket_owner: str = setting(
        "Account that owns the bucket.",
        'an account ID of twelve digits, in quotes: "999988887777"',
        pattern=r"^[0-9]{12}$",
    )
    kms_key_arn: str = setting(
        "Key that encrypts the backups. Its policy must allow the controllers' role to use it.",
        "the ARN of a KMS key",
        pattern=_ARN_OF_KEY,
    )


class BackupSettings(Section):
    """`backups`: the system state of controllers, on a volume of its own and in a bucket with Object Lock."""

    enabled: bool = enabled_flag("Back up the controllers")
    every_hours: int = setting(
        "Hours between two backups of a controller. An alarm is raised after a day without a backup.",
        "a whole number from 4 to 20",
        default=12,
        ge=4,
        le=20,
    )
    keep_versions: int = setting(
        "Number of backups on the volume.", "a whole number from 1 to 30", default=4, ge=1, le=30
    )
    volume_size: int = setting(
        f"Size of the volume of each controller in GiB; it is attached as {BACKUP_DEVICE}.",
        "whole GiB from 20 to 16384",
        default=60,
        ge=20,
        le=16384,
    )
    buckets: dict[str, BackupBucketSettings] = setting(
        "Bucket by Region, one for each site that creates controllers.",
        "a mapping of Regions to {bucketName, bucketOwner, kmsKeyArn}",
        min_length=1,
    )


_DEVICE = r"^xvd[b-z]$"
_ARN_OF_SECRET = r"^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]{1,512}-[A-Za-z0-9]{6}$"  # noqa: S105 -- a pattern


class PromotionSecretsSettings(Section):
    """`promotion.secrets.<Region>`: existing secrets in the site's Region, which its controllers read."""

    administrator_arn: str = setting(
        'Secret {"username": ..., "password": ...} of an account that can add domain controllers to the domain.',
        "the complete ARN of a secret, with the six characters at its end",
        pattern=_ARN_OF_SECRET,
    )
    restore_mode_arn: str = setting(
        'Secret {"username": ..., "password": ...} with the password for Directory Services Restore Mode. The'
        " user name is ignored.",
        "the complete ARN of a secret, with the six characters at its end",
        pattern=_ARN_OF_SECRET,
    )
    kms_key_arn: str = setting(
        "Key that encrypts both secrets. The AWS managed key is rejected, because its policy allows every "
        "principal of the account to use it.",
        "the ARN of a KMS key",
        pattern=_ARN_OF_KEY,
    )


class NewForestSettings(Section):
    """`promotion.newForest`: the controller that creates the forest."""

    instance_id: str = setting(
        "Instance of the controller. A replacement has another ID, so it cannot create a second forest with "
        "the same name.",
        "the ID of an instance that the stack has built, such as i-0123456789abcdef0",
        pattern=r"^i-[0-9a-f]{8,17}$",
    )
    controller: str = setting(
        "Name of the controller in the settings.",
        "the name of a controller",
        pattern=r"^[A-Za-z]([A-Za-z0-9-]{0,13}[A-Za-z0-9])?$",
    )
    netbios_name: str = setting(
        "NetBIOS name of the domain.",
        "1 to 15 capital letters, digits and hyphens, beginning with a letter",
        pattern=r"^[A-Z]([A-Z0-9-]{0,13}[A-Z0-9])?$",
    )


class PromotionSettings(Section):
    """`promotion`: controllers are promoted to writable domain controllers, which are DNS servers and global catalogs."""

    enabled: bool = enabled_flag("Promote the controllers")
    domain: DomainName = setting("DNS name of the domain.", "a name such as corp.example.com, in lower case")
    site_name: str = setting(
        "Active Directory site of the controllers. If empty, the site to which the domain assigns their subnets.",
        "1 to 63 letters, digits and hyphens",
        default="",
        pattern=r"^([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)?$",
    )
    partners: list[ControllerAddress] = setting(
        "Addresses of domain controllers of the domain that are DNS servers; with newForest, the address of "
        "its controller. At least one must respond.",
        "a list of one to four private IPv4 addresses",
        min_length=1,
        max_length=4,
    )
    new_forest: NewForestSettings | None = setting(
        "Controller that creates a new forest. All other controllers join its domain.",
        "a mapping of instanceId, controller, netbiosName; leave it out to join an existing domain",
        default=None,
    )
    database_device: str = setting(
        "Device of each controller for the database.", "xvdb to xvdz", default="xvdb", pattern=_DEVICE
    )
    log_device: str = setting("Device for the database's log files.", "xvdb to xvdz", default="xvdc", pattern=_DEVICE)
    sysvol_device: str = setting("Device for SYSVOL.", "xvdb to xvdz", default="xvdd", pattern=_DEVICE)
    secrets: dict[str, PromotionSecretsSettings] = setting(
        "Secrets by Region, for each site that creates controllers.",
        "a mapping of Regions to {administratorArn, restoreModeArn, kmsKeyArn}",
        min_length=1,
    )

    @property
    def devices(self) -> dict[str, str]:
        """Return the device by the name of its setting."""
        return {
            "databaseDevice": self.database_device,
            "logDevice": self.log_device,
            "sysvolDevice": self.sysvol_device,
        }
