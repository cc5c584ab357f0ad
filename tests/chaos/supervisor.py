"""`python -m tests.chaos.supervisor`: what `python -m app.supervisor` starts, but for the test
network. That one stays outside: it is the judge, and outlives whatever is killed here.

Its announcement is in the file that CHAOS_NETWORK names.
"""

from __future__ import annotations

import os
import sys

from app.config import Settings
from app.supervisor import launch
from app.supervisor.process import ProcessSpec

VARIABLE = "CHAOS_NETWORK"
_ANNOUNCE = 'mkdir -p "$(dirname "$1")" && cp "$0" "$1.new" && mv "$1.new" "$1" && exec sleep inf'


def _stand_in(settings: Settings, *, demo: bool) -> ProcessSpec:
    """Announces the network that runs elsewhere, and sleeps."""
    paths = os.environ[VARIABLE], str(settings.sandbox_state)
    return ProcessSpec("sandbox", ("sh", "-c", _ANNOUNCE, *paths))


if __name__ == "__main__":
    launch.sandbox_spec = _stand_in
    sys.exit(launch.main(sys.argv[1:]))
