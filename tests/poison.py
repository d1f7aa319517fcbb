"""A prober with faults, a process of its own.

It dies of files named `poison`, of those named `treacherous` only when they are to be heard, and half-way through the
samples of those named `cut`. It hangs at those named `endless`, which it says. At `caller` and at `called` it waits
until the other one is looked at too: both ends of the named pipe `.line` beside them have to be open.
"""

import json
import os
import sys
import time
from io import BytesIO
from pathlib import Path

from pipeline.prober import answer

ENDS = {"caller": "wb", "called": "rb"}

if __name__ == "__main__":
    for line in sys.stdin:
        asked = json.loads(line)
        path = Path(asked["path"])
        if path.stem == "poison" or (path.stem == "treacherous" and asked["task"] == "listen"):
            os.abort()
        if path.stem == "cut" and asked["task"] == "listen":
            whole = BytesIO()
            answer(asked, whole)
            sys.stdout.buffer.write(whole.getvalue()[:-1000])
            sys.stdout.buffer.flush()
            os.abort()
        if path.stem == "endless":
            sys.stderr.write("endless\n")
            sys.stderr.flush()
        while path.stem == "endless":
            time.sleep(60)
        if path.stem in ENDS:
            path.with_name(".line").open(ENDS[path.stem]).close()
        answer(asked, sys.stdout.buffer)
