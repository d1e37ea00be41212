"""The flows, metrics and plans as methods; `flows_and_metrics.pyi` beside it names every one.

What `QuestionMethods` takes in, the methods of one kind out; `OpenWarehouse` makes them.
"""

from __future__ import annotations

from octane_flows.api.question_methods import QuestionMethods


class Flows(QuestionMethods):
    """The flows; called as a function it lists them."""

    kind = "flow"


class Metrics(QuestionMethods):
    """The metrics; called as a function it lists them."""

    kind = "metric"


class Plans(QuestionMethods):
    """The plans, whose rows are requests; called as a function it lists them."""

    kind = "plan"
