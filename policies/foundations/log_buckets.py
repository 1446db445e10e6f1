"""Log buckets: those that preferences, trails and flow logs of the stack name, and the resources about them.

Buckets of other stacks are not evaluated. Log groups of flow logs are checked by log-group-encrypted.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

from policies.findings import UNKNOWN
from policies.parameters import Parameter
from policies.session_manager.session_documents import DOCUMENT, PREFERENCES, content_of, is_session_document

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.findings import Resource
    from policies.stack import Stack

BUCKETS: Final = ("aws:s3/bucket:Bucket", "aws:s3/bucketV2:BucketV2")
_BUCKET_ARN: Final = ":s3:::"

ALSO: Final = Parameter(
    name="buckets",
    description="Further buckets that the rule holds for, by name in AWS or in the program (* and ? match any characters).",
    default=[],
    schema={"type": "array", "items": {"type": "string", "minLength": 1}},
)

_NAMING: Final = {
    PREFERENCES: "s3BucketName",
    "aws:cloudtrail/trail:Trail": "s3BucketName",
    "aws:ec2/flowLog:FlowLog": "logDestination",
    "aws:s3/bucketLogging:BucketLogging": "targetBucket",
    "aws:s3/bucketLoggingV2:BucketLoggingV2": "targetBucket",
}
"""Property of the log destination by resource type."""


def holds_session_logs(stack: Stack, bucket: Resource) -> bool:
    """Return whether the SSM Agent writes to a bucket, by the preferences of the stack."""
    preferences = stack.of(PREFERENCES)
    names = {
        *(name for each in preferences for name in _bucket_name(each.value(_NAMING[PREFERENCES]))),
        *_names_in_documents(stack),
    }
    sources = {urn for each in preferences for urn in each.sources.get(_NAMING[PREFERENCES], ())}
    sources |= {
        urn for each in stack.of(DOCUMENT) if is_session_document(each) for urn in each.sources.get("content", ())
    }
    return bucket.urn in sources or bool({bucket.value("bucket"), bucket.value("id")} & names)


def log_buckets(stack: Stack) -> Iterator[Resource]:
    """Return the log buckets of the stack."""
    names = set(_names(stack))
    sources = {urn for type_, name in _NAMING.items() for each in stack.of(type_) for urn in each.sources.get(name, ())}
    for bucket in stack.of(*BUCKETS):
        known_as = {
            bucket.name,
            *(each for each in (bucket.value("bucket"), bucket.value("id")) if isinstance(each, str)),
        }
        listed = any(fnmatchcase(each, pattern) for each in known_as for pattern in stack.settings[ALSO.name])
        if listed or bucket.urn in sources or known_as - {bucket.name} & names:
            yield bucket


def companions(stack: Stack, bucket: Resource, kind: str) -> Iterator[Resource]:
    """Return the resources of a type that are about a bucket.

    Args:
        stack: The stack.
        bucket: The bucket.
        kind: `BucketPolicy`; the older type with V2 counts too.
    """
    named = {each for each in (bucket.value("bucket"), bucket.value("id")) if isinstance(each, str)}
    for name in (kind, f"{kind}V2"):
        for each in stack.of(f"aws:s3/{name[0].lower()}{name[1:]}:{name}"):
            if each.value("bucket") in named or bucket.urn in each.sources.get("bucket", ()):
                yield each


def _names(stack: Stack) -> Iterator[str]:
    for type_, name in _NAMING.items():
        for each in stack.of(type_):
            yield from _bucket_name(each.value(name))
    yield from _names_in_documents(stack)


def _names_in_documents(stack: Stack) -> Iterator[str]:
    for document in stack.of(DOCUMENT):
        if is_session_document(document) and document.value("content") is not UNKNOWN:
            inputs = (content_of(document) or {}).get("inputs")
            yield from _bucket_name(inputs.get("s3BucketName") if isinstance(inputs, dict) else None)  # pyright: ignore[reportUnknownMemberType]


def _bucket_name(value: Any) -> Iterator[str]:
    """Return the bucket name of a name, or of an ARN with or without a key prefix."""
    if isinstance(value, str) and value:
        yield value.rpartition(_BUCKET_ARN)[2].partition("/")[0]
