"""Folder in a clone for the files of the local AWS and the engine, and their environment."""

import json
import os
import shlex
import shutil
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from urllib.parse import quote

from local.cache import cache_folder

REPOSITORY = Path(__file__).resolve().parent.parent

PASSPHRASE = "local-aws"  # noqa: S105 -- nothing secret is kept in a stack of the local AWS
"""Passphrase of the local stacks' state; Pulumi.dev.yaml has the salt created with it."""

PLUGIN_VARIABLE = "SHELL_ACCESS_AWS_PLUGIN"
"""Environment variable with the path of the official AWS plugin; without it the stand-in is used."""

MARK = "# Stand-in for the AWS plugin"
"""Text in the launcher that distinguishes it from the official plugin."""

STAND_IN = "the stand-in"
OFFICIAL = "the official plugin"


class PluginError(Exception):
    """Error of an AWS plugin that cannot be used; the message has the cause and the fix."""


def named_plugin() -> Path | None:
    """Return the executable in `SHELL_ACCESS_AWS_PLUGIN`.

    Raises:
        PluginError: The path is not an executable file.
    """
    named = os.environ.get(PLUGIN_VARIABLE)
    if not named:
        return None
    if not os.access(named, os.X_OK) or not Path(named).is_file():
        raise PluginError(
            f"{PLUGIN_VARIABLE}: expected the path of pulumi-resource-aws, an executable file, got {named}. "
            "Correct it, or unset it to use the stand-in."
        )
    return Path(named).resolve()


def plugin_in_use() -> str:
    """Return the kind of plugin in use, regardless of its path."""
    executable = named_plugin()
    if executable is None:
        return STAND_IN
    with executable.open("rb") as content:
        return STAND_IN if MARK.encode() in content.read(200) else OFFICIAL


_LANGUAGE_HOST = """#!/bin/sh
SHELL_ACCESS_LANGUAGE_EXEC={folder}/pulumi-language-python-exec \\
  exec {python} {repository}/local/language_host.py "$@"
"""


