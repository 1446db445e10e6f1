"""What can go wrong, each as one line that a person can act on.

ProviderError
├── AwsError           an AWS call that was refused or did not arrive
├── ConfigurationError the provider's own settings cannot be used
├── InvalidInputError         a value that the provider refuses outside of Check
├── UnsupportedError          a type, function, input or call that this stand-in does not know
└── PartlyCreatedError        the object exists, a later step of its creation failed
"""


class ProviderError(Exception):
    """Base of all failures that are reported to the engine as text."""


class AwsError(ProviderError):
    """An AWS call failed; `code` is AWS' own error code, or the class of a connection problem."""

    def __init__(self, operation: str, code: str, message: str) -> None:
        self.operation = operation
        self.code = code
        self.message = " ".join(message.split())
        super().__init__(f"{operation} failed with {code}: {self.message}")


class ConfigurationError(ProviderError):
    """The provider's own settings cannot be used."""


class InvalidInputError(ProviderError):
    """A value that the provider refuses."""


class UnsupportedError(ProviderError):
    """Something that the real plugin may know and this stand-in does not."""


class PartlyCreatedError(ProviderError):
    """The object exists under `object_id`, but a later step of its creation failed."""

    def __init__(self, object_id: str, cause: ProviderError) -> None:
        self.object_id = object_id
        super().__init__(str(cause))
