"""Which format a result file has, from its content, and which reader reads it.

The first bytes of a file in, the name of a format out; `read_results` asks. `FORMATS` lists the
names that `--format` takes.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from typing import BinaryIO

from octane_flows.results.ctest_xml import read_ctest
from octane_flows.results.cucumber_json import read_cucumber
from octane_flows.results.cucumber_messages import KINDS, read_messages
from octane_flows.results.dotnet_xml import read_trx, read_xunit_net
from octane_flows.results.file_notes import FileNotes
from octane_flows.results.gherkin_features_xml import read_features
from octane_flows.results.junit_xml import read_junit
from octane_flows.results.nunit_xml import read_nunit
from octane_flows.results.playwright_json import read_playwright
from octane_flows.results.repaired_text import decoded
from octane_flows.results.result_collector import ResultCollector
from octane_flows.results.robot_xml import read_robot
from octane_flows.results.test_result import ResultFileError, UnknownFormatError
from octane_flows.results.testng_xml import read_testng

Reader = Callable[[BinaryIO, ResultCollector], None]

FORMATS: dict[str, Reader] = {
    "junit": read_junit,
    "testng": read_testng,
    "nunit": read_nunit,
    "xunit.net": read_xunit_net,
    "trx": read_trx,
    "robot": read_robot,
    "ctest": read_ctest,
    "cucumber": read_cucumber,
    "cucumber-messages": read_messages,
    "playwright": read_playwright,
    "gherkin-features": read_features,
}
ALLURE = "allure"
_ROOTS = {
    "testsuites": "junit",
    "testsuite": "junit",
    "testcase": "junit",
    "testrun": "junit",
    "testng-results": "testng",
    "test-run": "nunit",
    "test-results": "nunit",
    "assemblies": "xunit.net",
    "assembly": "xunit.net",
    "TestRun": "trx",
    "robot": "robot",
    "Site": "ctest",
    "features": "gherkin-features",
}
_ROOT = re.compile(r"<([A-Za-z_][\w.\-]*:)?([A-Za-z_][\w.\-]*)")
_SKIPPED_MARKUP = re.compile(r"<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^>\[]*(?:\[.*?\])?\s*>", re.DOTALL)
_HEAD_BYTES = 1 << 16


def detect_format(head: bytes) -> str:
    """The name of the format that a file begins like. Raises UnknownFormatError."""
    try:
        text = "".join(decoded(io.BytesIO(head), FileNotes(""))).lstrip("\ufeff \t\r\n")
    except ResultFileError as error:
        raise UnknownFormatError(str(error)) from error
    if not text:
        raise ResultFileError("the file is empty; let the test tool write it again")
    if text.startswith("<"):
        return _detect_xml(text)
    if text.startswith("["):
        return "cucumber"
    if text.startswith("{"):
        return _detect_object(text)
    raise UnknownFormatError("the file is neither XML nor JSON")


def _detect_xml(text: str) -> str:
    match = _ROOT.search(_SKIPPED_MARKUP.sub("", text))
    root = match[2] if match is not None else ""
    if root in _ROOTS:
        return _ROOTS[root]
    if root == "failsafe-summary":
        raise UnknownFormatError(
            "this is the summary of Maven Failsafe, which names no tests; give the TEST-*.xml "
            "files beside it"
        )
    if root.lower() == "html":
        raise UnknownFormatError("this is a page of HTML; the results lie elsewhere")
    raise UnknownFormatError(f"the file begins with <{root}>, which no format here does")


def _detect_object(text: str) -> str:
    first_line = text.split("\n", 1)[0]
    try:
        line = json.loads(first_line)
    except ValueError:
        line = None
    if isinstance(line, dict) and line and set(line) <= KINDS:
        return "cucumber-messages"
    if re.search(r'"(suites|config)"\s*:', text):
        return "playwright"
    raise UnknownFormatError("the JSON is of no format that is read here")


def head_of(stream: BinaryIO) -> bytes:
    """The bytes by which a format is known."""
    return stream.read(_HEAD_BYTES)
