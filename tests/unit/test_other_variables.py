"""The doctor names variables of other programs that are set and have no effect."""

from __future__ import annotations

from pathlib import Path

import pytest

from octane_flows.config import load_settings
from octane_flows.doctor.other_variables import unused_variables

SETTINGS = {
    "OCTANE_URL": "https://octane.example.com",
    "OCTANE_SHARED_SPACE": "1001",
    "OCTANE_CLIENT_ID": "reader",
    "OCTANE_CLIENT_SECRET": "c4nary",
}


def lines(**variables: str) -> list[str]:
    environ = {**SETTINGS, **variables}
    return [diagnosis.line for diagnosis in unused_variables(environ, load_settings(environ))]


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "http_proxy"])
def test_a_proxy_of_other_programs_is_named_without_its_password(name: str) -> None:
    assert lines(**{name: "http://ada:s3cret@proxy:8080"}) == [
        f"warning network      {name} is set and not used, because the proxy comes from "
        "OCTANE_PROXY alone; set OCTANE_PROXY to the same address if the server is reached "
        "through it"
    ]


def test_the_remedy_ends_the_warning() -> None:
    assert lines(HTTPS_PROXY="http://proxy:8080", OCTANE_PROXY="http://proxy:8080") == []


def test_several_variables_are_one_warning() -> None:
    (line,) = lines(HTTPS_PROXY="http://proxy:8080", HTTP_PROXY="http://proxy:8080")

    assert "HTTPS_PROXY and HTTP_PROXY are set and not used" in line


def test_bundles_of_other_programs_are_named(tmp_path: Path) -> None:
    (line,) = lines(REQUESTS_CA_BUNDLE="/etc/company.pem")

    assert "REQUESTS_CA_BUNDLE is set and not used" in line
    assert "set OCTANE_CA_FILE to the same file" in line


def test_a_file_of_certificates_is_named_where_openssl_takes_nothing_from_it(
    tmp_path: Path,
) -> None:
    empty = tmp_path / "empty.pem"
    empty.touch()

    assert (
        "empty.pem, which holds no certificate, so it is not used"
        in lines(SSL_CERT_FILE=str(empty))[0]
    )
    assert (
        "which cannot be read (No such file or directory)"
        in lines(SSL_CERT_FILE=str(tmp_path / "none.pem"))[0]
    )


def test_a_file_of_certificates_that_openssl_uses_is_no_warning() -> None:
    certifi = pytest.importorskip("certifi")  # of Dagster's requests

    assert lines(SSL_CERT_FILE=certifi.where()) == []


def test_nothing_is_said_where_nothing_is_set() -> None:
    assert lines(HTTPS_PROXY="", NO_PROXY="localhost") == []
