"""cdk-nag's AwsSolutions and cfn-lint. Every accepted finding has its reason here."""

import subprocess
import sys
from pathlib import Path

FAMILY = "arn:aws:rekognition:ap-southeast-2:111122223333:collection/ShowYourEmotions-simon-Foundation.*"
EXPORTS = "Resource::ShowYourEmotions-simon-Foundation:ExportsOutputFnGetAtt"
OBJECTS = "The wildcard stands for the objects of the workshop's own bucket, whose names people choose."
ACCEPTED = {
    ("AwsSolutions-S1", "Foundation/Photos/Raw/Resource"): (
        "Access logs arrive hours late, so their bucket could not be emptied and deleted with the stack "
        "(aws/aws-cdk #21776); photos are kept for a day."
    ),
    ("AwsSolutions-S1", "Foundation/Photos/Processed/Resource"): "As for the raw bucket.",
    ("AwsSolutions-L1", "Foundation/Faces/Provider/Resource"): (
        "Python 3.13 as in the annotator's image: one Python everywhere, with security updates until 2029."
    ),
    (
        f"AwsSolutions-IAM5[Resource::{FAMILY}]",
        "Foundation/Faces/Identity/Role/DefaultPolicy/Resource",
    ): "All ids with this stack's prefix: after a replacement, the new policy must allow deleting the old collection.",
    ("AwsSolutions-L1", "Wall/Door/Resource"): "As for the custom resource.",
    ("AwsSolutions-APIG1", "Wall/Stage/Resource"): (
        "Access logs would hold guests' tickets and the evening's key, which are in the addresses."
    ),
    **{
        ("AwsSolutions-APIG4", f"Wall/Api/{route}/Resource"): "Guests have no account; the door checks key and ticket."
        for route in (
            "GET--",
            "POST--photos",
            "GET--photos--{id}",
            "GET--photos--{id}--picture",
            "DELETE--photos--{id}",
        )
    },
    **{
        (f"AwsSolutions-IAM5[{EXPORTS}{part}]", "Wall/Identity/Role/DefaultPolicy/Resource"): OBJECTS
        for part in (
            "PhotosRaw6DCB45E6Arn904BC202/wall/*",
            "PhotosProcessedFE5A12A9ArnAD39A350/pictures/wall/*",
            "PhotosProcessedFE5A12A9ArnAD39A350/results/wall/*",
            "PhotosProcessedFE5A12A9ArnAD39A350/wall/taken/*",
        )
    },
    **{
        (f"AwsSolutions-IAM5[{EXPORTS}{part}]", "Serverless/Annotator/Identity/Role/DefaultPolicy/Resource"): OBJECTS
        for part in (
            "PhotosRaw6DCB45E6Arn904BC202/*",
            "PhotosProcessedFE5A12A9ArnAD39A350/pictures/*",
            "PhotosProcessedFE5A12A9ArnAD39A350/results/*",
        )
    },
}


def test_cdk_nag_finds_only_accepted_findings(assembly):
    assert assembly.nag_findings() == ACCEPTED.keys()


def test_cfn_lint_finds_nothing(assembly):
    """W3005: CDK itself repeats dependencies that a GetAtt implies."""
    templates = [str(assembly.folder / f"{stack}.template.json") for stack in ("Foundation", "Serverless", "Wall")]
    cfn_lint = Path(sys.executable).with_name("cfn-lint")
    linted = subprocess.run(
        [cfn_lint, "--ignore-checks", "W3005", "--", *templates], capture_output=True, text=True, check=False
    )
    assert (linted.returncode, linted.stdout, linted.stderr) == (0, "", "")
