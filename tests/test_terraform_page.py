"""docs/terraform.md: its command pasted into a shell; what Terraform makes of it is looked at in tests/peers."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from fixtures import ROOT, Sandbox
from hcl_reader import read
from typed_pages import paste

from smrep.sandbox.seed import seed_sample

PAGE = (ROOT / "docs/terraform.md").read_text()


def test_the_page_is_short() -> None:
    assert len(PAGE.splitlines()) <= 60


@pytest.mark.docs
def test_its_command_works(make_sandbox: Callable[..., Sandbox], tmp_path: Path) -> None:
    (line,) = re.findall(r"^smrep export .*", PAGE, re.MULTILINE)
    sandbox = make_sandbox()
    seed_sample(sandbox.simulator)
    done = paste(sandbox, line, tmp_path)
    assert done.returncode == 0, done.stderr
    heads = {each.head for each in read((tmp_path / "secrets.tf").read_text()).blocks}
    assert {"import", 'resource "aws_secretsmanager_secret" "prod_payments_stripe"'} <= heads


def test_a_secret_is_called_what_the_page_says() -> None:
    from smrep.rules.manifest.terraform import identifiers

    (name, identifier), *rest = re.findall(r"`([\w/]+)` becomes `(\w+)`", PAGE)
    assert (identifiers([name]), rest) == ({name: identifier}, [])
