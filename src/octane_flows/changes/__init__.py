"""What changed between two moments, as records, text, Markdown, page, mail or JSON.

A warehouse and two moments in, a `ChangeList` out; the command `changes`, letters and the report
call it.
"""

from octane_flows.changes.change_list import Change, ChangeGroup, ChangeList, read_changes
from octane_flows.changes.change_mail import as_mail
from octane_flows.changes.change_page import as_page
from octane_flows.changes.change_texts import as_json, as_markdown, as_text
from octane_flows.changes.known_states import KnownStates
from octane_flows.changes.report_times import note_report
from octane_flows.changes.since_choice import ChangePeriod, chosen_moments
from octane_flows.changes.warehouse_changes import changes_of

__all__ = [
    "Change",
    "ChangeGroup",
    "ChangeList",
    "ChangePeriod",
    "KnownStates",
    "as_json",
    "as_mail",
    "as_markdown",
    "as_page",
    "as_text",
    "changes_of",
    "chosen_moments",
    "note_report",
    "read_changes",
]
