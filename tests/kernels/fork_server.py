"""The process that warm ones are copied from: `python fork_server.py SOCKET MODULE...`. See warm.py.

A starter sends {"arguments": ..., "cwd": ..., "environment": ..., "priority": ...}, a line, with its standard input, output
and error. It gets the copy's exit status when that has ended; a byte from it interrupts the copy, and when it is gone the
copy is ended.
"""

import contextlib
import ctypes
import gc
import importlib
import itertools
import json
import os
import runpy
import select
import signal
import socket
import sys
import traceback
import types

PR_SET_PDEATHSIG = 1  # of linux/prctl.h


def begin(order: dict, streams: list[int]) -> None:
    """What `python ARGUMENTS` does where and as it was asked to, in this process: for -m, -c or a file, after options of one word."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # it ends with the process that it was copied from
    for place, number in enumerate(streams):
        os.dup2(number, place)
    os.environ.clear()
    os.environ.update(order["environment"])
    os.chdir(order["cwd"])
    os.setpriority(os.PRIO_PROCESS, 0, order["priority"])
    kind, *rest = itertools.dropwhile(lambda argument: argument.startswith("-") and argument not in ("-m", "-c"), order["arguments"])
    is_file = kind not in ("-m", "-c")
    what = kind if is_file else rest.pop(0)
    sys.argv = [kind, *rest]
    sys.path.insert(0, os.path.dirname(os.path.abspath(what)) if is_file else "")
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    if kind == "-m":
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    elif kind == "-c":
        exec(what, vars(main))
    else:
        runpy.run_path(what, run_name="__main__")


def receive(starter: socket.socket) -> tuple[dict, list[int]]:
    """What a starter asks for, and what it reads from and prints to."""
    line, streams, _, _ = socket.recv_fds(starter, 4096, 3)
    while not line.endswith(b"\n"):
        line += starter.recv(4096)
    return json.loads(line), streams


def fork(starter: socket.socket, others: list[socket.socket]) -> int:
    """The number of the new process, which does what was asked for and never comes back from here."""
    order, streams = receive(starter)
    if number := os.fork():
        for each in streams:
            os.close(each)
        return number
    status = 1
    try:
        for each in [starter, *others]:
            each.close()
        begin(order, streams)
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):  # it may be closed
                stream.flush()
        os._exit(status)


def main() -> None:
    del sys.path[0]  # this folder
    for name in sys.argv[2:]:
        importlib.import_module(name)
    gc.freeze()  # the copies share what is here: no need to look through it
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(sys.argv[1] + "-")
    listener.listen()
    os.rename(sys.argv[1] + "-", sys.argv[1])  # who finds it can connect
    print("ready", flush=True)
    copies: dict[socket.socket, int] = {}
    while True:
        ready, _, _ = select.select([sys.stdin, listener, *copies], [], [], 0.05 if copies else None)
        if sys.stdin in ready:  # closed: the tests are done
            break
        if listener in ready:
            starter, _ = listener.accept()
            copies[starter] = fork(starter, [listener, *copies])
        for starter, number in list(copies.items()):
            if starter in ready:
                os.kill(number, signal.SIGINT if starter.recv(1) else signal.SIGKILL)
            done, status = os.waitpid(number, os.WNOHANG)
            if done:
                copies.pop(starter)
                with starter, contextlib.suppress(OSError):  # the starter may be gone
                    starter.send(bytes([os.waitstatus_to_exitcode(status) % 256]))
    for number in copies.values():
        os.kill(number, signal.SIGKILL)


if __name__ == "__main__":
    main()
