"""Puts the stand-in where the engine looks for `pulumi-resource-aws`.

The engine takes a plugin from `$PULUMI_HOME/plugins/resource-aws-v<version>/`, the version being that of the SDK a program uses.
"""

import shlex
from importlib import metadata
from pathlib import Path

MARK = "# Stand-in for the AWS plugin"
"""In the launcher, by which it is told from the official plugin."""


def plugin_version() -> str:
    """The version of the installed `pulumi_aws`, which a program asks the engine for."""
    return metadata.version("pulumi_aws")


def install(pulumi_home: Path, python: Path, repository: Path) -> Path:
    """Writes the launcher and returns its path. Doing it again changes nothing.

    Args:
        pulumi_home: The `PULUMI_HOME` of the local AWS, never a person's own.
        python: Interpreter with the project's requirements installed.
        repository: Folder that holds the package `local`.
    """
    folder = pulumi_home / "plugins" / f"resource-aws-v{plugin_version()}"
    folder.mkdir(parents=True, exist_ok=True)
    launcher = folder / "pulumi-resource-aws"
    # -P and a PYTHONPATH of our own keep the program's folder and the caller's settings out of the plugin.
    script = (
        "#!/bin/sh\n"
        f"{MARK}; see local/aws_provider/README.md of the repository.\n"
        f"PYTHONPATH={shlex.quote(str(repository))} "
        f'exec {shlex.quote(str(python))} -P -m local.aws_provider "$@"\n'
    )
    if not launcher.exists() or launcher.read_text(encoding="utf-8") != script:
        # Replaced in one step: another engine may start the old one at this moment.
        fresh = folder / f".{launcher.name}.new"
        fresh.write_text(script, encoding="utf-8")
        fresh.chmod(0o755)
        fresh.replace(launcher)
    return launcher
