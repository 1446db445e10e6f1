"""Temporary fleet on the real engine: an organization on a local AWS, a fleet file, a state backend."""

import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import boto3
import yaml

from local.toolchain import command_line
from local.workspace import REPOSITORY, Workspace, link_or_copy
from tests.support.middleware import UPSTREAM_SECONDS, Middleware, Upstream, call_of, serving
from tests.support.recorder import secrets_provider
from tests.support.warm_python import warm_python

ROLE = "arn:aws:iam::{accountId}:role/ShellAccessDeployer"
PREVIEW_ROLE = "arn:aws:iam::{accountId}:role/ShellAccessPreview"
WITHOUT_CHECKPOINTS = {"PULUMI_SKIP_CHECKPOINTS": "true", "PULUMI_EXPERIMENTAL": "true"}
"""Settings that save time if no test reads a state while the engine runs."""


@dataclass(frozen=True)
class Ran:
    """Result of a command of the fleet.

    Attributes:
        code: Exit code, 0 or 1.
        text: Output of `--json`.
    """

    code: int
    text: str

    @property
    def document(self) -> dict[str, Any]:
        """Return the results."""
        return json.loads(self.text)

    @property
    def states(self) -> dict[str, str]:
        """Return the state of each account, by name."""
        return {each["name"]: each["state"] for each in self.document["accounts"]}

    def account(self, name: str) -> dict[str, Any]:
        """Return the result of one account."""
        return next(each for each in self.document["accounts"] if each["name"] == name)


_ACCESS_KEY = re.compile(rb"<AccessKeyId>(\w+)</AccessKeyId>")
_REFUSED = (
    b"<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not authorized to perform: "
    b"sts:AssumeRole</Message></Error><RequestId>r</RequestId></ErrorResponse>"
)


class AccountProxy(Middleware):
    """Middleware that knows the account of each call: denies roles and delays responses.

    Attributes:
        without_role: Accounts whose role no principal may assume.
        requested_roles: ARNs of the roles in AssumeRole requests; callers that count them clear it.
        after: Function that receives the name of each operation after AWS has completed it, before the response.
        url: Endpoint URL for clients.
    """

    def __init__(self, endpoint: str) -> None:
        super().__init__(Upstream(endpoint))
        self.without_role: set[str] = set()
        self.requested_roles: set[str] = set()
        self.after: Callable[[str], None] = lambda _operation: None
        self._accounts: dict[str, str] = {}
        self._held: tuple[str | None, str] | None = None
        self._arrived, self._released = threading.Event(), threading.Event()
        self._server = ExitStack()
        self.url = self._server.enter_context(serving(self))

    def close(self) -> None:
        """Stop the server."""
        self._server.close()

    def hold(self, account: str, operation: str) -> None:
        """Delay the response to the account's next call of an operation (`UpdateDocument`) until `release`."""
        self._arrived.clear()
        self._released.clear()
        self._held = (account, operation)

    def wait_for_held(self, process: subprocess.Popen[str]) -> None:
        """Wait for the call, as long as the process that should send it exists."""
        while not self._arrived.wait(0.2):
            if process.poll() is not None:
                raise ChildProcessError("the process ended before the call to hold")

    def release(self) -> None:
        """Send the delayed response."""
        self._held = None
        self._released.set()

    def handle(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        call = call_of(environ)
        account = None
        if call.operation == "AssumeRole":
            role = call.parameters["RoleArn"]
            account = role.split(":")[4]
            self.requested_roles.add(role)
            if account in self.without_role:
                start_response("403 Forbidden", [("Content-Type", "text/xml"), ("Content-Length", str(len(_REFUSED)))])
                return [_REFUSED]
        content = b"".join(self._application(environ, start_response))
        if account and (key := _ACCESS_KEY.search(content)):
            self._accounts[key[1].decode()] = account
        self.after(call.operation)
        if self._held == (self._accounts.get(call.access_key), call.operation):
            self._arrived.set()
            self._released.wait(UPSTREAM_SECONDS)
        return [content]


class LocalFleet:
    """Accounts in one organizational unit, and listed accounts.

    Attributes:
        proxy: Proxy for all calls.
        unit: ID of the organizational unit.
        ids: Account IDs by name; the caller that removes an account from the unit deletes it here.
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
        """Create the organization, and everything except the fleet file.

        Args:
            folder: Folder for all files; its creator deletes it.
            endpoint: URL of the local AWS.
            accounts: Names of the accounts in the unit.
            listed: IDs of the accounts that the file lists, by name.
            warm: Whether Python processes are forked from a warm one, and secrets encrypted with a key instead of a
                passphrase; not for measurements.
        """
        self.endpoint = endpoint
        self.proxy = AccountProxy(endpoint)
        environment = warm_python() if warm else REPOSITORY / ".venv"
        self._python = environment / "bin" / "python"
        self.workspace = Workspace(folder / "engine", self._python)
        self.workspace.prepare(command_line())
        self.file = folder / "fleet.yaml"
        self.program = folder / "program"
        self._listed = dict(listed or {})
        self._encryption = {"secretsProvider": secrets_provider(endpoint)} if warm else {}
        # A folder of its own, as an account counts as deployed only with an identical program; its files are links,
        # so that a warm Python process has already loaded them.
        for part in ("common", "components", "policies"):
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
        """Create an account in the unit, and return its ID."""
        status = self._organizations.create_account(AccountName=name, Email=f"{name}@example.com")
        account = status["CreateAccountStatus"]["AccountId"]
        self._organizations.move_account(AccountId=account, SourceParentId=self._root, DestinationParentId=self.unit)
        return account

    def leave(self, account: str) -> None:
        """Move an account out of the unit."""
        self._organizations.move_account(AccountId=account, SourceParentId=self.unit, DestinationParentId=self._root)

    def write(
        self, defaults: Mapping[str, Any], waves: list[dict[str, Any]], *, preview_role: str | None = PREVIEW_ROLE
    ) -> None:
        """Write the fleet file.

        Args:
            defaults: Settings of every account, with the keys of a stack's configuration.
            waves: Waves, in the format of the file.
            preview_role: Role for read-only commands; None: the deployment role.
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
            **self._encryption,
        }
        self.file.write_text(yaml.safe_dump(content))

    def start(self, command: str, *arguments: str, more: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Start a command of the fleet, with additional environment variables."""
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
        """Run a command of the fleet."""
        return self.end(self.start(command, *arguments, "--json", more=WITHOUT_CHECKPOINTS))

    def end(self, process: subprocess.Popen[str]) -> Ran:
        """Wait for a command."""
        text, problems = process.communicate()
        if process.returncode not in (0, 1):
            raise ChildProcessError(f"exit code {process.returncode}: {problems}")
        return Ran(process.returncode, text)

    def client(self, service: str, region: str = "eu-west-1", account: str | None = None) -> Any:
        """Return a client in the management account, or in another account."""
        keys = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
        if account:
            assumed = self.client("sts").assume_role(RoleArn=ROLE.format(accountId=account), RoleSessionName="test")
            got = assumed["Credentials"]
            keys = {"aws_access_key_id": got["AccessKeyId"], "aws_secret_access_key": got["SecretAccessKey"]}
            keys["aws_session_token"] = got["SessionToken"]
        return cast("Any", boto3).client(service, region, endpoint_url=self.endpoint, **keys)

    @property
    def locks(self) -> list[Path]:
        """Return the locks of stacks in the state backend."""
        return list(self.workspace.state.glob(".pulumi/locks/**/*.json"))
