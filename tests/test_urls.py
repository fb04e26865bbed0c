"""URLs as they may be shown."""

import pytest

from smrep.model import shown_url


@pytest.mark.parametrize(
    ("url", "visible"),
    [
        ("http://127.0.0.1:4566", "http://127.0.0.1:4566"),
        ("https://vpce-1.secretsmanager.us-east-1.vpce.amazonaws.com/x/y", None),
        ("http://[::1]:4566/", None),
        ("http://user:secret@host:80/path", "http://host:80/path"),
        ("http://user:se@cret@host", "http://host"),
        ("https://user:https@host", "https://host"),
        ("https://host/path?token=secret#secret", "https://host/path"),
        ("http://user:p@secret#1@host", "http://***"),
        ("http://user:secret/1@host", "http://***"),
        ("http://secret?1@host", "http://***"),
        ("http://user:secret", "http://***"),
        ("http://user:se\ncret@host", "http://host"),
        ("user:secret@host", "***"),
        ("htp://secret", "***"),
    ],
)
def test_a_url_is_shown_without_what_may_be_a_password_or_a_token(url: str, visible: str | None) -> None:
    assert shown_url(url) == (visible or url)
