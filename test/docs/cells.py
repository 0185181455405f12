"""Runs the Python blocks of a page in one interpreter, as a notebook runs its cells; session.ts starts it.

Each line of the standard input is JSON: the code and its name, the folder and the environment variables to run it in, and
the files that receive its two output streams. For each, one line with the exit code goes to the standard output.
"""

import json
import linecache
import os
import sys
import traceback

replies = os.fdopen(os.dup(1), "w", buffering=1)
cells = os.fdopen(os.dup(0), "r")
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
sys.stdout.reconfigure(line_buffering=True)
names = {"__name__": "__main__"}

for line in cells:
    cell = json.loads(line)
    code, name = cell["code"], cell["name"]
    os.chdir(cell["folder"])
    os.environ.update(cell["env"])
    for descriptor, file in ((1, cell["stdout"]), (2, cell["stderr"])):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), descriptor)
    sys.path[0] = cell["folder"]
    # Tracebacks show lines of the block.
    linecache.cache[name] = (len(code), None, code.splitlines(True), name)
    status = 0
    try:
        exec(compile(code, name, "exec"), names)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    replies.write(f"{status}\n")
