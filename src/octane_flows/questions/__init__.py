"""Flows, metrics and plans as questions: list them, run one, write its answer.

The command line, reports, parity, actions, notebooks and Dagster call these functions.
"""

from octane_flows.models.documented_columns import Column
from octane_flows.models.macro_parameters import Parameter
from octane_flows.questions.catalogue import (
    Kind,
    Question,
    documented_flows,
    list_questions,
    question_named,
)
from octane_flows.questions.given_values import UnknownValue, UnknownValueWarning, given_values
from octane_flows.questions.past_limit import PresentInPastWarning, past_limit
from octane_flows.questions.run_question import (
    Value,
    parse_parameters,
    partial_answer,
    question_relation,
    run_question,
    store_answer,
)

__all__ = [
    "Column",
    "Kind",
    "Parameter",
    "PresentInPastWarning",
    "Question",
    "UnknownValue",
    "UnknownValueWarning",
    "Value",
    "documented_flows",
    "given_values",
    "list_questions",
    "parse_parameters",
    "partial_answer",
    "past_limit",
    "question_named",
    "question_relation",
    "run_question",
    "store_answer",
]
