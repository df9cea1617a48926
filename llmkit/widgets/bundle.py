"""Put a widget's ES module and what it imports into one text, without a build step.

A notebook frontend gets a widget's code as a single string, so `import ... from "./kit.js"` cannot be
resolved there. The published page has the files, but a browser refuses ES modules from `file://`.
Both are served by the same few lines: dependencies are written out once, in order, before the widget.
"""

import re
from collections import Counter
from functools import cache
from pathlib import Path

SOURCES = Path(__file__).parent / "js"

_IMPORT = re.compile(r'^import\s+\{([^}]*)\}\s+from\s+"\./([\w.-]+)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(async )?(function|const|let|class)\b)", re.MULTILINE)
_COMMENT = re.compile(r"^\s*//.*\n|  // .*$", re.MULTILINE)
_INDENT = re.compile(r"^ +", re.MULTILINE)
_FUNCTION = re.compile(r"^(?:async )?function (\w+)\(.*?^\}\n", re.MULTILINE | re.DOTALL)
_WORD = re.compile(r'(?<!")\b\w+\b(?!")')  # "legend" in quotes is an element, not the function
_NAMED = re.compile(r"^export function (\w+)\(", re.MULTILINE)
_DEFAULT = re.compile(r"^export default \{ render \};\s*$", re.MULTILINE)


def names() -> list[str]:
    """The widgets that have a module, in alphabetical order."""
    return sorted(path.stem for path in SOURCES.glob("*.js") if _DEFAULT.search(path.read_text("utf-8")))


@cache
def module(name: str) -> str:
    """The widget as one ES module that exports `{ render }`: what anywidget wants as `_esm`."""
    return f"{_body(name)}\nexport default {{ render }};\n"


@cache
def page_script(name: str) -> str:
    """The widget as a classic script that registers itself with the page host: works from `file://` too."""
    return f'llmkit.define("{name}", (() => {{\n{_body(name)}\nreturn {{ render }};\n}})());\n'


@cache
def function(name: str) -> str:
    """The module `name` as the text of one function that returns its first export: what can be handed to a Worker."""
    written: dict[str, str] = {}
    _write_out(f"{name}.js", written)
    exported = _NAMED.findall(_read(f"{name}.js"))
    if not exported:
        raise ValueError(f"{name}.js must export a function to be made into one.")
    return f"function () {{\n{_INDENT.sub('', ''.join(written.values()))}\nreturn {exported[0]};\n}}"


@cache
def style(name: str) -> str:
    """The shared look, then the widget's own: what anywidget wants as `_css`."""
    own = SOURCES / f"{name}.css"
    return _read("kit.css") + (own.read_text("utf-8") if own.exists() else "")


def page_style() -> str:
    """One style sheet for the published page, with every widget's rules."""
    own = [_read(f"{name}.css") for name in names() if (SOURCES / f"{name}.css").exists()]
    return "\n".join([_read("kit.css"), *own])


def _read(file: str) -> str:
    return (SOURCES / file).read_text("utf-8")


def _body(name: str) -> str:
    """The module's text after all it imports, directly or not, each file once."""
    source = _read(f"{name}.js")
    if not _DEFAULT.search(source):
        raise ValueError(f"{name}.js must end with `export default {{ render }};` to be a widget.")
    written: dict[str, str] = {}
    _write_out(f"{name}.js", written)
    return _INDENT.sub("", _without_unused(_DEFAULT.sub("", "\n".join(written.values()))))


def _without_unused(text: str) -> str:
    """The text without the shared functions that this widget never names; `render` is named by the caller."""
    functions = {found[1]: found[0] for found in _FUNCTION.finditer(text)}
    named = Counter(_WORD.findall(text))
    while unused := [name for name in functions if name != "render" and named[name] == 1]:
        for name in unused:
            function = functions.pop(name)
            text = text.replace(function, "", 1)
            named.subtract(_WORD.findall(function))  # what only this one named may now be unused too
    return text


def _write_out(file: str, written: dict[str, str]) -> None:
    if file in written:
        return
    source = _read(file)
    for imported in _IMPORT.findall(source):
        _write_out(imported[1], written)
    text = _EXPORT.sub("", _IMPORT.sub("", _COMMENT.sub("", source)))  # comments and indentation stay in the repository
    if re.search(r"^(import|export)\b(?! default)", text, re.MULTILINE):
        raise ValueError(f'{file} has an import or export that is not `import {{ a }} from "./b.js";` on one line.')
    written[file] = text
