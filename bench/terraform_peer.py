"""Terraform with its AWS provider over the same secrets, where both are at hand."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from runs import HOME, REPLICAS, Cost, Place

PLUGINS = "TF_PLUGIN_DIR"
"""Names the folder of providers for `terraform init -plugin-dir`; else it is looked for where Terraform itself does."""
_IMPLIED = (Path.home() / ".terraform.d/plugins", Path("/usr/local/share/terraform/plugins"))
_CONFIGURATION = """
terraform {{
  required_providers {{
    aws = {{ source = "hashicorp/aws" }}
  }}
}}
provider "aws" {{
  region                      = "{home}"
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true
}}
resource "aws_secretsmanager_secret" "app" {{
  count = {secrets}
  name  = format("tf/%05d/db", count.index)
{replicas}
}}
"""


@dataclass(frozen=True, slots=True)
class Terraform:
    """Terraform with a state of secrets that it made in a sandbox."""

    binary: str
    place: Place

    def plan(self) -> Cost:
        """Run a plan that has nothing to do."""
        return self._run("plan", "-detailed-exitcode")

    def prepare(self, plugins: Path, secrets: int) -> None:
        """Make the secrets, with their replicas."""
        replicas = "\n".join(f'  replica {{ region = "{region}" }}' for region in REPLICAS)
        written = _CONFIGURATION.format(home=HOME, secrets=secrets, replicas=replicas)
        (self.place.folder / "main.tf").write_text(written, encoding="utf-8")
        self._run("init", f"-plugin-dir={plugins}")
        self._run("apply", "-auto-approve")

    def _run(self, verb: str, *options: str) -> Cost:
        command = [self.binary, f"-chdir={self.place.folder}", verb, "-no-color", "-input=false", *options]
        return self.place.run(command, env={"CHECKPOINT_DISABLE": "1"})


def at_hand() -> tuple[str, Path] | str:
    """Return Terraform's binary and the folder of its providers, or what is wanting."""
    binary = shutil.which("terraform")
    if binary is None:
        return "terraform is not installed"
    named = os.environ.get(PLUGINS)
    for folder in [Path(named)] if named else _IMPLIED:
        if any(folder.glob("*/hashicorp/aws/*")):
            return binary, folder
    return f"its AWS provider is not at hand; {PLUGINS} names a folder that has it"
