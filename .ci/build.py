"""Build the site into _build/html. A warning fails the build.

    python .ci/build.py            build when a source is newer than the site
    python .ci/build.py --always   build in any case
    python .ci/build.py --serve    then show it on a free port of this machine, until Ctrl-C

Standard library only; jupyter-book is called as a program of the same environment.
"""

import contextlib
import functools
import http.server
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SITE = ROOT / "_build" / "html"
STAMP = ROOT / "_build" / ".built"
TEXT = ("book", "lessons")                                  # a change here: build the changed pages
MACHINE = ("llmkit", "_config.yml", "_toc.yml", "requirements.txt", ".ci/build.py")  # here: build all


def newest(*names: str) -> float:
    """The latest change, in seconds since the epoch, of any source file under these names."""
    files = []
    for name in names:
        path = ROOT / name
        files += [path] if path.is_file() else [p for p in path.rglob("*") if is_source(p)]
    return max((p.stat().st_mtime for p in files), default=0.0)


def is_source(path: Path) -> bool:
    skipped = {"__pycache__", ".ipynb_checkpoints"}
    return path.is_file() and not skipped & set(path.parts)


def is_fresh() -> bool:
    """Whether the site on disk was built from the sources on disk."""
    built = STAMP.stat().st_mtime if STAMP.exists() else 0.0
    return (SITE / "index.html").exists() and built > newest(*TEXT, *MACHINE)


def command() -> list[str]:
    """The one command that builds the site."""
    built = STAMP.stat().st_mtime if STAMP.exists() else 0.0
    everything = ["--all"] if built <= newest(*MACHINE) else []
    jupyter_book = "import sys; from jupyter_book.cli.main import main; sys.exit(main())"
    return [sys.executable, "-c", jupyter_book, "build", ".", "-W", "-n", "--keep-going", *everything]


def build() -> float:
    """Build the site and return the seconds it took. Raises SystemExit with a sentence on a warning."""
    began = time.time()
    environment = dict(os.environ, HF_HUB_OFFLINE="1", PYTHONUNBUFFERED="1")
    code = subprocess.run(command(), cwd=ROOT, env=environment).returncode
    if code or not (SITE / "index.html").exists():
        STAMP.unlink(missing_ok=True)
        raise SystemExit("The site was not built: the first line with WARNING or ERROR above says why.")
    STAMP.write_text("The site was last built when this file was written.\n")
    os.utime(STAMP, (began, began))  # a source changed while building counts as newer
    return time.time() - began


def serve() -> None:
    """Serve the site on the first free port from 8000."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(SITE))
    for port in [*range(8000, 8020), 0]:
        try:
            server = http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
            break
        except OSError:
            continue
    print(f"The book is at http://127.0.0.1:{server.server_address[1]}/ (Ctrl-C stops).", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        server.serve_forever()


def main() -> None:
    if "--always" not in sys.argv and is_fresh():
        print("The site is up to date.")
    else:
        print("Building the site into _build/html", flush=True)
        print(f"Built the site in {build():.0f} s.")
    if "--serve" in sys.argv:
        return serve()
    print(f"Open {SITE / 'index.html'}, or run `make serve` and follow the address it prints.")


if __name__ == "__main__":
    main()
