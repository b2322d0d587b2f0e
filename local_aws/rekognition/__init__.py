"""A Rekognition-compatible server on loopback that really finds faces and recognises expressions.

Read server.py for how to run it, then operations.py for its answers. looking.py and eyes.py find the faces, and
face_detail.py describes the source of each attribute.

The account is the caller's access key when that has 12 digits, and each account and region has its own collections.
Faces and their ids live in memory and end with the server.
"""

from local_aws.rekognition.conditions import Conditions, Fault
from local_aws.rekognition.server import RekognitionServer, account_of

__all__ = ["Conditions", "Fault", "RekognitionServer", "account_of"]
