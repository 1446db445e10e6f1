"""Provider protocol: converts the engine's requests, and the results and errors for the engine."""

# Names, arguments and semantics of the methods are those of the protocol: see `pulumi/provider.proto`.
# ruff: noqa: N802, D102, ARG002

from collections.abc import Callable, Iterable
from functools import wraps
from importlib import metadata
from typing import Any, Final, TypeVar

import grpc
from google.protobuf import any_pb2, empty_pb2, struct_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, status_pb2
from pulumi.runtime.proto.provider_pb2_grpc import ResourceProviderServicer

from local.aws_provider import check, config, diff, lifecycle, registry, state, wire
from local.aws_provider.aws import Aws, ProviderSession
from local.aws_provider.diff import ChangeKind
from local.aws_provider.failure import (
    AwsError,
    ConfigurationError,
    PartlyCreatedError,
    ProviderError,
    RejectedValue,
    UnsupportedError,
)
from local.aws_provider.model import Property, ResourceType
from local.aws_provider.wire import Secret, Values

Response = TypeVar("Response")
_modes: Final[dict[int, check.NamingMode]] = {0: "propose", 1: "enforce", 2: "disable"}
_kinds: Final = {
    (ChangeKind.ADD, False): provider_pb2.PropertyDiff.ADD,
    (ChangeKind.ADD, True): provider_pb2.PropertyDiff.ADD_REPLACE,
    (ChangeKind.DELETE, False): provider_pb2.PropertyDiff.DELETE,
    (ChangeKind.DELETE, True): provider_pb2.PropertyDiff.DELETE_REPLACE,
    (ChangeKind.UPDATE, False): provider_pb2.PropertyDiff.UPDATE,
    (ChangeKind.UPDATE, True): provider_pb2.PropertyDiff.UPDATE_REPLACE,
}


class _RecordedError(ProviderError):
    """An error with a resource that exists nevertheless, so that the engine records it."""

    def __init__(self, reason: str, details: bytes) -> None:
        self.details = details
        super().__init__(reason)


def _reporting(method: Callable[..., Response]) -> Callable[..., Response]:
    """Convert every error to one line for the engine, never a traceback."""

    @wraps(method)
    def call(self: "AwsProvider", request: Any, context: grpc.ServicerContext) -> Response:
        if self.cancelled:
            context.abort(grpc.StatusCode.CANCELLED, "the provider was requested to stop")
        try:
            return method(self, request, context)
        except _RecordedError as failure:
            context.set_trailing_metadata((("grpc-status-details-bin", failure.details),))
            context.abort(grpc.StatusCode.UNKNOWN, str(failure))
        except ProviderError as failure:
            context.abort(grpc.StatusCode.UNKNOWN, _line(method.__name__, request, failure))
        except Exception as fault:  # noqa: BLE001 - the engine needs a response in any case
            text = f"{type(fault).__name__}: {' '.join(str(fault).split())}"
            context.abort(grpc.StatusCode.INTERNAL, f"fault in the local stand-in provider: {text}")
        raise AssertionError("abort always raises")

    return call


_verbs: Final = {"Create": "creating", "Read": "reading", "Update": "updating", "Delete": "deleting"}


def _line(method: str, request: Any, failure: ProviderError) -> str:
    """Return `creating aws:kms/key:Key data (id): kms:CreateKey failed with <code>: <message>`."""
    if method == "Invoke":
        return f"invoking {request.tok}: {failure}"
    if not isinstance(failure, AwsError) and method not in _verbs:
        return str(failure)
    token, name = _type_and_name(request)
    object_id = f" ({request.id})" if getattr(request, "id", "") else ""
    return f"{_verbs.get(method, method)} {token} {name}{object_id}: {failure}".strip()


def _type_and_name(request: Any) -> tuple[str, str]:
    parts = getattr(request, "urn", "").split("::", 3)
    if len(parts) < 4:  # noqa: PLR2004 - urn:pulumi:<stack>::<project>::<types>::<name>
        return "", ""
    return parts[2].rsplit("$", 1)[-1], parts[3]


def _failures(problems: Iterable[RejectedValue]) -> list[provider_pb2.CheckFailure]:
    return [provider_pb2.CheckFailure(property=problem.path, reason=problem.reason) for problem in problems]


def _guarded(properties: dict[str, Property], values: Values, *marked: Values) -> struct_pb2.Struct:
    """Return values for the engine; those that are secret by nature, or were secret before, are secret."""
    result: Values = values
    for marks in marked:
        result = {name: wire.keep_secret(value, marks.get(name)) for name, value in result.items()}
    for name, prop in properties.items():
        if prop.secret and result.get(name) is not None:
            result[name] = Secret(wire.plain(result[name]))
    return wire.write(result)


