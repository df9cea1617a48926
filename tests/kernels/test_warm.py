"""A warm process is one like any other: clean, in its own folder, stopped and ended as one."""

import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import nbformat
import pytest
from jupyter_client.manager import KernelManager
from kernels.warm import WarmKernels, WarmPython, can_fork
from nbclient import NotebookClient

pytestmark = pytest.mark.skipif(not can_fork(), reason="processes are not forked on this system")


@pytest.fixture(scope="module")
def warm():
    kernels = WarmKernels("warm-test", libraries=("ipykernel.kernelapp", "colorsys"))
    yield kernels.ready()
    kernels.close()


def said(warm, folder, *sources):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    NotebookClient(notebook, kernel_name=warm.name, resources={"metadata": {"path": str(folder)}}).execute()
    return ["".join(output.get("text", "") for output in cell.outputs).strip() for cell in notebook.cells]


def test_it_works_in_its_folder_with_the_environment_of_whoever_asked(warm, tmp_path, monkeypatch):
    monkeypatch.setenv("LLMKIT_ASKED", "yes")
    assert said(warm, tmp_path, "import os; print(os.getcwd(), os.environ['LLMKIT_ASKED'])") == [f"{tmp_path} yes"]


def test_two_may_wait_for_it_at_once():
    with closing(WarmPython(libraries=("colorsys",))) as warm, ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(warm.ready) for _ in range(2)]
        try:
            assert [future.result(timeout=60) for future in waiting] == [warm, warm]
        finally:
            warm.server.kill()  # whoever still waits is told


def test_it_has_imported_what_it_was_told_and_nothing_of_the_book_or_its_tests(warm, tmp_path):
    found = "import sys; print('colorsys' in sys.modules, [m for m in sys.modules if m.split('.')[0] in ('llmkit', 'kernels')])"
    assert said(warm, tmp_path, found, "print([p for p in sys.path if p.endswith('tests/kernels')])") == ["True []", "[]"]


def test_it_stands_for_python_with_its_arguments_input_priority_and_exit_status(warm, tmp_path):
    ask = "import os, sys; print(sys.stdin.readline().strip(), sys.argv, os.getcwd(), os.getpriority(os.PRIO_PROCESS, 0)); sys.exit(3)"
    asked = ["nice", "-n", "1", warm.python, "-u", "-c", ask, "more"]
    done = subprocess.run(asked, cwd=tmp_path, input="a line\n", capture_output=True, text=True, timeout=60)
    nicer = os.getpriority(os.PRIO_PROCESS, 0) + 1
    assert (done.stdout.strip(), done.returncode) == (f"a line ['-c', 'more'] {tmp_path} {min(nicer, 19)}", 3)
    module = subprocess.run([warm.python, "-m", "json.tool", "--compact"], input='{"a": 1}', capture_output=True, text=True, timeout=60)
    assert (module.stdout.strip(), module.returncode) == ('{"a":1}', 0)
    (tmp_path / "beside.py").write_text("HERE = 1")
    (tmp_path / "script.py").write_text("import sys, beside; print(__name__, sys.argv[1:], beside.HERE)")
    script = subprocess.run([warm.python, "-u", tmp_path / "script.py", "-m"], capture_output=True, text=True, timeout=60)
    assert (script.stdout.strip(), script.returncode) == ("__main__ ['-m'] 1", 0)
    broken = subprocess.run([warm.python, "-c", "1 / 0"], capture_output=True, text=True, timeout=60)
    assert (broken.stderr.strip().splitlines()[-1], broken.returncode) == ("ZeroDivisionError: division by zero", 1)


def test_one_kernel_leaves_nothing_behind_for_the_next(warm, tmp_path):
    said(warm, tmp_path, "import builtins, colorsys; builtins.trace = colorsys.trace = 1")
    assert said(warm, tmp_path, "import colorsys; print('trace' in dir(__builtins__), hasattr(colorsys, 'trace'))") == ["False False"]


def test_a_cell_is_interrupted_and_the_kernel_ended(warm):
    manager = KernelManager(kernel_name=warm.name)
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    number = int(client.execute_interactive("import os; os.getpid()", output_hook=lambda _: None, user_expressions={"n": "os.getpid()"},
                                            timeout=60)["content"]["user_expressions"]["n"]["data"]["text/plain"])
    client.execute("import time; time.sleep(100)")
    time.sleep(0.5)
    manager.interrupt_kernel()
    assert client.get_shell_msg(timeout=30)["content"]["ename"] == "KeyboardInterrupt"
    client.stop_channels()
    manager.shutdown_kernel(now=True)
    for _ in range(100):
        if not os.path.exists(f"/proc/{number}"):
            break
        time.sleep(0.1)
    assert not os.path.exists(f"/proc/{number}")