@dataclass(frozen=True)
class Workspace:
    """Folder with all files of one user of the engine: plugins, state, logs.

    Attributes:
        folder: Folder, created on first use; `.local` of the clone, or a temporary one in tests.
        python: Python for the local AWS, the language host and the stand-in.
    """

    folder: Path = REPOSITORY / ".local"
    python: Path = Path(sys.executable)

    @property
    def programs(self) -> Path:
        """Return the folder to put first on PATH for the CLI that was built here."""
        return self.folder / "bin"

    @property
    def pulumi_home(self) -> Path:
        """Return `PULUMI_HOME`: plugins and the engine's own settings."""
        return self.folder / "pulumi-home"

    @property
    def state(self) -> Path:
        """Return the folder behind the `file://` state backend."""
        return self.folder / "state"

    def prepare(self, toolchain: Path | None) -> None:
        """Create the layout of programs and plugins; existing files stay.

        Args:
            toolchain: Folder of the CLI that was built here, or None to use the one on PATH.

        Raises:
            PluginError: The plugin cannot be used, or the other plugin wrote the state.
        """
        self._claim_state()
        if toolchain:
            self._lay_out_programs(toolchain)
        self._lay_out_aws_plugin()
        self._turn_off_engine_log()

    def _claim_state(self) -> None:
        """Record the plugin that writes the state; no plugin can continue with the state of the other one.

        A state without a record is older than the records, and belongs to the stand-in.
        """
        plugin, note = plugin_in_use(), self.state / "plugin.json"
        if any((self.state / ".pulumi" / "stacks").glob("**/*.json")):
            writer = _plugin_in(note)
            if writer != plugin:
                other = f"set {PLUGIN_VARIABLE} to its path" if writer == OFFICIAL else f"unset {PLUGIN_VARIABLE}"
                raise PluginError(
                    f"{self.state}: expected a state that {plugin} has written, got one of {writer}. To go on with it, "
                    f"{other}; to start over with {plugin}, do so for `make down` first."
                )
        self.state.mkdir(parents=True, exist_ok=True)
        note.write_text(json.dumps({"plugin": plugin}) + "\n")

    def _lay_out_programs(self, toolchain: Path) -> None:
        self.programs.mkdir(parents=True, exist_ok=True)
        for program in toolchain.iterdir():
            target = self.programs / program.name
            if program.is_file() and not program.name.startswith(".") and not target.exists():
                link_or_copy(program, target)
        host = self.programs / "pulumi-language-python"
        names = {"repository": REPOSITORY, "folder": self.programs, "python": self.python}
        host.write_text(_LANGUAGE_HOST.format(**{key: shlex.quote(str(value)) for key, value in names.items()}))
        host.chmod(0o755)

    def _lay_out_aws_plugin(self) -> None:
        """Install the stand-in, or the real plugin if `SHELL_ACCESS_AWS_PLUGIN` names its binary."""
        launcher = self.pulumi_home / "plugins" / f"resource-aws-v{plugin_version()}" / "pulumi-resource-aws"
        real = named_plugin()
        if launcher.is_symlink():
            launcher.unlink()
        if real is None or real == launcher:
            install_stand_in(self.pulumi_home, self.python, REPOSITORY)
            return
        launcher.parent.mkdir(parents=True, exist_ok=True)
        launcher.unlink(missing_ok=True)
        launcher.symlink_to(real)

    def _turn_off_engine_log(self) -> None:
        """Put a file where the engine creates a folder for its log of every message, half of its processor time.

        The engine has no setting for it, and continues without the log.
        """
        logs = self.pulumi_home / "logs"
        shutil.rmtree(logs, ignore_errors=True)
        logs.touch()

    def environment(self, endpoint: str) -> dict[str, str]:
        """Return the environment that makes `pulumi`, boto3 and AWS clients use the local AWS, and only that one."""
        # Not in this folder: botocore replaces a `$HOME` in the path of this file.
        profile = cache_folder() / "aws-config"
        if not profile.exists():
            profile.parent.mkdir(parents=True, exist_ok=True)
            profile.write_text("[default]\n")
        path = [str(self.programs), str(Path(sys.executable).parent), os.environ.get("PATH", "")]
        return {
            "PATH": os.pathsep.join(path),
            "PULUMI_HOME": str(self.pulumi_home),
            # A URL: the engine would decode a `%41` in the path, and end it at a `#` or `?`.
            "PULUMI_BACKEND_URL": f"file://{quote(str(self.state))}",
            "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            # Processes end before garbage matters.
            "GOGC": "off",
            "GOMEMLIMIT": "512MiB",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_DISABLE_REGISTRY_RESOLVE": "true",
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_SESSION_TOKEN": "",
            "AWS_REGION": "eu-west-1",
            "AWS_DEFAULT_REGION": "eu-west-1",
            # The user's own profiles and files must never be used.
            "AWS_PROFILE": "default",
            "AWS_CONFIG_FILE": str(profile),
            "AWS_SHARED_CREDENTIALS_FILE": str(profile),
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": "127.0.0.1",
            # The official plugin reaches S3 Control at <account>.127.0.0.1, which does not resolve.
            **({"HTTP_PROXY": endpoint} if os.environ.get(PLUGIN_VARIABLE) else {}),
        }


def _plugin_in(note: Path) -> str:
    try:
        return json.loads(note.read_text())["plugin"]
    except FileNotFoundError:
        return STAND_IN
    except (OSError, ValueError, KeyError, TypeError):
        return "an unknown plugin"


def link_or_copy(source: Path, target: Path) -> None:
    """Create a hard link, or a copy if that is not possible.

    The engine looks for its language host beside its own file, so a symbolic link would not work.
    """
    try:
        target.hardlink_to(source)
    except OSError:
        # Atomically: a file truncated by a full disk, for instance, would count as complete.
        fresh = target.with_name(f".{target.name}.new")
        try:
            shutil.copy2(source, fresh)
            fresh.replace(target)
        finally:
            fresh.unlink(missing_ok=True)


def plugin_version() -> str:
    """Return the version of the installed `pulumi_aws`, which a program requests from the engine."""
    return metadata.version("pulumi_aws")


def install_stand_in(pulumi_home: Path, python: Path, repository: Path) -> Path:
    """Write the launcher of the stand-in into the `PULUMI_HOME` of the local AWS, never a user's own, and return its path.

    Idempotent. The engine loads a plugin from `$PULUMI_HOME/plugins/resource-aws-v<version>/`, with the version of the program's SDK.
    """
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