class AwsProvider(ResourceProviderServicer):
    """Provider for one provider resource: one process, one configuration."""

    def __init__(self, on_cancel: Callable[[], None] = lambda: None) -> None:
        self.cancelled = False
        self._on_cancel = on_cancel
        self._session: ProviderSession | None = None

    @property
    def session(self) -> ProviderSession:
        """Configured session."""
        if self._session is None:
            raise ConfigurationError("the provider was not configured")
        return self._session

    def _open(self, decoded: Values) -> ProviderSession:
        """Return the session for these settings; CheckConfig and Configure share one, to verify credentials once."""
        built = config.build(decoded)
        if self._session is None or self._session.config != built:
            self._session = ProviderSession(built)
        return self._session

    def _complete(self, resource: ResourceType, marked: Values) -> Values:
        """Return inputs with `tagsAll`, which the checked inputs of some types do not have."""
        inputs = wire.plain(marked)
        if not resource.tagged or "tagsAll" in inputs:
            return inputs
        return {**inputs, "tagsAll": self.session.config.effective_tags(inputs.get("tags"))}

    # The plugin itself.

    @_reporting
    def Handshake(self, request: Any, context: Any) -> provider_pb2.ProviderHandshakeResponse:
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True, supports_autonaming_configuration=True)

    def GetPluginInfo(self, request: Any, context: Any) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=metadata.version("pulumi_aws"))

    def Attach(self, request: Any, context: Any) -> empty_pb2.Empty:
        return empty_pb2.Empty()

    def Cancel(self, request: Any, context: Any) -> empty_pb2.Empty:
        self.cancelled = True
        if self._session is not None:
            self._session.cancelled.set()
        self._on_cancel()
        return empty_pb2.Empty()

    # Configuration.

    @_reporting
    def CheckConfig(self, request: Any, context: Any) -> provider_pb2.CheckResponse:
        marked = wire.read(request.news)
        inputs = config.with_environment(marked)
        decoded, problems = config.decode(wire.plain(inputs))
        problems += config.validate(decoded)
        if not problems and not wire.holds_unknown(decoded):
            try:
                session = self._open(decoded)
                if not session.config.skip_credentials:
                    session.verify_credentials()
            except ProviderError as failure:
                problems.append(RejectedValue("", str(failure)))
        return provider_pb2.CheckResponse(inputs=wire.write(inputs), failures=_failures(problems))

    @_reporting
    def DiffConfig(self, request: Any, context: Any) -> provider_pb2.DiffResponse:
        old, _ = config.decode(wire.plain(wire.read(request.old_inputs or request.olds)))
        new, _ = config.decode(wire.plain(wire.read(request.news)))
        changed = sorted(name for name in {*old, *new} if old.get(name) != new.get(name))
        replaces = [name for name in changed if name == "region" and old.get("region")]
        detailed = {
            name: provider_pb2.PropertyDiff(
                kind=_kinds[_kind_of(old.get(name), new.get(name)), name in replaces], inputDiff=True
            )
            for name in changed
        }
        return _diff_response(changed, replaces, detailed, delete_first=False)

    @_reporting
    def Configure(self, request: Any, context: Any) -> provider_pb2.ConfigureResponse:
        decoded, problems = config.decode(wire.plain(wire.read(request.args)))
        lifecycle.refuse(problems)
        session = self._open(decoded)
        if not session.config.unknown:
            session.verify_account()
        return provider_pb2.ConfigureResponse(
            acceptSecrets=True, supportsPreview=True, supports_autonaming_configuration=True
        )

    # Functions.

    @_reporting
    def Invoke(self, request: Any, context: Any) -> provider_pb2.InvokeResponse:
        function = registry.function(request.tok)
        _, problems = check.check_arguments(function.inputs, wire.plain(wire.read(request.args)))
        if problems:
            return provider_pb2.InvokeResponse(failures=_failures(problems))
        result = function.run(Aws(self.session, function.service, self.session.region, function.calls))
        # As the bridge: no result is secret, whatever the arguments and the result are.
        answer: dict[str, Any] = {"return": wire.write(result)}
        return provider_pb2.InvokeResponse(**answer)

    # Resources.

    @_reporting
    def Check(self, request: Any, context: Any) -> provider_pb2.CheckResponse:
        resource = _resource(request)
        marked = wire.read(request.news)
        has_naming = request.HasField("autonaming")
        values, problems = check.check(
            resource,
            check.ResourceInputs(
                logical_name=_type_and_name(request)[1],
                olds=wire.plain(wire.read(request.olds)),
                news=wire.plain(marked),
                seed=request.randomSeed,
                naming_mode=_modes[request.autonaming.mode] if has_naming else "automatic",
                proposed_name=request.autonaming.proposed_name if has_naming else "",
            ),
            self.session.config,
        )
        problems = [RejectedValue(item.path, wire.without_secrets(item.reason, marked)) for item in problems]
        properties = resource.all_properties
        if "tags" in marked and "tagsAll" in values:
            marked["tagsAll"] = marked["tags"]
        return provider_pb2.CheckResponse(inputs=_guarded(properties, values, marked), failures=_failures(problems))

    @_reporting
    def Diff(self, request: Any, context: Any) -> provider_pb2.DiffResponse:
        resource = _resource(request)
        compared = diff.compare(
            resource,
            wire.plain(wire.read(request.olds)),
            self._complete(resource, wire.read(request.news)),
            provider_region=self.session.region if resource.regional else None,
            ignored=request.ignoreChanges,
        )
        lifecycle.refuse(compared.problems)
        detailed = {
            path: provider_pb2.PropertyDiff(kind=_kinds[kind, path.split(".")[0].split("[")[0] in compared.replacing])
            for path, kind in compared.details.items()
        }
        return _diff_response(
            sorted(compared.changed), sorted(compared.replacing), detailed, delete_first=compared.delete_first
        )

    @_reporting
    def Create(self, request: Any, context: Any) -> provider_pb2.CreateResponse:
        resource = _resource(request)
        marked = wire.read(request.properties)
        inputs = self._complete(resource, marked)
        lifecycle.refuse(resource.plan({}, inputs))
        properties = resource.all_properties
        if request.preview:
            planned = state.planned_create(resource, inputs)
            return provider_pb2.CreateResponse(properties=_guarded(properties, planned, marked))
        try:
            object_id, outputs = lifecycle.create(self.session, resource, inputs)
        except PartlyCreatedError as failure:
            recorded = _guarded(properties, state.recorded(resource, inputs), marked)
            raise _with_record(request, failure, recorded) from failure
        return provider_pb2.CreateResponse(id=object_id, properties=_guarded(properties, outputs, marked))

    @_reporting
    def Read(self, request: Any, context: Any) -> provider_pb2.ReadResponse:
        resource = _resource(request)
        known, old_inputs = wire.read(request.properties), wire.read(request.inputs)
        session = self.session
        refreshing = bool(old_inputs) or bool(known)
        object_id, region = request.id, lifecycle.region_of(session, resource, wire.plain(known))
        if not refreshing:
            object_id, region, known = lifecycle.locate_import(session, resource, request.id)
        properties = resource.all_properties
        outputs = lifecycle.read(session, resource, object_id, wire.plain(known), region)
        if outputs is None:
            return provider_pb2.ReadResponse(id="")
        if refreshing:
            inputs = state.refreshed_inputs(wire.plain(old_inputs), outputs, properties)
        else:
            inputs = state.imported_inputs(properties, outputs)
        return provider_pb2.ReadResponse(
            id=object_id,
            properties=_guarded(properties, outputs, known, old_inputs),
            inputs=_guarded(properties, inputs, old_inputs),
        )

    @_reporting
    def Update(self, request: Any, context: Any) -> provider_pb2.UpdateResponse:
        resource = _resource(request)
        marked_olds, marked = wire.read(request.olds), wire.read(request.news)
        olds, news = wire.plain(marked_olds), self._complete(resource, marked)
        ignored = list(request.ignoreChanges)
        if request.preview:
            compared = diff.compare(resource, olds, news, provider_region=self.session.region, ignored=ignored)
            lifecycle.refuse(compared.problems)
            outputs = state.planned_update(resource, olds, news, compared)
        else:
            outputs = lifecycle.update(self.session, resource, request.id, olds, news, ignored=ignored)
        # Secrecy follows the new inputs; properties that the program does not set keep theirs.
        kept = {name: value for name, value in marked_olds.items() if name not in marked}
        return provider_pb2.UpdateResponse(properties=_guarded(resource.all_properties, outputs, marked, kept))

    @_reporting
    def Delete(self, request: Any, context: Any) -> empty_pb2.Empty:
        olds = wire.plain(wire.read(request.properties))
        lifecycle.delete(self.session, _resource(request), request.id, olds)
        return empty_pb2.Empty()


