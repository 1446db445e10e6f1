"""A throw-away fleet on the real engine: an organization on a local AWS, a fleet file, a state backend."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import boto3
import yaml

from local.engine.aws_proxy import AwsProxy
from local.engine.warm_python import warm_python
from local.toolchain import command_line
from local.workspace import REPOSITORY, Workspace, link_or_copy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ROLE = "arn:aws:iam::{accountId}:role/ShellAccessDeployer"
PREVIEW_ROLE = "arn:aws:iam::{accountId}:role/ShellAccessPreview"
WITHOUT_CHECKPOINTS = {"PULUMI_SKIP_CHECKPOINTS": "true", "PULUMI_EXPERIMENTAL": "true"}
"""Saves time where nobody asks what a state holds in the middle of a run."""


@dataclass(frozen=True)
class Ran:
    """What a command of the fleet came to.

    Attributes:
        code: its exit code, 0 or 1.
        text: what `--json` printed.
    """

    code: int
    text: str

    @property
    def document(self) -> dict[str, Any]:
        """The results."""
        return json.loads(self.text)

    @property
    def states(self) -> dict[str, str]:
        """How each account came out, by name."""
        return {each["name"]: each["state"] for each in self.document["accounts"]}

    def account(self, name: str) -> dict[str, Any]:
        """One account's result."""
        return next(each for each in self.document["accounts"] if each["name"] == name)


class LocalFleet:
    """Accounts in one unit of an organization, and accounts that are listed.

    Attributes:
        proxy: through which every call goes.
        workspace: of the engines.
        file: the fleet file.
        unit: ID of the organizational unit.
        ids: account IDs by name; whoever lets an account go takes it out.
    """

    def __init__(
        self,
        folder: Path,
        endpoint: str,
        accounts: Iterable[str],
        listed: Mapping[str, str] | None = None,
        *,
        warm: bool = True,
    ) -> None:
        """Makes the organization, and everything but the fleet file.

        Args:
            folder: to put everything in; emptied by whoever made it.
            endpoint: URL of the local AWS.
            accounts: names of those in the unit.
            listed: IDs of those that the file names, by name.
            warm: forks Pythons from one that is ready; not where it is measured.
        """
        self.endpoint = endpoint
        self.proxy = AwsProxy(endpoint)
        environment = warm_python() if warm else REPOSITORY / ".venv"
        self._python = environment / "bin" / "python"
        self.workspace = Workspace(folder / "engine", self._python)
        self.workspace.prepare(command_line())
        self.file = folder / "fleet.yaml"
        self.program = folder / "program"
        self._listed = dict(listed or {})
        # A folder of its own, as what is done counts as done for one and the same program only; its files are linked, so
        # that a warm Python has them already.
        for part in ("components", "policies"):
            shutil.copytree(
                REPOSITORY / part,
                self.program / part,
                ignore=shutil.ignore_patterns("__pycache__"),
                copy_function=lambda source, target: link_or_copy(Path(source), Path(target)),
            )
        for part in ("__main__.py", "Pulumi.yaml", "requirements.txt"):
            shutil.copy(REPOSITORY / part, self.program / part)
        (self.program / ".venv").symlink_to(environment)
        self._organizations: Any = self.client("organizations", "us-east-1")
        self._organizations.create_organization(FeatureSet="ALL")
        self._root = self._organizations.list_roots()["Roots"][0]["Id"]
        made = self._organizations.create_organizational_unit(ParentId=self._root, Name="governed")
        self.unit = made["OrganizationalUnit"]["Id"]
        self.ids = {name: self.join(name) for name in accounts} | self._listed

    def join(self, name: str) -> str:
        """Puts a new account into the unit; gives its ID."""
        status = self._organizations.create_account(AccountName=name, Email=f"{name}@example.com")
        account = status["CreateAccountStatus"]["AccountId"]
        self._organizations.move_account(AccountId=account, SourceParentId=self._root, DestinationParentId=self.unit)
        return account

    def leave(self, account: str) -> None:
        """Takes an account out of the unit."""
        self._organizations.move_account(AccountId=account, SourceParentId=self.unit, DestinationParentId=self._root)

    def write(
        self, defaults: Mapping[str, Any], waves: list[dict[str, Any]], *, preview_role: str | None = PREVIEW_ROLE
    ) -> None:
        """Writes the fleet file.

        Args:
            defaults: settings of every account, keys as in a stack's configuration.
            waves: as the file has them.
            preview_role: for runs that only look; None: the one that deploys.
        """
        content = {
            "accounts": {
                "list": [{"name": name, "id": account} for name, account in self._listed.items()],
                "discover": {"organizationalUnits": [self.unit]},
            },
            "assumeRole": ROLE,
            "previewRole": preview_role,
            "defaults": dict(defaults),
            "waves": waves,
        }
        self.file.write_text(yaml.safe_dump(content))

    def start(self, command: str, *arguments: str, more: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Starts a command of the fleet, with more variables in its environment."""
        cwd = [] if command == "verify" else ["--cwd", str(self.program)]
        return subprocess.Popen(
            [str(self._python), "-u", "-m", "operations", "fleet", command, "--file", str(self.file), *cwd, *arguments],
            cwd=REPOSITORY,
            env=os.environ
            | self.workspace.environment(self.proxy.url)
            | {"SHELL_ACCESS_PYTHON": str(self._python)}
            | dict(more or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, command: str, *arguments: str) -> Ran:
        """Runs a command of the fleet."""
        return self.end(self.start(command, *arguments, "--json", more=WITHOUT_CHECKPOINTS))

    def end(self, process: subprocess.Popen[str]) -> Ran:
        """Waits for a command.

        Raises:
            ChildProcessError: it could not do its work, with what it said.
        """
        text, told = process.communicate()
        if process.returncode not in (0, 1):
            raise ChildProcessError(f"exit code {process.returncode}: {told}")
        return Ran(process.returncode, text)

    def client(self, service: str, region: str = "eu-west-1", account: str | None = None) -> Any:
        """A client in the management account, or in another one."""
        keys = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
        if account:
            assumed = self.client("sts").assume_role(RoleArn=ROLE.format(accountId=account), RoleSessionName="test")
            got = assumed["Credentials"]
            keys = {"aws_access_key_id": got["AccessKeyId"], "aws_secret_access_key": got["SecretAccessKey"]}
            keys["aws_session_token"] = got["SessionToken"]
        return cast("Any", boto3).client(service, region, endpoint_url=self.endpoint, **keys)

    @property
    def locks(self) -> list[Path]:
        """Locks of stacks in the state backend."""
        return list(self.workspace.state.glob(".pulumi/locks/**/*.json"))
