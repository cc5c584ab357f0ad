"""`python -m app.sandbox --data-dir DIR`: run the network until SIGTERM."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from pathlib import Path

from app.sandbox.server import PortTaken, run


def main() -> int:
    """Return the exit status: 0 after SIGTERM or SIGINT, 1 when a port is in use."""
    parser = argparse.ArgumentParser(prog="python -m app.sandbox", description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True, help="where everything is kept")
    parser.add_argument("--port", type=int, default=0, help="of the proxy; 0 takes a free one")
    parser.add_argument("--control-port", type=int, default=0, help="of the control interface")
    parser.add_argument(
        "--lived-in", action="store_true", help="the demo's phone has 200 contacts and 30 chats"
    )
    parser.add_argument("--verbose", action="store_true", help="log every stanza")
    options = parser.parse_args()
    level = logging.DEBUG if options.verbose else logging.INFO
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("asyncio").setLevel(logging.INFO)
    try:
        ports = options.port, options.control_port
        asyncio.run(run(options.data_dir, *ports, lived_in=options.lived_in))
    except PortTaken as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
