"""Secrets that stand in files, and the sentences where they do not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from octane_flows.config import ApiKey, load_settings
from octane_flows.config.secret_files import FILE_SECRETS, read_secret_files
from octane_flows.errors import UsageError

SETTINGS = {
    "OCTANE_URL": "https://octane.example.com",
    "OCTANE_SHARED_SPACE": "1001",
    "OCTANE_CLIENT_ID": "reader",
}


def test_the_secret_of_a_file_is_used_and_shown_nowhere(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("c4nary\n", encoding="utf-8")

    settings = load_settings({**SETTINGS, "OCTANE_CLIENT_SECRET_FILE": str(file)})

    assert isinstance(settings.credentials, ApiKey)
    assert settings.credentials.client_secret.reveal() == "c4nary"
    assert "c4nary" not in repr(settings)


@pytest.mark.parametrize("name", FILE_SECRETS)
def test_each_secret_may_stand_in_a_file(name: str, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("  c4nary\r\n", encoding="utf-8")

    assert read_secret_files({f"OCTANE_{name.upper()}_FILE": str(file)}) == {name: "c4nary"}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "does not hold a secret in one line"),
        (b"\n", "does not hold a secret in one line"),
        (b"c4nary\nmore", "does not hold a secret in one line"),
        (b"\xffc4nary", "does not hold a secret in one line"),
        (b"x" * 70_000, "does not hold a secret in one line"),
        (None, "cannot be read"),
    ],
)
def test_a_file_without_a_secret_is_one_sentence(
    content: bytes | None, sentence: str, tmp_path: Path
) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(UsageError, match=sentence) as raised:
        load_settings({**SETTINGS, "OCTANE_CLIENT_SECRET_FILE": str(file)})

    assert "c4nary" not in str(raised.value)


def test_a_pipe_is_refused_and_a_secret_stands_in_one_place(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(UsageError, match="which is no file"):
        read_secret_files({"OCTANE_TOKEN_FILE": str(pipe)})
    with pytest.raises(UsageError, match="are both set"):
        read_secret_files({"OCTANE_TOKEN_FILE": str(pipe), "OCTANE_TOKEN": "c4nary"})
