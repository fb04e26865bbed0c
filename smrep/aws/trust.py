"""TLS that can't be trusted, and the bundle of certificates that decides it: which file, and why not."""

from __future__ import annotations

import os
from pathlib import Path
from ssl import SSLCertVerificationError
from typing import Any

from botocore.httpsession import create_urllib3_context, get_cert_path

from smrep.errors import CannotSend
from smrep.urls import shown

_VARIABLES = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE")
_TIMES = {9: "it is not valid yet", 10: "it has expired"}
_OTHER_HOST = 62
"""OpenSSL's numbers, since its words may hold any. Source: x509_vfy.h."""


def check_bundle(url: str, verify: Any) -> None:
    """Refuse to send to an endpoint of TLS where the file with the certificates to trust is not there.

    `verify` is botocore's word for it: a path, or whether to look at all.

    Raises:
        CannotSend: it is not there.

    """
    if isinstance(verify, str | os.PathLike) and url.lower().startswith("https:") and not Path(verify).is_file():
        raise _no_bundle(str(verify), "is not a file" if Path(verify).exists() else "does not exist")


def distrust(error: BaseException, url: str, verify: Any) -> CannotSend | None:
    """Return why TLS can't be trusted where that is what the error comes from, None otherwise."""
    cause: BaseException | None = error
    while cause is not None:
        number = cause.verify_code if isinstance(cause, SSLCertVerificationError) else None
        if type(cause).__name__ == "CertificateError":  # urllib3's own, for a host that is not in the certificate
            number = _OTHER_HOST
        if number is not None:
            return _untrusted(number, url, str(get_cert_path(verify)))
        cause = cause.__cause__ or cause.__context__
    if isinstance(verify, str | os.PathLike) and "SSL" in type(error).__name__:
        try:
            create_urllib3_context().load_verify_locations(cafile=str(verify))
        except OSError:
            return _no_bundle(str(verify), "holds no certificates that can be read")
    return None


def _no_bundle(path: str, what: str) -> CannotSend:
    variable = next((name for name in _VARIABLES if os.environ.get(name) == path), None)
    by = f"which {variable or 'ca_bundle in the profile'} names"
    hint = f"name the file that has your certificates, or do without: unset {variable}" if variable else None
    return CannotSend(
        f"the CA bundle {path}, {by}, {what}",
        "",
        hint or "take ca_bundle out of the profile, or name a file that is there",
        code="CaBundle",
    )


def _untrusted(number: int, url: str, bundle: str) -> CannotSend:
    if number in _TIMES:
        why, hint = _TIMES[number], "set this machine's clock if it is wrong: date -u"
    elif number == _OTHER_HOST:
        why, hint = "it is for another host", "check the endpoint, and the proxy if there is one"
    else:
        why = f"whoever signed it is not in {bundle}"
        hint = (
            "where a company's proxy opens TLS, name a file with its certificate: "
            "export AWS_CA_BUNDLE=/path/to/company-ca.pem"
        )
    return CannotSend(f"the certificate of {shown(url)} is not trusted: {why}", "", hint, code="UntrustedCertificate")
