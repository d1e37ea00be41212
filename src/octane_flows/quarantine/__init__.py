"""Quarantine: tests that are not to fail builds for a while, in a file that a team reviews.

A TOML file and the answer of `metric.test_states` in; what to review, and exclusion lists of test
tools out. The command line calls it.
"""

from octane_flows.quarantine.exclusion_lists import FORMATS, exclusion_list
from octane_flows.quarantine.quarantine_file import (
    Entry,
    add_entries,
    read_entries,
)
from octane_flows.quarantine.quarantine_review import Review, review_entries, states_of_tests

__all__ = [
    "FORMATS",
    "Entry",
    "Review",
    "add_entries",
    "exclusion_list",
    "read_entries",
    "review_entries",
    "states_of_tests",
]
