"""Errors, each with an actionable message of one line.

ProviderError
├── AwsError            an AWS call that was denied or did not reach AWS
├── ConfigurationError  invalid settings of the provider
├── InvalidInputError   a value that the provider rejects outside of Check
├── UnsupportedError    a type, function, input or call that this stand-in does not support
└── PartlyCreatedError  an existing resource with a failed later step of its creation
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class RejectedValue:
    """A rejected value: its path, and the reason."""

    path: str
    reason: str


class ProviderError(Exception):
    """Base of all errors that are reported to the engine as text."""


class AwsError(ProviderError):
    """A failed AWS call; `code` is the AWS error code, or the class of a connection error."""

    def __init__(self, operation: str, code: str, message: str) -> None:
        self.operation = operation
        self.code = code
        self.message = " ".join(message.split())
        super().__init__(f"{operation} failed with {code}: {self.message}")


class ConfigurationError(ProviderError):
    """Invalid settings of the provider."""


class InvalidInputError(ProviderError):
    """A value that the provider rejects."""


class UnsupportedError(ProviderError):
    """A type, function, input or call that this stand-in does not support; the real plugin may."""


class PartlyCreatedError(ProviderError):
    """A resource that exists under `object_id`, although a later step of its creation failed."""

    def __init__(self, object_id: str, cause: ProviderError) -> None:
        self.object_id = object_id
        super().__init__(str(cause))
