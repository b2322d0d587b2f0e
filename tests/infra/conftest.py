"""Both stacks, synthesised once for all tests: with default settings, and with every setting changed."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks

from app import compose
from infra.settings import WorkshopSettings

PROJECT = Path(__file__).parents[2]
ACCOUNT, REGION = "111122223333", "ap-southeast-2"


def cdk_context() -> dict[str, Any]:
    """The context that the CDK CLI passes to the app; `App()` alone ignores cdk.json."""
    return json.loads((PROJECT / "cdk.json").read_text())["context"]


@dataclass(frozen=True)
class Assembly:
    """The output of a synth."""

    folder: Path

    def template(self, stack: str) -> dict[str, Any]:
        return json.loads((self.folder / f"{stack}.template.json").read_text())

    @property
    def resources(self) -> dict[str, dict[str, Any]]:
        """Every resource of both stacks, as "Stack/LogicalId"."""
        return {
            f"{stack}/{logical_id}": resource
            for stack in ("Foundation", "Serverless")
            for logical_id, resource in self.template(stack)["Resources"].items()
        }

    def of_type(self, type_: str) -> dict[str, dict[str, Any]]:
        return {name: resource for name, resource in self.resources.items() if resource["Type"] == type_}

    def one(self, type_: str, containing: str = "") -> dict[str, Any]:
        (resource,) = (r for name, r in self.of_type(type_).items() if containing in name)
        return resource["Properties"]

    def images(self) -> list[dict[str, Any]]:
        assets = json.loads((self.folder / "Serverless.assets.json").read_text())
        return [image["source"] for image in assets["dockerImages"].values()]

    def asset_files(self, containing: str) -> set[str]:
        """The files of the one staged asset that holds a file named `containing`, relative to it."""
        (root,) = (a for a in self.folder.glob("asset.*") if a.is_dir() and any(a.rglob(containing)))
        return {str(file.relative_to(root)) for file in root.rglob("*") if file.is_file()}

    def asset_zip(self, containing: str) -> Path:
        """The one asset that is a zip file with a file of this name."""
        (found,) = (a for a in self.folder.glob("asset.*.zip") if containing in ZipFile(a).namelist())
        return found

    def nag_findings(self) -> set[tuple[str, str]]:
        """cdk-nag's findings as (rule, construct path)."""
        report = json.loads((self.folder / "validation-report.json").read_text())
        return {
            (violation["ruleName"], construct["constructPath"])
            for plugin in report["pluginReports"]
            if plugin["pluginName"] == "AwsSolutions"
            for violation in plugin["violations"]
            for construct in violation["violatingConstructs"]
        }


def synthesise(folder: Path, context: dict[str, Any], *, nag: bool) -> Assembly:
    app = App(context=cdk_context(), outdir=str(folder))
    compose(app, WorkshopSettings.from_context(context, REGION), ACCOUNT)
    if nag:
        Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    try:
        app.synth()
    except RuntimeError as refused:
        # cdk-nag's findings make the synth fail after it has written the templates; test_rules.py checks them.
        if "ValidationFailed" not in str(refused):
            raise
    return Assembly(folder)


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """The stacks with default settings, checked by cdk-nag."""
    return synthesise(tmp_path_factory.mktemp("cdk.out"), {"attendee": "simon"}, nag=True)


@pytest.fixture(scope="session")
def another_assembly(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """The stacks with no setting at its default."""
    context = {
        "attendee": "simon-2",
        "keep_days": "7",
        "long_edge": "0",
        "memory": "1024",
        "max_concurrency": "3",
        "architecture": "arm64",
        "tags": "team=cloud",
    }
    return synthesise(tmp_path_factory.mktemp("another.cdk.out"), context, nag=False)
