"""Executions of runbooks in the local AWS: each in its own thread, with calls as the execution's role."""

import threading
from collections.abc import Callable
from typing import Any, cast

import boto3
from botocore.config import Config

from local.automation.actions import Connect, all_actions
from local.automation.execution import Action, Execution, ExecutionRequest, StepFailedError, StepRecord, filled
from local.client_parts import share_client_parts
from local.emulator.extension.callers import SESSIONS_OF_SERVICES
from local.emulator.settings import SETTINGS

Json = dict[str, Any]

_MAKING_CLIENTS = threading.Lock()
_SESSION: Any = boto3.Session()
"""Shared session, which caches the service models; creating clients is not thread-safe."""
_ONE_ATTEMPT = Config(retries={"total_max_attempts": 1})
_CLIENTS: dict[tuple[str, ...], Any] = {}
"""Cached clients: the scripts of an execution create dozens, which takes longer than all of their calls."""


class Runs:
    """Executions of all accounts and Regions, by ID."""

    def __init__(self) -> None:
        self._by_place: dict[tuple[str, str], dict[str, Execution]] = {}

    def of(self, account: str, region: str) -> dict[str, Execution]:
        """Return the executions of one account and Region, oldest first."""
        return self._by_place.setdefault((account, region), {})

    def find(self, execution_id: str) -> Execution | None:
        """Return an execution of any account and Region."""
        return next((runs[execution_id] for runs in self._by_place.values() if execution_id in runs), None)

    def forget(self) -> None:
        """End all executions without cleanup steps; the resources that they changed stay unchanged."""
        for runs in self._by_place.values():
            for run in runs.values():
                for step in run.steps:
                    step.definition = {**step.definition, "onCancel": "Abort", "onFailure": "Abort", "isEnd": True}
                run.cancel()
        self._by_place.clear()
        with _MAKING_CLIENTS:
            _CLIENTS.clear()


RUNS = Runs()


def begin(
    document: Json, request: ExecutionRequest, connect: Connect, *, then: Callable[[Execution], None] = lambda _: None
) -> Execution:
    """Start an execution and return at once.

    Args:
        document: Content of the runbook.
        request: Request for the execution.
        connect: Factory of clients as the caller, which assume the execution's role.
        then: Function to call afterwards, in the same thread.
    """
    run = Execution(document, request, {})
    role = filled(document.get("assumeRole", ""), run.variables)
    actions = all_actions(_as_role(connect, role, run.id))
    run.set_actions({name: _faulty(action) for name, action in actions.items()})

    def work() -> None:
        run.run()
        then(run)

    threading.Thread(target=work, daemon=True, name=f"automation-{run.id}").start()
    return run


def connector(endpoint_url: str, access_key: str, region: str) -> Connect:
    """Return a factory of clients of this local AWS with an access key."""

    def connect(service: str, region_name: str | None = None, *, config: Any = _ONE_ATTEMPT, **options: Any) -> Any:
        place = region_name or region
        given = cast("Json", vars(config) | options)
        key = (endpoint_url, access_key, place, service, str(given))
        with _MAKING_CLIENTS:
            if key not in _CLIENTS:
                share_client_parts()
                _CLIENTS[key] = _SESSION.client(
                    service,
                    region_name=place,
                    endpoint_url=endpoint_url,
                    aws_access_key_id=access_key,
                    aws_secret_access_key="local",  # noqa: S106 (made up)
                    config=config,
                    **options,
                )
            return _CLIENTS[key]

    return connect


def _as_role(connect: Connect, role: str, execution_id: str) -> Connect:
    """Return a factory of clients as the execution's role if it has one, otherwise as the caller."""
    assumed: list[Connect] = []

    def connect_as_role(service: str, region_name: str | None = None, **options: Any) -> Any:
        if not role:
            return connect(service, region_name, **options)
        if not assumed:
            connect("iam").get_role(RoleName=role.rsplit("/", 1)[-1])
            sts = connect("sts")
            session = f"Automation-{execution_id}"
            SESSIONS_OF_SERVICES.add(session)
            credentials = sts.assume_role(RoleArn=role, RoleSessionName=session)["Credentials"]
            assumed.append(connector(sts.meta.endpoint_url, credentials["AccessKeyId"], sts.meta.region_name))
        return assumed[0](service, region_name, **options)

    return connect_as_role


def _faulty(action: Action) -> Action:
    """Return the action, which fails if the settings say so."""

    def act(run: Execution, step: StepRecord) -> Any:
        if SETTINGS.current().automation_faults.get(step.name) == "before":
            raise StepFailedError("injected fault")
        answer = action(run, step)
        if SETTINGS.current().automation_faults.get(step.name) == "after":
            raise StepFailedError("injected fault, after the work")
        return answer

    return act
