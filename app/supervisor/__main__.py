"""`python -m app.supervisor` runs the product; `--demo` makes the demo account first."""

import sys

from app.supervisor.launch import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
