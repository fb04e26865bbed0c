"""The environment variables that smrep heeds."""

from __future__ import annotations

from collections.abc import Mapping

from smrep.cli.asking import COMPLETE_AWS

OURS: Mapping[str, str] = {
    "SMREP_PRIMARY_REGION": "Region of the primary, as --primary-region.",
    "SMREP_EXPECT_ACCOUNT": "Account id, as --expect-account: any other account's secret is refused.",
    "SMREP_TIMEOUT": "Duration, as --timeout.",
    "SMREP_OUTPUT": "Format of the result, as --output.",
    "SMREP_COLOR": "auto, always or never, as --color.",
    "SMREP_NO_INPUT": "1 for --no-input: what would have to be confirmed is refused.",
    COMPLETE_AWS: "1 lets a shell's completion ask AWS for secrets and KMS aliases, for one second in all; 2 for two,"
    " and so on. Aliases need kms:ListAliases, which no command does.",
}
"""smrep's own -> what it says."""

AWS: Mapping[str, str] = {
    "AWS_REGION, AWS_DEFAULT_REGION": "Region of the primary, where no ARN, option or variable of smrep's names"
    " one. The profile's Region comes last.",
    "AWS_PROFILE, AWS_DEFAULT_PROFILE": "Profile of the AWS configuration; --profile comes before it.",
    "AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE": "Where that configuration and its credentials are.",
    "AWS_ENDPOINT_URL": "Endpoint to use instead of AWS's own; it is said whenever one is in force.",
    "AWS_USE_FIPS_ENDPOINT": "true for the endpoints of FIPS, which not every Region has.",
    "AWS_CA_BUNDLE, REQUESTS_CA_BUNDLE": "File with the certificates to trust, where a proxy opens TLS.",
}
"""AWS's own that smrep looks at, or tells of; boto3 heeds its others too."""

SURROUNDINGS: Mapping[str, str] = {
    "NO_COLOR, FORCE_COLOR, CLICOLOR_FORCE, TERM": "Colour, where --color is auto; FORCE_COLOR=0 asks for none.",
    "CI": "Progress as plain lines, also on a terminal.",
    "COLUMNS": "How wide a table may be.",
    "GITHUB_ACTIONS, GITHUB_STEP_SUMMARY": "Failed Regions become annotations, the table a step's summary.",
    "AWS_BATCH_JOB_ARRAY_INDEX, JOB_COMPLETION_INDEX": "The shard that --shard auto/N takes, counted from 0.",
}
"""What terminals, CI and schedulers say of themselves."""
