"""The profiles of the AWS configuration, read without boto3 while a line is typed."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping
from configparser import Error, RawConfigParser
from pathlib import Path

_CONFIG = ("AWS_CONFIG_FILE", "~/.aws/config")
_CREDENTIALS = ("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials")


def profile_names(env: Mapping[str, str]) -> list[str]:
    """Return each profile's name once: those of the configuration, then those of the credentials file."""
    return list(dict.fromkeys([*(name for name, _ in _configured(env)), *_parsed(*_CREDENTIALS, env).sections()]))


def profile_region(profile: str | None, env: Mapping[str, str]) -> str | None:
    """Return the Region of that profile, or of the one that the environment names; None where it has none."""
    wanted = profile or env.get("AWS_DEFAULT_PROFILE") or env.get("AWS_PROFILE") or "default"
    return next((region for name, region in _configured(env) if name == wanted and region), None)


def _configured(env: Mapping[str, str]) -> Iterator[tuple[str, str | None]]:
    """Yield the name and the Region of each profile of the configuration: `[default]`, `[profile NAME]`."""
    parser = _parsed(*_CONFIG, env)
    for section in parser.sections():
        try:
            words = shlex.split(section)
        except ValueError:
            continue
        if words == ["default"] or (len(words) == len(("profile", "NAME")) and words[0] == "profile"):
            yield words[-1], parser.get(section, "region", fallback=None)


def _parsed(variable: str, default: str, env: Mapping[str, str]) -> RawConfigParser:
    """Return what can be read of a file that a variable names: all of it, some, or nothing."""
    path = Path(os.path.expandvars(env.get(variable) or default))
    parser = RawConfigParser(strict=False, allow_no_value=True, default_section="")
    try:
        if path.expanduser().is_file():  # a pipe would be waited for
            parser.read_string(path.expanduser().read_text(encoding="utf-8", errors="replace"))
    except (Error, OSError, RuntimeError, ValueError):
        return parser
    return parser
