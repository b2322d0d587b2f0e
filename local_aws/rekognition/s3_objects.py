"""Reads the photo that a request names by bucket and key from S3, as the caller."""

from dataclasses import dataclass
from urllib.parse import quote

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import HTTPClientError
from botocore.httpsession import URLLib3Session

from local_aws.emulator import SECRET
from local_aws.rekognition.pictures import LARGEST_IN_S3
from local_aws.rekognition.refusal import image_too_large, invalid_s3_object


@dataclass(frozen=True, slots=True)
class Caller:
    """The caller who signed the request, with enough data to call another emulated service as that caller.

    A request does not contain the secret, but in the local AWS all callers have the same one.
    """

    access_key: str
    region: str
    session_token: str | None = None

    @property
    def credentials(self) -> Credentials:
        """The credentials for a request as the caller."""
        return Credentials(self.access_key, SECRET, self.session_token)


class S3Objects:
    """Reads from the S3 at `endpoint`. With None there is no S3, and every object is rejected.

    It uses a signed request instead of a boto3 client, so that the developer's own profile, proxy and settings do not
    apply.
    """

    def __init__(self, endpoint: str | None) -> None:
        self._endpoint = endpoint
        self._http = URLLib3Session(timeout=30, max_pool_connections=32)

    def read(self, caller: Caller, bucket: str, key: str, version: str | None) -> bytes:
        """An object's bytes, as the caller.

        Raises Refusal: InvalidS3ObjectException if S3 rejects the request, ImageTooLargeException above 15 MB.
        """
        if self._endpoint is None:
            raise invalid_s3_object()
        request = AWSRequest(
            "GET",
            f"{self._endpoint}/{bucket}/{quote(key, safe='/~')}",
            params={"versionId": version} if version else {},
            stream_output=True,
        )
        S3SigV4Auth(caller.credentials, "s3", caller.region).add_auth(request)
        try:
            answer = self._http.send(request.prepare())
            if answer.status_code != 200:
                answer.raw.close()
                raise invalid_s3_object()
            if int(answer.headers.get("Content-Length", 0)) > LARGEST_IN_S3:
                answer.raw.close()
                raise image_too_large()
            file: bytes = answer.content
        except HTTPClientError as error:
            raise invalid_s3_object() from error
        return file
