"""What the deliveries of letters share: failures that another attempt may cure, and their words.

An exception of the network in, words without a secret out.
"""

from __future__ import annotations

from typing import Final

TIMEOUT_S: Final = 30.0


class TemporaryError(Exception):
    """What another attempt may cure; the text has no secret.

    `wait_s`: for how long the server asks to wait. `complaint`: a sentence when others have got
    the letter already; None when nobody has.
    """

    def __init__(self, text: str, *, wait_s: float = 0.0, complaint: str | None = None) -> None:
        super().__init__(text)
        self.wait_s = wait_s
        self.complaint = complaint


def reason_of(error: BaseException) -> str:
    """The reason of an error of the network, such as "Connection refused"; never an address."""
    cause = getattr(error, "reason", None)
    if isinstance(cause, BaseException):
        return reason_of(cause)
    if isinstance(error, TimeoutError):
        return f"no answer within {TIMEOUT_S:g} s"
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
