"""`make fuzz`: all phases, as long as asked for. Ends with 1 when something was found."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.fuzz.run import fuzz, target

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--seconds", type=int, default=900)
parser.add_argument("--examples", type=int, default=50)
parser.add_argument("--report", type=Path)
options = parser.parse_args()

with tempfile.TemporaryDirectory() as folder, target(Path(folder)) as found:
    right, said = fuzz(
        found,
        seconds=options.seconds,
        examples=options.examples,
        phases="examples,coverage,fuzzing,stateful",
    )
print(said)
if options.report:
    options.report.write_text(said)
sys.exit(not right)
