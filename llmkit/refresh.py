"""Run the lessons and store what they print: `make refresh`, or `python -m llmkit.refresh [PART OF A NAME ...]`.

What a reader sees before running anything (on the site, on GitHub, in Colab) is what is stored here. So each
lesson is run from a clean kernel, offline, and stored in one form only: running again what did not change
leaves every file as it was, byte for byte.
"""

import hashlib
import os
import re
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[1]
PAGE_MIME = "application/vnd.llmkit.widget+json"
VIEW_MIME = "application/vnd.jupyter.widget-view+json"
SETUP = """import importlib.util, os
if not importlib.util.find_spec("llmkit"):
    %pip install -q {{os.environ.get("LLMKIT_SOURCE", "{source}")}}
import llmkit
llmkit.start()"""
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python", "pygments_lexer": "ipython3"},
}
KEPT = {"tags", "mystnb", "jupyter"}  # of a cell's metadata; the rest says who edited it, and when
ABSOLUTE_PATH = re.compile(
    r"(?<![\w/.:~-])(?:/(?:home|Users|root|tmp|work|opt|usr|var|mnt|private|content)/[\w.-]+|[A-Z]:\\+\w+)"
)
ADDRESS = re.compile(r" at 0x[0-9a-fA-F]{6,}")


class RefreshError(Exception):
    """One sentence for the author of a lesson: what is wrong, and what to do."""


def lessons(root: Path = ROOT) -> list[Path]:
    """The notebooks that _toc.yml lists, in reading order."""
    import yaml

    def files(node) -> list[str]:
        if isinstance(node, list):
            return [file for item in node for file in files(item)]
        if isinstance(node, dict):
            here = [node["file"]] if isinstance(node.get("file"), str) else []
            return here + [file for value in node.values() for file in files(value)]
        return []

    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    names = [name.removesuffix(".ipynb") for name in files(toc) if name.startswith("lessons/")]
    return [root / f"{name}.ipynb" for name in names if (root / f"{name}.ipynb").exists()]


def setup_cell(root: Path = ROOT) -> str:
    """The first code cell of every lesson; Colab installs llmkit from the address in _config.yml."""
    import yaml

    config = root / "_config.yml"
    settings = yaml.safe_load(config.read_text(encoding="utf-8")) if config.exists() else {}
    url = ((settings or {}).get("repository") or {}).get("url")
    return SETUP.format(source=f"git+{url.rstrip('/')}" if url else "../..")


def execute(notebook: NotebookNode, folder: Path, timeout: float = 600) -> None:
    """Run every cell in a clean kernel of this environment, in `folder`. RefreshError names what failed."""
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    client = NotebookClient(notebook, timeout=timeout, kernel_name="python3", store_widget_state=False,
                            resources={"metadata": {"path": str(folder)}})
    try:
        client.execute()
    except CellExecutionError as error:
        raise RefreshError(f"a cell failed with {error.ename}: {error.evalue}. Mend it and refresh again.\n{error}") from None
    except CellTimeoutError:
        raise RefreshError(f"a cell ran longer than {timeout:.0f} s. A lesson should take under a minute.") from None
    except DeadKernelError:
        raise RefreshError("the kernel died; there may have been too little memory.") from None


def environment(scratch: str) -> dict[str, str]:
    """What a lesson is run with: no network, one thread, fixed hashes, no reader's progress to show or spoil."""
    return {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "PYTHONHASHSEED": "0",
            "TOKENIZERS_PARALLELISM": "false", "LLMKIT_PROGRESS": str(Path(scratch) / "progress.json")}


def normalize(notebook: NotebookNode) -> NotebookNode:
    """The notebook in its one stored form; what depends on machine, day or chance is gone. Changes nothing in place."""
    clean = nbformat.from_dict(notebook)
    clean.nbformat, clean.nbformat_minor = 4, 5
    clean.metadata = nbformat.from_dict(METADATA)
    seen: dict[str, int] = {}
    count = 0
    for cell in clean.cells:
        cell.metadata = NotebookNode({key: value for key, value in cell.metadata.items() if key in KEPT})
        cell.source = cell.source.rstrip("\n")
        digest = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:10]
        seen[digest] = seen.get(digest, 0) + 1
        cell.id = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"
        if cell.cell_type == "code":
            count += 1
            cell.execution_count = count
            cell.outputs = [normalize_output(output, count) for output in merge_streams(cell.outputs)]
    return clean


