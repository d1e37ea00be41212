"""Variables of other programs that this one does not use: proxies and files of certificates.

The environment and the settings in, warnings out; `examination` calls it. Values are not repeated
where they may carry a password.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from typing import Final

from octane_flows.config import Settings
from octane_flows.doctor.diagnosis import Diagnosis

PROXIES: Final = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")
#: Of curl and of Python's requests. SSL_CERT_FILE and SSL_CERT_DIR are OpenSSL's, which reads them.
CERTIFICATES: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def unused_variables(environ: Mapping[str, str], settings: Settings) -> Iterator[Diagnosis]:
    """A warning for each kind of variable that is set and has no effect."""
    proxies = [
        name
        for proxy in PROXIES
        for name in (proxy, proxy.lower())
        if environ.get(name, "").strip()
    ]
    if proxies and settings.proxy is None:
        yield Diagnosis(
            "network",
            "warning",
            f"{_list(proxies)} set and not used, because the proxy comes from OCTANE_PROXY alone",
            "set OCTANE_PROXY to the same address if the server is reached through it",
        )
    bundles = [name for name in CERTIFICATES if environ.get(name, "").strip()]
    if bundles and settings.ca_file is None:
        yield Diagnosis(
            "network",
            "warning",
            f"{_list(bundles)} set and not used, because certificates come from the system, from "
            "SSL_CERT_FILE and from OCTANE_CA_FILE",
            "set OCTANE_CA_FILE to the same file if the server's certificate needs it",
        )
    path = environ.get("SSL_CERT_FILE", "").strip()
    if path and (reason := _unreadable(path)):
        yield Diagnosis(
            "network",
            "warning",
            f"SSL_CERT_FILE names {path}, which {reason}, so it is not used, and neither are the "
            "system's certificates",
            "correct or unset it, or set OCTANE_CA_FILE to your company's PEM file",
        )


def _unreadable(path: str) -> str | None:
    """Why OpenSSL takes no certificate from a file."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(cafile=path)
    except ssl.SSLError:
        return "holds no certificate"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    return None


def _list(names: list[str]) -> str:
    return f"{' and '.join(names)} {'are' if len(names) > 1 else 'is'}"
