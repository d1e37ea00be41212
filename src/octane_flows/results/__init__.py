"""Result files of test tools as records; their content decides their format.

Paths in, a `Reading` out. `octane-flows report-results` sends what it holds; Python programs call
`read` for the same.
"""

from octane_flows.results.read_results import read
from octane_flows.results.result_formats import FORMATS
from octane_flows.results.test_result import (
    Attempt,
    ErrorText,
    FileReading,
    Note,
    Reading,
    Result,
    Scenario,
    Step,
)

__all__ = [
    "FORMATS",
    "Attempt",
    "ErrorText",
    "FileReading",
    "Note",
    "Reading",
    "Result",
    "Scenario",
    "Step",
    "read",
]
