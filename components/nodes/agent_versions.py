"""Minimum versions of SSM Agent for the enabled features. Pure.

Sources: AWS Systems Manager User Guide, "Setting up Session Manager", "Session Manager preferences" and "Default Host
Management Configuration"; the prerequisites of the post; release notes of SSM Agent (Run As: 2.3.672.0).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from components.session_manager.settings import SessionManagerSettings

SESSIONS: Final = "2.3.68.0"
SESSION_DATA_ENCRYPTION: Final = "2.3.539.0"
RUN_AS: Final = "2.3.672.0"
SHELL_PROFILES: Final = "3.0.161.0"
LOG_STREAMING: Final = "3.0.284.0"
DEFAULT_HOST_MANAGEMENT: Final = "3.2.582.0"

UNIX: Final = frozenset({"Linux", "MacOS"})
WINDOWS: Final = frozenset({"Windows"})
PLATFORMS: Final = UNIX | WINDOWS
"""Platforms, as Systems Manager calls them (API reference, InstanceInformation, `PlatformType`)."""

_VERSION: Final = re.compile(r"\d+(\.\d+)*")


@dataclass(frozen=True, kw_only=True)
class NeededVersion:
    """Minimum version for one feature.

    Attributes:
        feature: Name for messages, such as `session data encryption`.
        setting: Setting that enables it, `sessionManager.sessionDataEncryption`; None: every session needs it.
        version: Minimum version of SSM Agent: `2.3.539.0`.
        platforms: Platforms to which it applies.
    """

    feature: str
    setting: str | None
    version: str
    platforms: frozenset[str] = PLATFORMS


def needed_agent_versions(
    preferences: SessionManagerSettings | None,
    *,
    platform: str | None = None,
    default_host_management: bool = False,
) -> tuple[NeededVersion, ...]:
    """Return the minimum version for each feature in use, the highest first.

    `preferences` is None where the stack does not govern them, and `platform`, one of `PLATFORMS`, None for all
    platforms.
    """
    needs = [NeededVersion(feature="sessions", setting=None, version=SESSIONS)]
    if preferences:
        needs += _of_preferences(preferences)
    if default_host_management:
        needs.append(
            NeededVersion(
                feature="Default Host Management Configuration",
                setting="nodes.defaultHostManagement.enabled",
                version=DEFAULT_HOST_MANAGEMENT,
            )
        )
    known = platform if platform in PLATFORMS else None
    needs = [need for need in needs if known is None or known in need.platforms]
    return tuple(sorted(needs, key=lambda need: version_key(need.version) or (), reverse=True))


def minimum_agent_version(
    preferences: SessionManagerSettings | None, *, default_host_management: bool = False
) -> NeededVersion:
    """Return the highest of `needed_agent_versions` for all platforms."""
    return needed_agent_versions(preferences, default_host_management=default_host_management)[0]


def unmet(needs: Iterable[NeededVersion], installed: str) -> tuple[NeededVersion, ...]:
    """Return the needs that a version of the agent does not meet, in their order; all of them for an invalid version."""
    has = version_key(installed)
    return tuple(need for need in needs if has is None or has < (version_key(need.version) or ()))


def version_key(version: str) -> tuple[int, ...] | None:
    """Return the sort key of a version, without trailing zeros; None for an invalid version."""
    if not _VERSION.fullmatch(version):
        return None
    parts = [int(part) for part in version.split(".")]
    while parts and not parts[-1]:
        parts.pop()
    return tuple(parts)


def _of_preferences(settings: SessionManagerSettings) -> list[NeededVersion]:
    features = (
        ("session data encryption", "sessionDataEncryption", SESSION_DATA_ENCRYPTION, PLATFORMS),
        ("run-as user", "runAsEnabled", RUN_AS, UNIX),
        ("shell profile of Linux and macOS", "linuxShellProfile", SHELL_PROFILES, UNIX),
        ("shell profile of Windows", "winShellProfile", SHELL_PROFILES, WINDOWS),
        ("log streaming", "cwStreamingEnabled", LOG_STREAMING, PLATFORMS),
    )
    values = settings.model_dump(by_alias=True)
    return [
        NeededVersion(feature=feature, setting=f"sessionManager.{key}", version=version, platforms=platforms)
        for feature, key, version, platforms in features
        if values[key]
    ]
