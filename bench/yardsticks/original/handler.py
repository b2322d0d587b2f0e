"""What the 2019 workshop's handler does, in its order; rewritten for comparison."""

import os
from urllib.parse import unquote_plus

import boto3
import cv2

COLLECTION_ID = os.environ["COLLECTION_ID"]
PROCESSED_BUCKET = os.environ["PROCESSED_BUCKET"]


def handle(event, context):  # noqa: ARG001
    s3 = boto3.resource("s3")
    rekognition = boto3.client("rekognition")
    announced = event["Records"][0]["s3"]
    bucket, key = announced["bucket"]["name"], unquote_plus(announced["object"]["key"])

    answer = rekognition.index_faces(
        CollectionId=COLLECTION_ID,
        Image={"S3Object": {"Bucket": bucket, "Name": key}},
        DetectionAttributes=["ALL"],
        MaxFaces=100,
    )
    path = "{}/{}".format(os.environ["TMPDIR"], os.path.basename(key))  # noqa: PTH119
    s3.Bucket(bucket).download_file(key, path)
    picture = cv2.imread(path)
    height, width = picture.shape[:2]
    for record in answer["FaceRecords"]:
        box = record["FaceDetail"]["BoundingBox"]
        left, top = int(box["Left"] * width), int(box["Top"] * height)
        right, bottom = int(left + box["Width"] * width), int(top + box["Height"] * height)
        cv2.rectangle(picture, (left, top), (right, bottom), (0, 255, 0), 2)
    cv2.imwrite(path, picture)
    s3.Bucket(PROCESSED_BUCKET).upload_file(path, key)
    return {"faces": len(answer["FaceRecords"])}
