"""What somebody who knows pandas would write for the flows: filters, merges and groups.

`PEERS` by slug; `flow_speed` times them and compares their rows with the SQL answer. A peer finds
the rows and what the flow counts or lists of other tables; names, links and order are left out.
The user-defined fields of flow 24 have no peer: a generated workspace has none.
"""

from __future__ import annotations

from tests.benchmarks._pandas_peers import backlog, results, testing
from tests.benchmarks._pandas_peers.frames import Frames, Peer, read_frames

PEERS = {**backlog.PEERS, **results.PEERS, **testing.PEERS}

__all__ = ["PEERS", "Frames", "Peer", "read_frames"]
