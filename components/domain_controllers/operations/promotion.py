"""Promotion of controllers: a document for each, and the rights on the secrets that it reads. Pure.

Sources: Microsoft, ADDSDeployment cmdlet reference (`Install-ADDSForest`, `Install-ADDSDomainController` and the tests of their
prerequisites), KB 224196 (fixed ports); Systems Manager User Guide, "Handling reboots when running commands" (exit code 3010);
AWS Secrets Manager User Guide, "Secret encryption and decryption" (encryption context).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from common.aws.arns import service_domain
from common.iam.statements import allow
from components.domain_controllers.names import CONTROLLERS_ROLE, ROLE_TAG
from components.domain_controllers.operations.documents import command_document, powershell, script
from components.domain_controllers.operations.settings import HealthSettings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from common.aws.arns import Scope
    from common.iam.statements import Statement
    from components.adoption.document_content import PlannedDocument
    from components.domain_controllers.operations.settings import PromotionSecretsSettings, PromotionSettings
    from components.domain_controllers.port_tables import Options
    from components.domain_controllers.settings import DomainControllersSection

SCHEDULE: Final = "rate(2 hours)"
"""Time until a promotion that failed is tried again; without anything to do a run takes seconds."""

_MINUTES: Final = 110
_WAIT_MINUTES: Final = 20


def promotion_document(
    settings: PromotionSettings,
    secrets: PromotionSecretsSettings,
    controller: str,
    options: Options,
    health: HealthSettings | None,
) -> PlannedDocument:
    """Return the document that promotes a controller; it has the ARNs of secrets, never a value of one."""
    forest = settings.new_forest if settings.new_forest and settings.new_forest.controller == controller else None
    replication, netlogon = (*options.rpc_ports, 0, 0)[:2]
    text = script(
        "promote",
        {
            "INSTANCE": script("instance"),
            "DISKS": script("disks"),
            "HEALTH": script("health_functions"),
            "FUNCTIONS": script("promotion_functions"),
            "NAME": controller,
            "DOMAIN": settings.domain,
            "SITE_NAME": settings.site_name,
            "NETBIOS_NAME": forest.netbios_name if forest else "",
            "FOREST_INSTANCE": forest.instance_id if forest else "",
            "PARTNERS": ",".join(settings.partners),
            "REPLICATION_PORT": str(replication),
            "NETLOGON_PORT": str(netlogon),
            "FILES_PORT": str(options.files_port or 0),
            "OFFSET_SECONDS": str((health or HealthSettings()).clock_offset_seconds),
            "WAIT_MINUTES": str(_WAIT_MINUTES),
            "DATABASE_DEVICE": settings.database_device,
            "LOG_DEVICE": settings.log_device,
            "SYSVOL_DEVICE": settings.sysvol_device,
            "ADMINISTRATOR_ARN": secrets.administrator_arn,
            "RESTORE_MODE_ARN": secrets.restore_mode_arn,
        },
    )
    return command_document(
        f"Promotion-{controller}",
        f"Promotes {controller} to a domain controller of {settings.domain}",
        powershell("Promote", text, minutes=_MINUTES),
    )


def secret_arns(section: DomainControllersSection, region: str) -> tuple[str, ...]:
    """Return the ARNs of the secrets that the controllers of a site read."""
    settings = section.promotion
    if settings is None or region not in settings.secrets or not section.sites[region].controllers:
        return ()
    secrets = settings.secrets[region]
    return (secrets.administrator_arn, secrets.restore_mode_arn)


def secret_readers(section: DomainControllersSection, scope: Scope) -> list[str]:
    """Return the ARN of the controllers' role where controllers are promoted; empty: they are not."""
    builds = any(each.controllers for each in section.sites.values())
    return [scope.iam(f"role/{CONTROLLERS_ROLE}")] if section.promotion and builds else []


def secret_statements(settings: PromotionSettings, scopes: Iterable[Scope]) -> list[Statement]:
    """Return the statements of the controllers' policy: these secrets, and their key by Secrets Manager for them alone."""
    regions = [(each, settings.secrets[each.region]) for each in scopes if each.region in settings.secrets]
    arns = sorted({arn for _, each in regions for arn in (each.administrator_arn, each.restore_mode_arn)})
    if not arns:
        return []
    services = sorted(service_domain("secretsmanager", each.region, each.partition) for each, _ in regions)
    keys = sorted({each.kms_key_arn for _, each in regions})
    of_secrets = {"StringEquals": {"kms:ViaService": services, "kms:EncryptionContext:SecretARN": arns}}
    return [
        allow("ReadPromotionSecrets", "secretsmanager:GetSecretValue", arns),
        allow("DecryptPromotionSecrets", "kms:Decrypt", keys, condition=of_secrets),
    ]


def secret_differences(found: Mapping[str, Any], key_arn: str) -> list[str]:
    """Return what is wrong with a secret of DescribeSecret, which gives its key by ARN or ID; empty: nothing."""
    key, value = ROLE_TAG
    tags = {str(each["Key"]): str(each["Value"]) for each in found.get("Tags") or ()}
    encrypted = str(found.get("KmsKeyId") or "the AWS managed key")
    return [
        *(
            [f"key: {key_arn} expected, {encrypted} found"]
            if encrypted not in (key_arn, key_arn.rsplit("/", 1)[-1])
            else []
        ),
        *([f"tag {key}: {value} expected, {tags.get(key, 'none')} found"] if tags.get(key) != value else []),
        *(["it is scheduled for deletion"] if found.get("DeletedDate") else []),
    ]
