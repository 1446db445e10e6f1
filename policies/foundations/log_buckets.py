"""Log buckets: those that preferences, trails and flow logs of the stack name, and the resources about them.

Buckets of other stacks are not evaluated. Log groups of flow logs are checked by log-group-encrypted.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final, cast

from pulumi_policy import Severity

from common.iam.documents import Policy, Statement
from common.iam.patterns import matches
from policies.findings import UNKNOWN, Finding, Findings, Resource, is_given, is_true
from policies.foundations.resource_policies import names_every_principal, policy_in
from policies.parameters import TEXTS, Parameter
from policies.rule import PREFERENCES_POST, Rule
from policies.session_manager.session_documents import DOCUMENT, PREFERENCES, content_of, is_session_document

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack

BUCKETS: Final = ("aws:s3/bucket:Bucket", "aws:s3/bucketV2:BucketV2")
_BUCKET_ARN: Final = ":s3:::"

ALSO: Final = Parameter(
    name="buckets",
    description="Additional buckets that the rule evaluates, by name in AWS or in the program (* and ? match any characters).",
    default=[],
    schema=TEXTS,
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
    """Return whether SSM Agent writes to a bucket, by the preferences of the stack."""
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
    """Return the resources of a kind (`BucketPolicy`) about a bucket; the older type with V2 counts, too."""
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


LOG_BUCKET_ENCRYPTED = Rule(
    id="log-bucket-encrypted",
    title="Log buckets are encrypted with a customer managed KMS key",
    severity=Severity.MEDIUM,
    risk="any principal that may read the bucket reads input and output of sessions, with no key to withhold or revoke",
    remedy="Give the bucket a BucketServerSideEncryptionConfiguration with aws:kms and kmsMasterKeyId",
    source="AWS Security Hub S3.17; AWS Config s3-default-encryption-kms; "
    f"NIST SP 800-53 r5 AU-9, SC-13, SC-28(1); {PREFERENCES_POST}",
    url="https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html#s3-17",
    parameters=(ALSO,),
)
"""SSM Agent accepts buckets with `aws:kms` and `AES256` only, and ends the session for any other algorithm, so dual-layer
encryption (`aws:kms:dsse`) is a violation where sessions are logged."""

_ALGORITHMS: Final = ("aws:kms", "aws:kms:dsse")
_OF_SESSIONS: Final = ("aws:kms",)
_KIND: Final = "BucketServerSideEncryptionConfiguration"
_INLINE: Final = ("serverSideEncryptionConfiguration", "serverSideEncryptionConfigurations")


@LOG_BUCKET_ENCRYPTED.on_stack
def _are_encrypted(stack: Stack) -> Findings:
    for bucket in log_buckets(stack):
        apart = [(each, "rules", each.value("rules")) for each in companions(stack, bucket, _KIND)]
        inline = [(bucket, name, bucket.value(name)) for name in _INLINE]
        accepted = _OF_SESSIONS if holds_session_logs(stack, bucket) else _ALGORITHMS
        yield from _judged_encryption(bucket, apart or [each for each in inline if each[2] is not None], accepted)


def _judged_encryption(
    bucket: Resource, given: list[tuple[Resource, str, Any]], accepted: tuple[str, ...]
) -> Iterator[Finding]:
    defaults = [
        (holder, name, each) for holder, name, value in given for each in _defaults(value, bucket, holder, name)
    ]
    if not defaults:
        expected = "aws:kms with the ARN of a customer managed key"
        yield bucket.violation("serverSideEncryptionConfiguration", expected, found="no value")
    for holder, name, default in defaults:
        if default is UNKNOWN:
            yield holder.unseen(name)
            continue
        algorithm, key = default.get("sseAlgorithm"), default.get("kmsMasterKeyId")
        own = is_given(key) and not str(key).endswith("alias/aws/s3")
        if algorithm is UNKNOWN:
            yield holder.unseen(f"{name}.sseAlgorithm")
        elif algorithm not in accepted or not own:
            found = f"{algorithm} with {'no key' if not is_given(key) else key}"
            yield holder.violation(name, "aws:kms with the ARN of a customer managed key", found=found)


def _defaults(value: Any, bucket: Resource, holder: Resource, name: str) -> Iterator[Any]:
    """Return the default encryption settings of any resource type."""
    if value is UNKNOWN:
        # The provider sets the encryption of a bucket without the property.
        if holder is not bucket or holder.sources.get(name):
            yield UNKNOWN
    elif isinstance(value, list):
        for each in cast("list[Any]", value):
            yield from _defaults(each, bucket, holder, name)
    elif isinstance(value, dict):
        properties = cast("dict[str, Any]", value)
        if "sseAlgorithm" in properties:
            yield properties
        else:
            nested = [each for key, each in properties.items() if key != "bucketKeyEnabled" and each is not None]
            yield from _defaults(nested, bucket, holder, name)


LOG_BUCKET_PRIVATE = Rule(
    id="log-bucket-private",
    title="Log buckets block public access",
    severity=Severity.HIGH,
    risk="one wrong ACL or policy publishes the input and output of sessions",
    remedy="Give the bucket a BucketPublicAccessBlock with all four switches true, or the account an AccountPublicAccessBlock",
    source="AWS Security Hub S3.1, S3.8, CloudTrail.6; CIS AWS Foundations Benchmark 5.0, 2.1.4; "
    f"NIST SP 800-53 r5 AC-3, SC-7; {PREFERENCES_POST}",
    url="https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html#s3-8",
    parameters=(ALSO,),
)

_SWITCHES: Final = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
_ACCOUNT: Final = "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock"


@LOG_BUCKET_PRIVATE.on_stack
def _are_private(stack: Stack) -> Findings:
    if any(all(block.value(name) is True for name in _SWITCHES) for block in stack.of(_ACCOUNT)):
        return
    for bucket in log_buckets(stack):
        blocks = list(companions(stack, bucket, "BucketPublicAccessBlock"))
        if not blocks:
            yield bucket.violation("BucketPublicAccessBlock", "one for this bucket", found="none in the stack")
        for block in blocks:
            for name in _SWITCHES:
                yield from block.require(name, is_true, "true")


LOG_BUCKET_TLS_ONLY = Rule(
    id="log-bucket-tls-only",
    title="Log buckets deny requests without TLS",
    severity=Severity.MEDIUM,
    risk="logs can be read and changed on their way to the bucket",
    remedy="Deny s3:* to every principal on the bucket and its objects where aws:SecureTransport is false, in a BucketPolicy",
    source="AWS Security Hub S3.5; CIS AWS Foundations Benchmark 5.0, 2.1.1; NIST SP 800-53 r5 SC-8, SC-13; "
    f"{PREFERENCES_POST}",
    url="https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html#s3-5",
    parameters=(ALSO,),
)

_EXPECTED: Final = "a statement that denies every principal s3:* on the bucket and its objects without TLS"


@LOG_BUCKET_TLS_ONLY.on_stack
def _deny_plain_requests(stack: Stack) -> Findings:
    for bucket in log_buckets(stack):
        apart = list(companions(stack, bucket, "BucketPolicy"))
        holders = apart or ([bucket] if bucket.value("policy") not in (None, "") else [])
        yield from _judged_connections(bucket, holders)


def _judged_connections(bucket: Resource, holders: list[Resource]) -> Iterator[Finding]:
    policies = [(holder, policy_in(holder, "policy")) for holder in holders]
    denying = [
        each
        for _, policy in policies
        if isinstance(policy, Policy)
        for each in policy.statements
        if _denies_without_tls(each)
    ]
    if _covered(denying, bucket):
        return
    # A bucket without a policy property has one that the provider reads.
    is_read = bucket.value("policy") is UNKNOWN and not bucket.sources.get("policy")
    unknown = [holder for holder, policy in policies if policy is None and not (holder is bucket and is_read)]
    if unknown:
        yield unknown[0].unseen("policy")
        return
    found = "no such statement" if holders else "no policy"
    yield (holders[0] if holders else bucket).violation("policy", _EXPECTED, found=found)


def _denies_without_tls(statement: Statement) -> bool:
    conditions = [(each.operator, each.key, each.values) for each in statement.conditions]
    return (
        not statement.allows
        and not (statement.principals and statement.principals.negated)
        and names_every_principal(statement)
        and not statement.all_but_actions
        and any(action.lower() in ("*", "s3:*") for action in statement.actions)
        and conditions == [("bool", "aws:securetransport", ("false",))]
    )


def _covered(statements: list[Statement], bucket: Resource) -> bool:
    """Return whether the resources include the bucket and every object in it."""
    name = next((each for each in (bucket.value("bucket"), bucket.value("id")) if isinstance(each, str)), None)
    patterns = [each for statement in statements if not statement.all_but_resources for each in statement.resources]
    if name is None:
        return bool(patterns)
    partitions = ("aws", "aws-cn", "aws-us-gov")
    return any(
        _any_matches(patterns, f"arn:{partition}:s3:::{name}")
        and _any_matches([each for each in patterns if each.endswith("*")], f"arn:{partition}:s3:::{name}/any/object")
        for partition in partitions
    )


def _any_matches(patterns: list[str], arn: str) -> bool:
    return any(matches(pattern, arn) for pattern in patterns)