def _resource(request: Any) -> ResourceType:
    token = getattr(request, "type", "") or _type_and_name(request)[0]
    if not token:
        raise UnsupportedError(f"{request.urn!r} is no URN of a resource")
    return registry.resource(token)


def _kind_of(old: Any, new: Any) -> ChangeKind:
    if old is None:
        return ChangeKind.ADD
    return ChangeKind.DELETE if new is None else ChangeKind.UPDATE


def _diff_response(
    changed: list[str], replaces: list[str], detailed: dict[str, provider_pb2.PropertyDiff], *, delete_first: bool
) -> provider_pb2.DiffResponse:
    some, none = provider_pb2.DiffResponse.DIFF_SOME, provider_pb2.DiffResponse.DIFF_NONE
    return provider_pb2.DiffResponse(
        changes=some if changed else none,
        diffs=changed,
        replaces=replaces,
        detailedDiff=detailed,
        hasDetailedDiff=True,
        deleteBeforeReplace=delete_first,
    )


def _with_record(request: Any, failure: PartlyCreatedError, recorded: struct_pb2.Struct) -> "_RecordedError":
    reason = _line("Create", request, failure)
    detail = any_pb2.Any()
    detail.Pack(provider_pb2.ErrorResourceInitFailed(id=failure.object_id, properties=recorded, reasons=[reason]))
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=reason, details=[detail])
    return _RecordedError(reason, status.SerializeToString())
