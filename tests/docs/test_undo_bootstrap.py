"""The organiser's page takes `cdk bootstrap` back with a script to paste. Here it is run."""

import os
import re
import subprocess
from pathlib import Path

import boto3
import pytest

from local_aws.local import PROJECT, LocalAws

PAGE = PROJECT / "docs" / "organiser.md"


@pytest.mark.slow
def test_the_script_leaves_nothing_of_the_bootstrap(tmp_path: Path):
    (script,) = re.findall(r"```sh\n(python - <<'END'\n.*?\nEND)\n```", PAGE.read_text(), re.DOTALL)
    with LocalAws() as aws, aws.adopted():
        aws.bootstrap()
        s3, ecr = boto3.client("s3"), boto3.client("ecr")
        (bucket,) = (each["Name"] for each in s3.list_buckets()["Buckets"])
        for body in (b"first", b"second"):
            s3.put_object(Bucket=bucket, Key="asset.zip", Body=body)
        s3.delete_object(Bucket=bucket, Key="asset.zip")
        assert ecr.describe_repositories()["repositories"]
        ran = subprocess.run(["sh", "-c", script], env=os.environ, capture_output=True, text=True, check=False)
        assert (ran.stdout, ran.returncode) == ("done\n", 0), ran.stderr
        assert s3.list_buckets()["Buckets"] == []
        assert ecr.describe_repositories()["repositories"] == []
        assert "CDKToolkit" not in {
            stack["StackName"] for stack in boto3.client("cloudformation").describe_stacks()["Stacks"]
        }
