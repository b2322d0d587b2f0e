"""A Rekognition-compatible server on loopback that really finds faces and recognises expressions.

Read server.py for how to run it, then operations.py for its answers. looking.py and eyes.py find the faces, and
face_detail.py describes the source of each attribute.

An access key of 12 digits is the caller's account. Each account and region has its own collections. Faces, ids and
descriptors are kept in memory and end with the server.
"""

from local_aws.rekognition.conditions import Conditions, Fault
from local_aws.rekognition.server import RekognitionServer, account_of

__all__ = ["Conditions", "Fault", "RekognitionServer", "account_of"]
