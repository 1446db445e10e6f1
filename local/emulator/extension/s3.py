"""Buckets with AWS' defaults: encryption, blocked public access, tags at creation, and the expected owner's check.

Sources:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-encryption-faq.html
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/create-bucket-faq.html
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html
"""

from contextvars import ContextVar
from typing import Any

import xmltodict
from moto.s3.exceptions import BucketAccessDeniedError
from moto.s3.models import FakeBucket, PublicAccessBlock, S3Backend, s3_backends
from moto.s3.responses import S3Response

EXPECTED_OWNER = "x-amz-expected-bucket-owner"


def apply() -> None:
    """Apply AWS' defaults to every new bucket, and to one whose encryption is deleted."""
    moto_create: Any = S3Backend.create_bucket
    public_access_block: Any = PublicAccessBlock

    def create_bucket(self: S3Backend, *arguments: Any, **keywords: Any) -> FakeBucket:
        bucket: FakeBucket = moto_create(self, *arguments, **keywords)
        bucket.encryption = default_encryption()
        bucket.public_access_block = public_access_block(
            block_public_acls=True,
            ignore_public_acls=True,
            block_public_policy=True,
            restrict_public_buckets=True,
        )
        return bucket

    def delete_bucket_encryption(self: S3Backend, bucket_name: str) -> None:
        """API_DeleteBucketEncryption: resets to SSE-S3."""
        self.get_bucket(bucket_name).encryption = default_encryption()

    moto_lock: Any = S3Backend.put_object_lock_configuration

    def put_object_lock_configuration(self: S3Backend, bucket_name: str, *arguments: Any, **keywords: Any) -> None:
        """API_PutObjectLockConfiguration: also changes the retention of a bucket that has Object Lock and objects."""
        bucket = self.get_bucket(bucket_name)
        if not bucket.object_lock_enabled:
            moto_lock(self, bucket_name, *arguments, **keywords)
            return
        given = dict(zip(("lock_enabled", "mode", "days", "years"), arguments, strict=False)) | keywords
        bucket.default_lock_mode = given.get("mode") or ""
        bucket.default_lock_days = given.get("days") or 0
        bucket.default_lock_years = given.get("years") or 0

    backend: Any = S3Backend
    backend.create_bucket = create_bucket
    backend.put_object_lock_configuration = put_object_lock_configuration
    backend.delete_bucket_encryption = delete_bucket_encryption
    tag_on_creation()
    _evaluate_conditions()
    _check_expected_owner("_bucket_response")
    _check_expected_owner("_key_response")


def tag_on_creation() -> None:
    """API_CreateBucket: applies the tags in its configuration, which moto ignores."""
    response: Any = S3Response
    moto_put: Any = response._bucket_response_put  # noqa: SLF001

    def put(self: Any, request: Any, bucket: str, querystring: dict[str, Any]) -> Any:
        answer = moto_put(self, request, bucket, querystring)
        if not querystring and self.body:
            given: Any = xmltodict.parse(self.body, force_list=("Tag",))["CreateBucketConfiguration"]
            tags: list[dict[str, str]] = (given["Tags"] or {"Tag": []})["Tag"] if "Tags" in given else []
            if tags:
                self.backend.put_bucket_tagging(bucket, {tag["Key"]: tag["Value"] or "" for tag in tags})
        return answer

    response._bucket_response_put = put  # noqa: SLF001


def _check_expected_owner(method: str) -> None:
    """Refuse every request that expects another owner: 403, with AccessDenied if the response has a body."""
    response: Any = S3Response
    moto_answer = getattr(response, method)

    def answer(self: S3Response, request: Any, *arguments: Any) -> Any:
        expected = request.headers.get(EXPECTED_OWNER)
        owner = s3_backends.bucket_accounts.get(self.bucket_name)
        if expected and owner and owner[1] != expected:
            raise BucketAccessDeniedError(bucket=self.bucket_name)
        _REQUEST.set((self, request))
        return moto_answer(self, request, *arguments)

    setattr(response, method, answer)


_REQUEST: ContextVar[tuple[Any, Any]] = ContextVar("request")
"""Handler and request that are being answered."""


def _evaluate_conditions() -> None:
    """Evaluate the conditions of bucket policies, which moto takes for met; calls count as made over TLS.

    IAM User Guide, "Policy evaluation logic": a Deny statement applies where all its conditions hold.
    """
    bucket_class: Any = FakeBucket
    moto_permission: Any = bucket_class.get_permission

    def get_permission(self: FakeBucket, action: str, resource: str) -> Any:
        if self.policy is None:
            return moto_permission(self, action, resource)
        # Loads what only buckets with a policy need.
        from moto.iam.access_control import PermissionResult  # noqa: PLC0415

        from common.iam.documents import Policy, parse  # noqa: PLC0415
        from common.iam.evaluation import Permissions, decide  # noqa: PLC0415
        from common.iam.truth import Truth  # noqa: PLC0415

        policy = parse(self.policy.decode())
        everything = parse({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}})
        denying = Policy(name="bucket policy", statements=tuple(each for each in policy.statements if not each.allows))
        allowed = decide(Permissions(identity=(everything, denying)), action, resource, _context()).allowed
        return PermissionResult.NEUTRAL if allowed is Truth.YES else PermissionResult.DENIED

    bucket_class.get_permission = get_permission


def _context() -> Any:
    from common.iam.context import ABSENT, RequestContext, known  # noqa: PLC0415
    from local.emulator.extension.callers import caller_of  # noqa: PLC0415

    handler, request = _REQUEST.get()
    caller = caller_of(handler.current_account, handler.get_access_key())
    encryption = request.headers.get("x-amz-server-side-encryption")
    values = {
        "aws:principalarn": known(caller.principal.arn if caller.principal else caller.arn),
        "aws:securetransport": known("true"),
        "s3:x-amz-server-side-encryption": known(encryption) if encryption else ABSENT,
    }
    return RequestContext(values, {}, ABSENT)


def default_encryption() -> dict[str, Any]:
    """Return SSE-S3 in moto's format."""
    return {"Rule": {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}}
