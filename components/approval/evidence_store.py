"""Bucket with Object Lock for the records of sessions, its key, and the table and queries of Athena."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
from pulumi_aws.athena import (
    NamedQuery,
    Workgroup,
    WorkgroupConfigurationArgs,
    WorkgroupConfigurationManagedQueryResultsConfigurationArgs,
)
from pulumi_aws.glue import (
    CatalogDatabase,
    CatalogTable,
    CatalogTablePartitionKeyArgs,
    CatalogTableStorageDescriptorArgs,
    CatalogTableStorageDescriptorColumnArgs,
    CatalogTableStorageDescriptorSerDeInfoArgs,
)
from pulumi_aws.s3 import (
    BucketObjectLockConfiguration,
    BucketObjectLockConfigurationRuleArgs,
    BucketObjectLockConfigurationRuleDefaultRetentionArgs,
)

from components.approval.evidence import (
    QUERIES,
    AthenaTable,
    evidence_bucket_policy,
    records_table,
    trail_table,
)
from components.approval.names import EVIDENCE_DATABASE, EVIDENCE_KEY_ALIAS, EVIDENCE_WORKGROUP
from components.private_bucket import register_private_bucket
from components.session_manager.key_policies import data_key_policy
from components.session_manager.keys import AliasedKey

if TYPE_CHECKING:
    from collections.abc import Sequence

    from components.approval.names import WorkflowLocation
    from components.approval.settings import Evidence, Trail


class EvidenceStore(pulumi.ComponentResource):
    """The bucket and what reads it. Bucket and key are retained when the stack is destroyed.

    Attributes:
        ready: Resources that must exist before the first record is written.
    """

    def __init__(  # noqa: PLR0913 -- arguments of a resource
        self,
        name: str,
        settings: Evidence,
        *,
        place: WorkflowLocation,
        regions: Sequence[str],
        tags: dict[str, str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Register the resources in the Region of the workflow; `regions` are those of sessions."""
        super().__init__("shell-access:approval:EvidenceStore", name, None, opts)
        self._name, self._settings, self._place, self._tags, self._region = name, settings, place, tags, place.region
        self._child = pulumi.ResourceOptions(parent=self)
        self._kept = pulumi.ResourceOptions(parent=self, retain_on_delete=True)
        key = AliasedKey(
            f"{name}-key",
            alias=EVIDENCE_KEY_ALIAS,
            description="Evidence: records of sessions",
            policy=data_key_policy(partition=place.partition, account_id=place.account_id),
            region=self._region,
            tags=tags,
            # Without the key, records that cannot be deleted could not be read.
            retain=True,
            opts=self._child,
        ).key
        self.ready = self._bucket(key.arn)
        self._catalog(regions)
        self.register_outputs({})

    def _bucket(self, key_arn: pulumi.Output[str]) -> list[pulumi.Resource]:
        place, settings = self._place, self._settings
        records = register_private_bucket(
            self._name,
            bucket=place.evidence_bucket,
            key_arn=key_arn,
            policy=evidence_bucket_policy(place),
            region=self._region,
            tags=self._tags,
            object_lock_enabled=True,
            opts=self._kept,
        )
        retention = BucketObjectLockConfigurationRuleDefaultRetentionArgs(
            mode=settings.retention_mode.upper(), days=settings.retention_days
        )
        locked = BucketObjectLockConfiguration(
            self._name,
            bucket=records.bucket.bucket,
            rule=BucketObjectLockConfigurationRuleArgs(default_retention=retention),
            region=self._region,
            opts=pulumi.ResourceOptions.merge(self._kept, pulumi.ResourceOptions(depends_on=[records.versioning])),
        )
        return [*records.ready, locked]

    def _catalog(self, regions: Sequence[str]) -> None:
        database = CatalogDatabase(
            self._name,
            name=EVIDENCE_DATABASE,
            description="Records of Session Manager sessions and their approvals",
            region=self._region,
            tags=self._tags,
            opts=self._child,
        )
        after = pulumi.ResourceOptions(parent=self, depends_on=[database])
        self._table("", records_table(self._place, regions), after)
        trail = self._settings.trail
        if trail:
            self._table("-trail", trail_table(trail), after)
            self._work_group(trail)
        for query in QUERIES:
            NamedQuery(
                f"{self._name}-{query.name}",
                name=query.name,
                description=query.description,
                database=EVIDENCE_DATABASE,
                query=query.sql,
                region=self._region,
                opts=after,
            )

    def _table(self, suffix: str, table: AthenaTable, opts: pulumi.ResourceOptions) -> None:
        CatalogTable(
            f"{self._name}{suffix}",
            name=table.name,
            # By name, so that recovery knows it before the database is created.
            database_name=EVIDENCE_DATABASE,
            table_type="EXTERNAL_TABLE",
            parameters=table.parameters,
            partition_keys=[CatalogTablePartitionKeyArgs(name=each, type="string") for each in table.partitions],
            storage_descriptor=CatalogTableStorageDescriptorArgs(
                location=table.location,
                input_format=table.input_format,
                output_format="org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
                columns=[
                    CatalogTableStorageDescriptorColumnArgs(name=each, type=kind)
                    for each, kind in table.columns.items()
                ],
                ser_de_info=CatalogTableStorageDescriptorSerDeInfoArgs(
                    name="json", serialization_library=table.serde, parameters=table.serde_parameters
                ),
            ),
            region=self._region,
            opts=opts,
        )

    def _work_group(self, trail: Trail) -> None:
        """Create the workgroup, whose results Athena keeps for a day, so that they need no bucket."""
        Workgroup(
            self._name,
            name=EVIDENCE_WORKGROUP,
            description="Queries of shell-access evidence",
            configuration=WorkgroupConfigurationArgs(
                bytes_scanned_cutoff_per_query=trail.max_scanned_bytes,
                enforce_workgroup_configuration=True,
                managed_query_results_configuration=WorkgroupConfigurationManagedQueryResultsConfigurationArgs(
                    enabled=True
                ),
                publish_cloudwatch_metrics_enabled=False,
            ),
            # With the history of its queries, which is no evidence.
            force_destroy=True,
            region=self._region,
            tags=self._tags,
            opts=self._child,
        )
