"""The process that kernels are copied from: `python fork_server.py SOCKET MODULE...`. See warm.py.

A starter sends {"connection": ..., "cwd": ..., "environment": ...}, a line, with its standard output and error. It gets the
kernel's exit status when that has ended; a byte from it interrupts the kernel, and when it is gone the kernel is ended.
"""

import contextlib
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys


def run_kernel(order: dict, prints: list[int]) -> None:
    """What `python -m ipykernel_launcher` does, in this process."""
    for place, number in enumerate(prints, 1):
        os.dup2(number, place)
    os.environ.clear()
    os.environ.update(order["environment"])
    os.chdir(order["cwd"])
    sys.argv = ["ipykernel_launcher", "-f", order["connection"], f"--IPKernelApp.parent_handle={os.getppid()}"]
    from ipykernel import kernelapp

    kernelapp.launch_new_instance()


def receive(starter: socket.socket) -> tuple[dict, list[int]]:
    """What a starter asks for, and where its kernel prints."""
    line, prints, _, _ = socket.recv_fds(starter, 4096, 2)
    while not line.endswith(b"\n"):
        line += starter.recv(4096)
    return json.loads(line), prints


def fork(starter: socket.socket, others: list[socket.socket]) -> int:
    """The number of the new process, which is a kernel and never comes back from here."""
    order, prints = receive(starter)
    if number := os.fork():
        for each in prints:
            os.close(each)
        return number
    status = 1
    try:
        for each in [starter, *others]:
            each.close()
        run_kernel(order, prints)
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def main() -> None:
    del sys.path[0]  # this folder
    for name in sys.argv[2:]:
        importlib.import_module(name)
    gc.freeze()  # the copies share what is here: no need to look through it
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(sys.argv[1])
    listener.listen()
    print("ready", flush=True)
    kernels: dict[socket.socket, int] = {}
    while True:
        ready, _, _ = select.select([sys.stdin, listener, *kernels], [], [], 0.05 if kernels else None)
        if sys.stdin in ready:  # closed: the tests are done
            break
        if listener in ready:
            starter, _ = listener.accept()
            kernels[starter] = fork(starter, [listener, *kernels])
        for starter, number in list(kernels.items()):
            if starter in ready:
                os.kill(number, signal.SIGINT if starter.recv(1) else signal.SIGKILL)
            done, status = os.waitpid(number, os.WNOHANG)
            if done:
                kernels.pop(starter)
                with starter, contextlib.suppress(OSError):  # the starter may be gone
                    starter.send(bytes([os.waitstatus_to_exitcode(status) % 256]))
    for number in kernels.values():
        os.kill(number, signal.SIGKILL)


if __name__ == "__main__":
    main()
