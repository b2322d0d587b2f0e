"""Waits for Rekognition and moves the same bytes from and to S3, and nothing else: what no code of ours can avoid."""

import os
from urllib.parse import unquote_plus

import boto3

COLLECTION_ID = os.environ["COLLECTION_ID"]
PROCESSED_BUCKET = os.environ["PROCESSED_BUCKET"]

s3 = boto3.client("s3")
rekognition = boto3.client("rekognition")


def handle(event, context):  # noqa: ARG001
    announced = event["Records"][0]["s3"]
    bucket, key = announced["bucket"]["name"], unquote_plus(announced["object"]["key"])
    rekognition.index_faces(
        CollectionId=COLLECTION_ID,
        Image={"S3Object": {"Bucket": bucket, "Name": key}},
        DetectionAttributes=["ALL"],
        MaxFaces=100,
    )
    photo = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    s3.put_object(Bucket=PROCESSED_BUCKET, Key=key, Body=photo, ContentType="image/jpeg")
