"""Changes behind the stack's back, one per attribute of each resource of `dev`, and the findings that report them.

A sabotage changes one live resource through the AWS API and returns what undoes it. `verify` reports it by the finding
named here; what is marked `REFRESH` only `preview --refresh` shows. What cannot be changed in place is in `FIXED`, with
the reason.
"""

from tests.engine.sabotages import (
    compliance,
    external,
    identities,
    instances,
    keys,
    monitoring,
    network,
    patching,
    storage,
    systems_manager,
    tags,
)

SABOTAGES = (
    *tags.SABOTAGES,
    *keys.SABOTAGES,
    *monitoring.SABOTAGES,
    *identities.SABOTAGES,
    *network.SABOTAGES,
    *instances.SABOTAGES,
    *storage.SABOTAGES,
    *systems_manager.SABOTAGES,
    *patching.SABOTAGES,
    *compliance.SABOTAGES,
    *external.SABOTAGES,
    *monitoring.DETECTION,
    *monitoring.SCANS,
    *instances.EXCLUSIONS,
    *monitoring.CIS_SCANS,
    *monitoring.HUBS,
)
DELETIONS = (
    *keys.DELETIONS,
    *monitoring.DELETIONS,
    *identities.DELETIONS,
    *network.DELETIONS,
    *storage.DELETIONS,
    *systems_manager.DELETIONS,
    *patching.DELETIONS,
    *compliance.DELETIONS,
)
"""Deletions, and what cannot be undone: `pulumi up --refresh` brings it back."""
LAST = (*monitoring.LAST, *instances.LAST)
"""Those that nothing undoes."""
