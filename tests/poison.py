"""A prober with faults, a process of its own.

It dies of files named `poison`, and hangs at those named `endless`, which it says. At `caller` and at `called` it waits
until the other one is looked at too: both ends of the named pipe `.line` beside them have to be open.
"""

import json
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path

from pipeline.recordings import probe

ENDS = {"caller": "wb", "called": "rb"}

if __name__ == "__main__":
    for line in sys.stdin:
        path = Path(json.loads(line)["path"])
        if path.stem == "poison":
            os.abort()
        if path.stem == "endless":
            sys.stderr.write("endless\n")
            sys.stderr.flush()
        while path.stem == "endless":
            time.sleep(60)
        if path.stem in ENDS:
            path.with_name(".line").open(ENDS[path.stem]).close()
        sys.stdout.write(json.dumps(asdict(probe(path))) + "\n")
        sys.stdout.flush()
