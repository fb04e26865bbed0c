"""What `make demo-continuous` runs in the sandbox: one secret is born, another gets a tag, and nobody runs smrep."""

import sys
import time

import boto3

secrets_manager = boto3.client("secretsmanager")


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def wait_until_protected(name: str) -> None:
    """Wait until every replica that the manifest wants is in sync, and say so."""
    shown, deadline = "", time.monotonic() + 60
    while "InSync" not in shown or "InProgress" in shown:
        if time.monotonic() > deadline:
            sys.exit(f"{name} is not protected after a minute")
        time.sleep(0.2)
        replicas = secrets_manager.describe_secret(SecretId=name).get("ReplicationStatus", [])
        states = ", ".join(f"{replica['Region']} {replica['Status']}" for replica in replicas) or "no replica"
        if states != shown:
            say(f"  {name}: {states}")
        shown = states


say("$ aws secretsmanager create-secret --name prod/payments/api ...")
secrets_manager.create_secret(Name="prod/payments/api", SecretString="not a real one")
wait_until_protected("prod/payments/api")

say("$ aws secretsmanager create-secret --name reports/ftp ...        # no rule selects it yet")
secrets_manager.create_secret(Name="reports/ftp", SecretString="not a real one")
say("$ aws secretsmanager tag-resource --secret-id reports/ftp --tags Key=dr,Value=true")
secrets_manager.tag_resource(SecretId="reports/ftp", Tags=[{"Key": "dr", "Value": "true"}])
wait_until_protected("reports/ftp")
