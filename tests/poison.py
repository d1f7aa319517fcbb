"""A prober with faults, a process of its own: it dies of files named `poison`, and hangs at those named `endless`."""

import json
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path

from pipeline.recordings import probe

if __name__ == "__main__":
    for line in sys.stdin:
        path = Path(json.loads(line)["path"])
        if path.stem == "poison":
            os.abort()
        while path.stem == "endless":
            time.sleep(60)
        sys.stdout.write(json.dumps(asdict(probe(path))) + "\n")
        sys.stdout.flush()
