"""Where Rekognition finds faces, and how many IndexFaces calls a second a new account may make there."""

from typing import Final

INDEX_FACES_PER_SECOND: Final = {
    "ap-northeast-1": 5,
    "ap-northeast-2": 5,
    "ap-south-1": 5,
    "ap-southeast-1": 5,
    "ap-southeast-2": 5,
    "ap-southeast-5": 5,
    "ap-southeast-7": 5,
    "ca-central-1": 5,
    "eu-central-1": 5,
    "eu-south-2": 5,
    "eu-west-1": 50,
    "eu-west-2": 5,
    "il-central-1": 5,
    "sa-east-1": 5,
    "us-east-1": 50,
    "us-east-2": 5,
    "us-gov-west-1": 5,
    "us-west-1": 5,
    "us-west-2": 50,
}
"""Default quota per account and region. Source: AWS General Reference, "Amazon Rekognition endpoints and quotas",
read in November 2026. A region that is not here has no Rekognition collections."""
