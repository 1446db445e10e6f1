"""Buckets with AWS' defaults: encryption, blocked public access, tags at creation, and the expected owner's check.

Sources:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-encryption-faq.html
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/create-bucket-faq.html
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html
"""

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

    backend: Any = S3Backend
    backend.create_bucket = create_bucket
    backend.delete_bucket_encryption = delete_bucket_encryption
    tag_on_creation()
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
        return moto_answer(self, request, *arguments)

    setattr(response, method, answer)


def default_encryption() -> dict[str, Any]:
    """Return SSE-S3 in moto's format."""
    return {"Rule": {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}}
