"""Installation of the stand-in in the engine's plugin folder, as `pulumi-resource-aws`.

The engine loads a plugin from `$PULUMI_HOME/plugins/resource-aws-v<version>/`, with the version of the program's SDK.
"""

import shlex
from importlib import metadata
from pathlib import Path

MARK = "# Stand-in for the AWS plugin"
"""Text in the launcher that distinguishes it from the official plugin."""


def plugin_version() -> str:
    """Return the version of the installed `pulumi_aws`, which a program requests from the engine."""
    return metadata.version("pulumi_aws")


def install(pulumi_home: Path, python: Path, repository: Path) -> Path:
    """Write the launcher into the `PULUMI_HOME` of the local AWS, never a user's own, and return its path. Idempotent."""
    folder = pulumi_home / "plugins" / f"resource-aws-v{plugin_version()}"
    folder.mkdir(parents=True, exist_ok=True)
    launcher = folder / "pulumi-resource-aws"
    # -P and our own PYTHONPATH isolate the plugin from the program's folder and the caller's settings.
    script = (
        "#!/bin/sh\n"
        f"{MARK}; see local/aws_provider/README.md of the repository.\n"
        f"PYTHONPATH={shlex.quote(str(repository))} "
        f'exec {shlex.quote(str(python))} -P -m local.aws_provider "$@"\n'
    )
    if not launcher.exists() or launcher.read_text(encoding="utf-8") != script:
        # Replaced atomically: another engine may start the old launcher at this moment.
        fresh = folder / f".{launcher.name}.new"
        fresh.write_text(script, encoding="utf-8")
        fresh.chmod(0o755)
        fresh.replace(launcher)
    return launcher
