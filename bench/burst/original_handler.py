"""The function of the 2019 workshop's design, in its style but without its bugs: the yardstick, deployed by no stack.

Clients are made in the handler, with the SDK's default retries; the largest face is indexed by the photo's name.
"""

import os
import tempfile
from urllib.parse import unquote_plus

import boto3
import cv2

PROCESSED_BUCKET = os.environ["PROCESSED_BUCKET"]
COLLECTION_ID = os.environ["COLLECTION_ID"]


def lambda_handler(event, context):
    s3 = boto3.client("s3")
    rekognition = boto3.client("rekognition")
    uploaded = event["Records"][0]["s3"]
    bucket = uploaded["bucket"]["name"]
    key = unquote_plus(uploaded["object"]["key"])

    answer = rekognition.index_faces(
        CollectionId=COLLECTION_ID,
        Image={"S3Object": {"Bucket": bucket, "Name": key}},
        ExternalImageId=key,
        MaxFaces=1,
        DetectionAttributes=["ALL"],
    )

    path = os.path.join(tempfile.gettempdir(), key)
    s3.download_file(bucket, key, path)
    img = cv2.imread(path)
    height, width = img.shape[:2]
    for record in answer["FaceRecords"]:
        box = record["FaceDetail"]["BoundingBox"]
        left, top = int(box["Left"] * width), int(box["Top"] * height)
        right, bottom = left + int(box["Width"] * width), top + int(box["Height"] * height)
        cv2.rectangle(img, (left, top), (right, bottom), (0, 255, 0), 2)
        emotion = max(record["FaceDetail"]["Emotions"], key=lambda one: one["Confidence"])["Type"]
        cv2.putText(img, emotion, (left, top), cv2.FONT_HERSHEY_SIMPLEX, 1, (0, 255, 0), 2, cv2.LINE_AA)
    cv2.imwrite(path, img)
    s3.upload_file(path, PROCESSED_BUCKET, key)
    os.remove(path)
    return {"faces": [record["Face"]["FaceId"] for record in answer["FaceRecords"]]}
