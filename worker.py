"""The workers' door: `python worker.py` supervises every role, `python worker.py ROLE` runs one."""

import sys

from app.supervisor.roles import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
