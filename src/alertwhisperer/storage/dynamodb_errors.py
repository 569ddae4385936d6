"""What botocore's errors mean to us: try again, unknown, or a sentence with its next step."""

from enum import Enum
from typing import Any, Final

from botocore import exceptions as boto

from alertwhisperer.domain.errors import Unavailable


class Fate(Enum):
    """What became of a request."""

    BUSY = "refused for now, nothing was done"
    LOST = "may have been done"
    REFUSED = "refused for good, nothing was done"


_BUSY: Final = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "ThrottlingException",
        "ThrottlingError",
        "RequestLimitExceeded",
        "LimitExceededException",
        "TransactionConflictException",
    }
)
_LOST: Final = frozenset({"InternalServerError", "ServiceUnavailable", "TransactionInProgressException"})
_NEVER_SENT: Final = (boto.EndpointConnectionError, boto.ConnectTimeoutError, boto.ProxyConnectionError)

_OF_DRIVER: Final[tuple[tuple[tuple[type[Exception], ...], str], ...]] = (
    (
        (boto.NoCredentialsError, boto.PartialCredentialsError, boto.CredentialRetrievalError),
        (
            "there are no AWS credentials: name a profile (AWS_PROFILE), set AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY, or give this machine a role"
        ),
    ),
    ((boto.ProfileNotFound,), "{told}: mend AWS_PROFILE, or make it by `aws configure`"),
    (
        (boto.UnauthorizedSSOTokenError, boto.SSOTokenLoadError, boto.TokenRetrievalError),
        "the AWS sign-in has ended: sign in again (`aws sso login`)",
    ),
    (
        (boto.InvalidRegionError, boto.NoRegionError),
        "{region} is not an AWS region: set AWS_REGION, such as us-east-1",
    ),
)
_OF_SERVICE: Final[tuple[tuple[frozenset[str], str], ...]] = (
    (
        frozenset({"ExpiredTokenException", "ExpiredToken", "RequestExpired"}),
        "the AWS session token has expired: sign in again (`aws sso login`), or renew the keys",
    ),
    (
        frozenset(
            {
                "UnrecognizedClientException",
                "InvalidClientTokenId",
                "InvalidSignatureException",
                "SignatureDoesNotMatch",
                "IncompleteSignatureException",
                "MissingAuthenticationTokenException",
            }
        ),
        (
            "AWS does not know these credentials: check the access key, its secret, the session token, and this "
            "machine's clock"
        ),
    ),
    (
        frozenset({"AccessDeniedException", "AccessDenied", "OptInRequired"}),
        "AWS denies this: allow it in the IAM policy of the user or role ({told})",
    ),
    (
        frozenset({"ResourceNotFoundException"}),
        (
            "a table is missing in {region}: check AWS_REGION and DYNAMODB_TABLE_PREFIX, or run "
            "`alertwhisperer db create-tables`"
        ),
    ),
)


def code_of(error: Exception) -> str:
    """DynamoDB's name of an error; empty for what never came from it."""
    response: dict[str, Any] = getattr(error, "response", {}) or {}
    return str(response.get("Error", {}).get("Code", ""))


def fate_of(error: Exception) -> Fate:
    """What became of the request that ended so."""
    if isinstance(error, boto.ClientError):
        code = code_of(error)
        if code in _BUSY:
            return Fate.BUSY
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return Fate.LOST if code in _LOST or status >= 500 else Fate.REFUSED  # noqa: PLR2004  # HTTP's server errors
    if isinstance(error, _NEVER_SENT):
        return Fate.BUSY
    return Fate.LOST if isinstance(error, boto.HTTPClientError) else Fate.REFUSED


def sentence(error: Exception, *, region: str, where: str) -> Unavailable:
    """The error to raise for one that cannot be mended by trying again, in one sentence with its next step.

    Never Invalid: keys, rights and tables are no fault of who asks, and a sender would not come again.
    """
    code, told = code_of(error), _message(error)
    for kinds, said in _OF_DRIVER:
        if isinstance(error, kinds):
            return Unavailable(said.format(region=region, told=told))
    for codes, said in _OF_SERVICE:
        if code in codes:
            return Unavailable(said.format(region=region, told=told))
    if isinstance(error, (*_NEVER_SENT, boto.HTTPClientError)):
        return Unavailable(f"DynamoDB does not answer at {where}: check AWS_REGION ({region}), network and endpoint")
    if fate_of(error) is not Fate.REFUSED:
        return Unavailable(f"DynamoDB is busy ({code or type(error).__name__}): try again")
    return Unavailable(f"DynamoDB refused a request ({code or type(error).__name__}: {told})")


def _message(error: Exception) -> str:
    response: dict[str, Any] = getattr(error, "response", {}) or {}
    return str(response.get("Error", {}).get("Message", "") or error)
