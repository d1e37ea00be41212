"""One line of the doctor: what was examined, its status, what to do. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Status: TypeAlias = Literal["ok", "warning", "failed"]


@dataclass(frozen=True)
class Diagnosis:
    """What the doctor says of one thing.

    `text` says what was found, `remedy` what to do about it; `facts` are for programs.
    """

    name: str
    status: Status
    text: str
    remedy: str = ""
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def line(self) -> str:
        """The diagnosis as one line."""
        text = f"{self.text}; {self.remedy}" if self.remedy else self.text
        return f"{self.status:<8}{self.name:<13}{text}"
