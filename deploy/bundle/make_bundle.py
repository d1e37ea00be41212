"""A folder with all that an installation without internet needs: `make bundle`.

A checkout or an unpacked source distribution in; wheels, `constraints.txt`, `SHA256SUMS`,
`sbom.cdx.json` (CycloneDX 1.6) and `INSTALL.txt` out. It runs on a machine that reaches PyPI and
has the system and Python version of the site's machines, since wheels differ by both.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import shutil
import subprocess
import sys
import uuid
import zipfile
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXTRAS = "dagster"
INSTALL = """How to install octane-flows from this folder, without internet
==============================================================

The folder was made for {platform}.

1. Copy the folder to the machine, and compare it with its checksums:

       cd {name} && sha256sum --check SHA256SUMS

   On Windows: Get-FileHash -Algorithm SHA256 FILE, and compare with SHA256SUMS.

2. Install, with Python {python}:

       python3 -m venv /opt/octane-flows
       /opt/octane-flows/bin/pip install --no-index --find-links . -c constraints.txt \\
           'octane-flows[{extras}]'

   On Windows the program is Scripts\\pip.

3. Try it; this needs no server and no internet:

       /opt/octane-flows/bin/octane-flows demo --home /tmp/octane-demo

sbom.cdx.json lists every package with its version, licence and checksum, for your scanner.
"""


def main() -> int:
    """Make the bundle; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=ROOT / "dist" / "bundle")
    parser.add_argument("--extras", default=EXTRAS, help="such as dagster,notebook,bucket")
    parser.add_argument("--more", nargs="*", default=[], help="further packages of your own")
    arguments = parser.parse_args()
    folder = arguments.output.resolve()
    if folder.exists() and any(folder.iterdir()) and not (folder / "SHA256SUMS").is_file():
        print(f"{folder} holds files that no bundle is; name another --output.", file=sys.stderr)
        return 2
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    shutil.copyfile(ROOT / "constraints.txt", folder / "constraints.txt")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    wheel = [*pip, "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(ROOT)]
    if subprocess.run(wheel, check=False).returncode:
        return 1
    [built] = folder.glob("octane_flows-*.whl")
    # A wheel for each package: a source distribution would need a compiler on the site's machine.
    download = [*pip, "download", "--quiet", "--only-binary", ":all:", "--dest", str(folder)]
    download += ["-c", str(ROOT / "constraints.txt"), f"{built}[{arguments.extras}]"]
    if subprocess.run([*download, *arguments.more], check=False).returncode:
        return 1
    write_papers(folder, arguments.extras)
    count = len(list(folder.glob("*.whl")))
    print(f"{folder}: {count} wheels; INSTALL.txt says what to do with them")
    return 0


def write_papers(folder: Path, extras: str) -> None:
    """Write the bill of materials, the instructions and the checksums of a folder of wheels."""
    bill = bill_of_materials(sorted(folder.glob("*.whl")))
    (folder / "sbom.cdx.json").write_text(json.dumps(bill, indent=1) + "\n", encoding="utf-8")
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    text = INSTALL.format(platform=sys.platform, python=python, name=folder.name, extras=extras)
    (folder / "INSTALL.txt").write_text(text, encoding="utf-8")
    files = sorted(path for path in folder.iterdir() if path.name != "SHA256SUMS")
    sums = "".join(f"{_digest(path)}  {path.name}\n" for path in files)
    (folder / "SHA256SUMS").write_text(sums, encoding="utf-8")


def bill_of_materials(wheels: list[Path]) -> dict[str, object]:
    """A CycloneDX document about wheels; the product is its subject, the others its parts."""
    components = [_component(wheel) for wheel in wheels]
    subject = [each for each in components if each["name"] == "octane-flows"]
    parts = [each for each in components if each["name"] != "octane-flows"]
    seed = "\n".join(str(each["bom-ref"]) for each in components)
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": uuid.uuid5(uuid.NAMESPACE_URL, seed).urn,
        "version": 1,
        "metadata": {"component": {**subject[0], "type": "application"}} if subject else {},
        "components": parts,
        "dependencies": [
            {
                "ref": each["bom-ref"],
                "dependsOn": sorted(str(part["bom-ref"]) for part in parts),
            }
            for each in subject
        ],
    }


def _component(wheel: Path) -> dict[str, object]:
    metadata = _metadata(wheel)
    name = re.sub(r"[-_.]+", "-", metadata["Name"]).lower()
    version = metadata["Version"]
    purl = f"pkg:pypi/{name}@{version}"
    component: dict[str, object] = {
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": version,
        "purl": purl,
        "hashes": [{"alg": "SHA-256", "content": _digest(wheel)}],
    }
    if summary := metadata.get("Summary"):
        component["description"] = summary
    if expression := metadata.get("License-Expression"):
        component["licenses"] = [{"expression": expression}]
    elif names := _licence_names(metadata):
        component["licenses"] = [{"license": {"name": each}} for each in names]
    return component


def _licence_names(metadata: Message) -> list[str]:
    """The licences that classifiers name, else the first line of the licence itself."""
    marks = [text.split(" :: ") for text in metadata.get_all("Classifier") or ()]
    names = [mark[-1] for mark in marks if mark[0] == "License" and len(mark) > 2]
    text = (metadata.get("License") or "").strip()
    return names or ([text.splitlines()[0][:100]] if text else [])


def _metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        [name] = [
            name
            for name in archive.namelist()
            if name.endswith(".dist-info/METADATA") and name.count("/") == 1
        ]
        return HeaderParser().parsestr(archive.read(name).decode("utf-8"))


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


if __name__ == "__main__":
    sys.exit(main())