def merge_streams(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Join what was printed in several pieces: where it was cut is chance."""
    merged: list[NotebookNode] = []
    for output in outputs:
        last = merged[-1] if merged else None
        if last and output.output_type == last.output_type == "stream" and output.name == last.name:
            merged[-1] = NotebookNode({**last, "text": last.text + output.text})
        else:
            merged.append(output)
    return merged


def normalize_output(output: NotebookNode, count: int) -> NotebookNode:
    """Number a result, and drop a widget view (its id is random) where the page's own form is beside it."""
    output = NotebookNode(output)
    if "execution_count" in output:
        output.execution_count = count
    if PAGE_MIME in output.get("data", {}):
        output.data = NotebookNode({mime: value for mime, value in output.data.items() if mime != VIEW_MIME})
    return output


def leaks(notebook: NotebookNode) -> list[str]:
    """Sentences for what in the outputs belongs to one machine only: paths, addresses, warnings."""
    found = []
    for number, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", []):
            text = output.get("text", "") + "\n".join(map(str, output.get("data", {}).values()))
            if match := ABSOLUTE_PATH.search(text):
                found.append(f"cell {number} prints a path of this machine, {match[0]!r}: print a relative one.")
            if match := ADDRESS.search(text):
                found.append(f"cell {number} prints a memory address,{match[0]!r}: end the line with a semicolon or print a value.")
            if output.get("name") == "stderr":
                found.append(f"cell {number} writes a warning: {output.text.strip().splitlines()[0][:100]!r}. Mend its cause.")
    return found


def write(notebook: NotebookNode, path: Path) -> bool:
    """Write atomically, and only when something changed; whether it did."""
    text = nbformat.writes(notebook) + "\n"
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    beside = path.with_suffix(".ipynb.part")
    beside.write_text(text, encoding="utf-8", newline="\n")
    os.replace(beside, path)
    return True


def refresh(path: Path, root: Path = ROOT) -> tuple[bool, float]:
    """Run one lesson and store it; whether the file changed, and the seconds it ran. The file stays when it fails."""
    notebook = nbformat.read(path, as_version=4)
    setup = next((cell for cell in notebook.cells if cell.cell_type == "code"), None)
    if setup is not None and "LLMKIT_SOURCE" in setup.source:
        setup.source = setup_cell(root)
    before, began, used = notebook.metadata.get("llmkit", {}).get("seconds"), time.monotonic(), processor_seconds()
    execute(notebook, path.parent)
    seconds, used = time.monotonic() - began, processor_seconds() - used
    notebook = normalize(notebook)
    if kept := run_time(before, used):
        notebook.metadata["llmkit"] = {"seconds": kept}
    if sentences := leaks(notebook):
        raise RefreshError("\n  ".join(sentences))
    nbformat.validate(notebook)
    return write(notebook, path), seconds


def processor_seconds() -> float:
    """What the kernels that have ended took of a processor: other work on the machine hardly changes it. 0 where nobody counts (Windows)."""
    try:
        from resource import RUSAGE_CHILDREN, getrusage
    except ImportError:
        return 0.0
    used = getrusage(RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run_time(stored: int | None, measured: float) -> int | None:
    """Whole seconds to store with a lesson: what stands there already unless the run contradicts it.

    >>> run_time(20, 22.4), run_time(20, 31.6), run_time(None, 12.2), run_time(20, 0)
    (20, 32, 12, 20)
    """
    if not measured or (stored and abs(measured - stored) <= max(3, 0.3 * stored)):
        return stored
    return max(1, round(measured))


def chosen(wanted: list[str], root: Path = ROOT) -> list[Path]:
    """The lessons whose path below lessons/ holds one of these words; all of them when there is none."""
    paths = {path: path.relative_to(root / "lessons").as_posix() for path in lessons(root)}
    return [path for path, inside in paths.items() if not wanted or any(word in inside for word in wanted)]


def main() -> None:
    paths = chosen(sys.argv[1:])
    if not paths:
        sys.exit("No lesson of _toc.yml matches; `make refresh` alone refreshes all of them.")
    with tempfile.TemporaryDirectory() as scratch:
        os.environ.update(environment(scratch))
        for path in paths:
            print(f"{path.relative_to(ROOT)}: running", flush=True)
            try:
                changed, seconds = refresh(path)
            except RefreshError as sentence:
                sys.exit(f"{path.relative_to(ROOT)} was left as it is:\n  {sentence}")
            kilobytes = path.stat().st_size / 1000
            print(f"  {seconds:.1f} s, {kilobytes:.0f} KB, {'stored' if changed else 'unchanged'}", flush=True)


if __name__ == "__main__":
    main()
