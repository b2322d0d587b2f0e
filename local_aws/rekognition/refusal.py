"""The service's errors, with AWS's own codes and messages.

The messages are those of the developer guide's page "Error handling". Where it has none, they are quotes of the real
service from other sources ("There are no faces in the image. Should be at least 1.", "faceId was not found in the
collection", "The collection id: … does not exist").
"""


class Refusal(Exception):
    """An error answer: AWS's code, its message and the HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


def constraint_violated(problems: list[str]) -> Refusal:
    """The request does not fit the service model.

    Rekognition checks this first, and answers with ValidationException, which its model does not declare.
    """
    errors = "validation error" if len(problems) == 1 else "validation errors"
    return Refusal("ValidationException", f"{len(problems)} {errors} detected: {'; '.join(problems)}")


def invalid_parameter(message: str = "Request has invalid parameters") -> Refusal:
    """The request is well formed but impossible."""
    return Refusal("InvalidParameterException", message)


def invalid_s3_object() -> Refusal:
    """S3 rejected the request, for any reason; Rekognition gives no details."""
    message = "Unable to get object metadata from S3. Check object key, region and/or access permissions."
    return Refusal("InvalidS3ObjectException", message)


def invalid_image_format() -> Refusal:
    """Neither JPEG nor PNG, or broken."""
    return Refusal("InvalidImageFormatException", "Request has invalid image format")


def image_too_large() -> Refusal:
    """More than 15 MB in S3."""
    return Refusal("ImageTooLargeException", "Image size is too large.")


def no_such_collection(collection_id: str) -> Refusal:
    """This account has no such collection in this region."""
    return Refusal("ResourceNotFoundException", f"The collection id: {collection_id} does not exist")


def collection_exists(collection_id: str) -> Refusal:
    """The name is taken."""
    return Refusal("ResourceAlreadyExistsException", f"The collection id: {collection_id} already exists")


def no_such_resource(arn: str) -> Refusal:
    """An ARN of a resource that does not exist."""
    return Refusal("ResourceNotFoundException", f"The resource {arn} does not exist")


def invalid_token() -> Refusal:
    """A NextToken that this server did not return for this list."""
    return Refusal("InvalidPaginationTokenException", "Invalid Pagination Token")


def access_denied(principal: str, action: str, resource: str) -> Refusal:
    """The caller's policies do not allow it."""
    sentence = (
        f"User: {principal} is not authorized to perform: {action} on resource: {resource} "
        f"because no identity-based policy allows the {action} action"
    )
    return Refusal("AccessDeniedException", sentence)


def too_fast() -> Refusal:
    """Above the quota."""
    return Refusal("ProvisionedThroughputExceededException", "Provisioned Rate exceeded")


STATUSES = {"InternalServerError": 500}
MESSAGES = {
    "AccessDeniedException": "User is not authorized to perform this operation",
    "ImageTooLargeException": "Image size is too large.",
    "InternalServerError": "Internal server error",
    "InvalidImageFormatException": "Request has invalid image format",
    "InvalidParameterException": "Request has invalid parameters",
    "InvalidS3ObjectException": invalid_s3_object().message,
    "ProvisionedThroughputExceededException": "Provisioned Rate exceeded",
    "ServiceQuotaExceededException": "The size of the collection exceeds the allowed limit.",
    "ThrottlingException": "Slow down; sudden increase in rate of requests.",
}


def played(code: str, message: str | None = None, status: int | None = None) -> Refusal:
    """A requested fault, by default with AWS's own message and status."""
    return Refusal(code, message or MESSAGES.get(code, code), status or STATUSES.get(code, 400))
