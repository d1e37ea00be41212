"""Letters: what changed, and which rules began or ceased to hold, by mail, Teams, Slack or webhook.

Changes and places in, sent letters out; the command `letter` and the Dagster job call it.
"""

from octane_flows.letters.letter_rules import Rule, RuleEvent, judged_rules, read_rules
from octane_flows.letters.send_letters import Letter, Sent, send_letters
from octane_flows.letters.sent_letters import SentLetters
from octane_flows.letters.write_letter import letter_of, notice

__all__ = [
    "Letter",
    "Rule",
    "RuleEvent",
    "Sent",
    "SentLetters",
    "judged_rules",
    "letter_of",
    "notice",
    "read_rules",
    "send_letters",
]
