"""Photos that a request names by bucket and key: read from S3 as the caller."""

import functools
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from local_aws.rekognition.pictures import LARGEST_IN_S3
from local_aws.rekognition.refusal import image_too_large, invalid_s3_object

if TYPE_CHECKING:  # the stubs are a development tool
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True, slots=True)
class Caller:
    """Who signed the request: enough to ask another emulated service in their name.

    The secret never travels, so the signature is not the caller's; emulators do not check it.
    """

    access_key: str
    region: str
    session_token: str | None = None


class S3Objects:
    """Reads from the S3 at `endpoint`; with None there is no S3 and every object is refused."""

    def __init__(self, endpoint: str | None) -> None:
        self._endpoint = endpoint
        self._making = threading.Lock()  # boto3 clients may be shared by threads, but not made by several at once
        self._client = functools.lru_cache(maxsize=64)(self._new_client)

    def read(self, caller: Caller, bucket: str, key: str, version: str | None) -> bytes:
        """An object's bytes, as the caller.

        Raises Refusal: InvalidS3ObjectException for anything S3 refuses, ImageTooLargeException above 15 MB.
        """
        if self._endpoint is None:
            raise invalid_s3_object()
        with self._making:
            client = self._client(caller)
        try:
            which = {"Bucket": bucket, "Key": key} | ({"VersionId": version} if version else {})
            answer = client.get_object(**which)  # type: ignore[arg-type]
            if answer["ContentLength"] > LARGEST_IN_S3:
                answer["Body"].close()
                raise image_too_large()
            return answer["Body"].read()
        except (BotoCoreError, ClientError) as error:
            raise invalid_s3_object() from error

    def _new_client(self, caller: Caller) -> "S3Client":
        client: S3Client = boto3.session.Session().client(
            "s3",
            endpoint_url=self._endpoint,
            region_name=caller.region,
            aws_access_key_id=caller.access_key,
            aws_secret_access_key="not-checked",  # noqa: S106 (see Caller)
            aws_session_token=caller.session_token,
            config=Config(
                s3={"addressing_style": "path"}, connect_timeout=5, read_timeout=30, retries={"total_max_attempts": 2}
            ),
        )
        return client
