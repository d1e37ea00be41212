"""Pictures drawn by Vega-Lite in a process of their own, so that none can end this one.

Specifications of charts in, SVG texts out, without a browser or the network; `report_page` calls
it. A text that Vega's library cannot measure ends its whole process, which is then started again.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

PATIENCE_S = 120  # for all pictures of a report; they usually take a second
#: The other process: a line for each specification in, a line for each picture out.
_PROGRAM = """
import json, sys
import vl_convert
for line in sys.stdin:
    try:
        answer = {"svg": vl_convert.vegalite_to_svg(line)}
    except Exception as error:
        answer = {"problem": str(error).strip().splitlines()[0][:200]}
    print(json.dumps(answer), flush=True)
"""


@dataclass(frozen=True)
class Picture:
    """One picture as SVG, or the reason why there is none."""

    svg: str = ""
    problem: str | None = None


def draw_pictures(specifications: Sequence[str]) -> list[Picture]:
    """A picture for each specification; nothing is raised for one that cannot be drawn."""
    pictures: list[Picture] = []
    while len(pictures) < len(specifications):
        answers, problem = _draw(specifications[len(pictures) :])
        pictures += answers
        if len(pictures) < len(specifications):  # the process ended while it drew the next one
            pictures.append(Picture(problem=problem))
    return pictures


def _draw(specifications: Sequence[str]) -> tuple[list[Picture], str]:
    """The pictures that one process draws, and why it drew no more."""
    lines = "".join(json.dumps(json.loads(text)) + "\n" for text in specifications)
    problem = "the program that draws it ended"
    try:
        ended = subprocess.run(
            [sys.executable, "-P", "-c", _PROGRAM],
            input=lines.encode("ascii"),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=PATIENCE_S,
            check=False,
        )
        output = ended.stdout
    except subprocess.TimeoutExpired as error:
        output, problem = error.stdout or b"", f"it took longer than {PATIENCE_S} seconds"
    except OSError as error:
        output, problem = b"", f"no program could be started to draw it: {error.strerror}"
    whole = [line for line in output.split(b"\n")[:-1] if line]
    return [Picture(**json.loads(line)) for line in whole], problem
