"""What `serve` answers instead of rows: a status of HTTP, and a sentence with the remedy.

Raised wherever a request cannot be answered; `web_application` makes the response.
"""

from __future__ import annotations

from typing import Final

RETRY_S: Final = 5  # seconds after which a client should try again when the server is busy


class RefusalError(Exception):
    """A request that gets no rows; `retry_after_s` where the same request may work later."""

    def __init__(self, status: int, sentence: str, *, retry_after_s: int | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence
        self.retry_after_s = retry_after_s


def too_busy(what: str) -> RefusalError:
    """The refusal of a server that has more to do than it may."""
    return RefusalError(
        503,
        f"This server already has {what}; try again in {RETRY_S} seconds, or ask its administrator "
        "for a larger serve_requests.",
        retry_after_s=RETRY_S,
    )


def wrong_request(sentence: str) -> RefusalError:
    """The refusal of a request that must be written in another way."""
    return RefusalError(400, sentence)


def not_there(sentence: str) -> RefusalError:
    """The refusal of an address that has nothing."""
    return RefusalError(404, sentence)
