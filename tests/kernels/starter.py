"""What is started in place of Python: `starter.py SOCKET ARGUMENTS` has a warm one forked, stands for it and ends with it. See warm.py."""

import json
import os
import signal
import socket
import sys
import time

if __name__ == "__main__":  # nothing happens where doctests are looked for
    server = socket.socket(socket.AF_UNIX)
    deadline = time.monotonic() + 120
    while not os.path.exists(sys.argv[1]):  # it is still importing
        if time.monotonic() > deadline:
            sys.exit("The process that others are copied from is not there.")
        time.sleep(0.05)
    server.connect(sys.argv[1])
    signal.signal(signal.SIGINT, lambda *_: server.send(b"i"))
    order = {"arguments": sys.argv[2:], "cwd": os.getcwd(), "environment": dict(os.environ), "priority": os.getpriority(os.PRIO_PROCESS, 0)}
    line = json.dumps(order).encode() + b"\n"
    server.sendall(line[socket.send_fds(server, [line], [0, 1, 2]):])
    status = server.recv(1)
    sys.exit(status[0] if status else 1)
