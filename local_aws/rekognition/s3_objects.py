"""Photos that a request names by bucket and key: read from S3 as the caller."""

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
    """Who signed the request: enough to ask another emulated service in their name.

    The secret never travels; in the local AWS it is the same for everybody.
    """

    access_key: str
    region: str
    session_token: str | None = None

    @property
    def credentials(self) -> Credentials:
        """What a request in their name is signed with."""
        return Credentials(self.access_key, SECRET, self.session_token)


class S3Objects:
    """Reads from the S3 at `endpoint`; with None there is no S3 and every object is refused.

    A signed request rather than a boto3 client: the developer's own profile, proxy and settings have no say in it.
    """

    def __init__(self, endpoint: str | None) -> None:
        self._endpoint = endpoint
        self._http = URLLib3Session(timeout=30, max_pool_connections=32)

    def read(self, caller: Caller, bucket: str, key: str, version: str | None) -> bytes:
        """An object's bytes, as the caller.

        Raises Refusal: InvalidS3ObjectException for anything S3 refuses, ImageTooLargeException above 15 MB.
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
