"""Notebooks, documents and operators' files are copied as they are, and never over a user's."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from octane_flows.cli import app
from octane_flows.errors import OctaneFlowsError, UsageError
from octane_flows.shipped_files import copy_shipped, shipped_folder

ROOT = Path(__file__).resolve().parents[2]


def test_the_notebooks_are_copied(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["notebooks", str(tmp_path / "mine")])

    names = {path.name for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert {path.name for path in (tmp_path / "mine").iterdir()} == names
    assert result.exit_code == 0
    assert f"jupyter lab {tmp_path / 'mine'}" in result.output


def test_documents_and_operators_files_are_copied_with_their_folders(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["site-files", str(tmp_path)])

    assert result.exit_code == 0
    for name in ("docs/company.md", "docs/er/defects.svg", "deploy/kubernetes/dagster.yaml"):
        assert (tmp_path / name).read_bytes() == (ROOT / name).read_bytes()


def test_a_users_changes_are_kept_unless_asked(tmp_path: Path) -> None:
    (tmp_path / "tour.ipynb").write_text("mine")

    with pytest.raises(UsageError, match=r"tour\.ipynb exists already.*--overwrite"):
        copy_shipped("notebooks", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["tour.ipynb"]

    copy_shipped("notebooks", tmp_path, overwrite=True)
    assert (tmp_path / "tour.ipynb").read_text("utf-8") != "mine"


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(UsageError, match="name a folder"):
        copy_shipped("notebooks", tmp_path / "file")


def test_an_installation_has_its_own_copy(tmp_path: Path) -> None:
    package = tmp_path / "site-packages" / "octane_flows"
    (package / "_notebooks").mkdir(parents=True)

    assert shipped_folder("notebooks", package) == package / "_notebooks"
    with pytest.raises(OctaneFlowsError, match="install octane-flows again"):
        shipped_folder("docs", package)


def test_what_operators_keep_secret_is_not_copied(tmp_path: Path) -> None:
    source = tmp_path / "octane_flows"
    (source / "_deploy").mkdir(parents=True)
    (source / "_deploy" / "secrets.env").write_text("secret")
    (source / "_deploy" / "settings.env").write_text("open")

    copies = copy_shipped("deploy", tmp_path / "copies", package=source)

    assert [path.name for path in copies] == ["settings.env"]
