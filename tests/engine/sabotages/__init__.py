"""Changes behind the stack's back, one per attribute of each resource of `dev`, and the findings that report them.

A sabotage changes one live resource through the AWS API and returns what undoes it. `verify` reports it by the finding
named here; what is marked `REFRESH` only `preview --refresh` shows. What cannot be changed in place is in `FIXED`, with
the reason.
"""

from tests.engine.sabotages import identities, instances, monitoring, network, storage, systems_manager, tags

SABOTAGES = (
    *tags.SABOTAGES,
    *monitoring.SABOTAGES,
    *identities.SABOTAGES,
    *network.SABOTAGES,
    *instances.SABOTAGES,
    *storage.SABOTAGES,
    *systems_manager.SABOTAGES,
    *instances.PATCHING,
    *monitoring.DETECTION,
    *monitoring.SCANS,
    *instances.EXCLUSIONS,
    *monitoring.CIS_SCANS,
    *monitoring.HUBS,
)
DELETIONS = (
    *monitoring.DELETIONS,
    *identities.DELETIONS,
    *network.DELETIONS,
    *storage.DELETIONS,
    *systems_manager.DELETIONS,
    *instances.DELETIONS,
)
"""Deletions, and what cannot be undone: `pulumi up --refresh` brings it back."""
LAST = (*monitoring.LAST, *instances.LAST)
"""Those that nothing undoes."""
