"""What the published page loads: styles, fonts, the page host, the widgets, Plotly. All of it is ours.

Copied to `_static/llmkit/` when the build ends. A version made from the files' contents is added to every
address, so that a reader's browser never mixes an old script with a new page.
"""

import hashlib
import shutil
from functools import cache
from pathlib import Path

from llmkit.widgets import bundle, tinylm

ASSETS = Path(__file__).parent / "assets"
PUBLISHED = ("book.css", "book.js", "host.js", "mark.svg", "fonts", "katex")
BUILD_ONLY = shutil.ignore_patterns("katex.min.js", "theme")


def plotly_script() -> Path:
    """The plotly.min.js that the installed plotly package carries."""
    import plotly

    return Path(plotly.__file__).parent / "package_data" / "plotly.min.js"


@cache
def version() -> str:
    """Eight characters that change when anything the page loads changes."""
    digest = hashlib.sha256()
    for path in sorted(path for name in PUBLISHED for path in _files(ASSETS / name)):
        digest.update(path.read_bytes())
    for text in _scripts().values():
        digest.update(text.encode())
    digest.update(str(plotly_script().stat().st_size).encode())
    return digest.hexdigest()[:8]


def publish(folder: Path) -> None:
    """Write everything the pages load under `folder`, removing what an earlier build left there."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in PUBLISHED:
        source = ASSETS / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=BUILD_ONLY)
        else:
            shutil.copy(source, folder / name)
    for name, text in _scripts().items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    shutil.copy(plotly_script(), folder / "plotly.min.js")


def _files(path: Path) -> list[Path]:
    return [inner for inner in path.rglob("*") if inner.is_file()] if path.is_dir() else [path]


def _scripts() -> dict[str, str]:
    """The widgets, their look, and the small model that runs without a kernel when it is there."""
    files = {f"widgets/{name}.js": bundle.page_script(name) for name in bundle.names()}
    files["widgets/kit.css"] = bundle.page_style()
    if tinylm.is_here():
        files["tinylm/model.js"] = tinylm.page_script()
    return files
