"""Pages: our own quiet theme, what each page loads, and the line that says how to run a lesson."""

import re
from html import escape
from pathlib import Path
from types import SimpleNamespace

from llmkit.site import assets, lessons
from llmkit.site.formulas import with_punctuation

INDEX = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<link rel="icon" href="data:,"><link rel="canonical" href="{home}">
<meta http-equiv="refresh" content="0; url={home}"></head>
<body><p><a href="{home}">{title}</a></p></body></html>
"""
COLAB = "https://colab.research.google.com/github/"


def setup(app) -> None:
    """Register the theme `llmkit` and what happens before and after pages are written."""
    app.add_html_theme("llmkit", str(assets.ASSETS / "theme"))
    app.add_config_value("comments_config", {}, "html")  # Jupyter Book sets it even when nothing reads it
    app.connect("html-page-context", prepare_page, priority=900)
    app.connect("build-finished", publish, priority=400)  # before a stock index.html would be written


def prepare_page(app, pagename: str, templatename: str, context: dict, doctree) -> None:
    """Say what this page needs, and finish its body."""
    body = context.get("body", "")
    context["llmkit"] = SimpleNamespace(
        version=assets.version(),
        has_math='class="katex' in body,
        has_figures="data-llm-" in body,
        is_home=pagename == app.config.root_doc,
        is_lesson=pagename.startswith("lessons/"),
        description=first_sentence(doctree),
    )
    body = in_scrolling_boxes(with_punctuation(body)).replace('role="doc-biblioentry"', 'role="listitem"')  # the role is deprecated
    if context["llmkit"].is_lesson:
        seconds = lessons.facts(Path(app.srcdir) / f"{pagename}.ipynb").seconds
        body = body.replace("</h1>", "</h1>" + lesson_line(pagename, context, seconds), 1)
    context["body"] = body


def in_scrolling_boxes(body: str) -> str:
    """Wide tables scroll by themselves; the page never does. An empty corner is no header."""
    body = re.sub(r"<th[^>]*>(<p></p>)?</th>", "<td></td>", body)
    body = re.sub(r"<table\b", '<div class="table-box"><table', body)
    return body.replace("</table>", "</table></div>")


def first_sentence(doctree) -> str:
    """The page's first paragraph up to 160 characters, for search engines and previews."""
    from docutils import nodes

    for paragraph in doctree.findall(nodes.paragraph) if doctree else ():
        text = " ".join(paragraph.astext().split())
        return text if len(text) <= 160 else text[:159].rsplit(" ", 1)[0] + "…"
    return ""


def lesson_line(pagename: str, context: dict, seconds: int | None = None) -> str:
    """How long a run takes, download, JupyterLab, and Colab when the address of the repository is known."""
    notebook = f"{pagename}.ipynb"
    source = escape(context["pathto"](f"_sources/{notebook}", True))
    colab = colab_address(notebook, context)
    links = f'<a href="{escape(colab)}">Open in Colab</a>' if colab else ""
    return (
        f'<div class="lesson-line"><span>Run this lesson{f": {seconds} s" if seconds else ""}</span>'
        f'<a href="{source}" download="{escape(Path(notebook).name)}">Download the notebook</a>{links}'
        "<details><summary>Open in JupyterLab</summary>"
        "<p>In your copy of the book’s repository, type</p>"
        "<pre><code>make lab</code></pre>"
        f"<p>and open <code>{escape(notebook)}</code>. Without make: "
        f"<code>jupyter lab {escape(notebook)}</code>.</p></details></div>"
    )


def colab_address(notebook: str, context: dict) -> str | None:
    """Where Colab opens the notebook; None while `repository.url` in `_config.yml` is empty."""
    match = re.fullmatch(r"https://github\.com/([\w.-]+/[\w.-]+?)(\.git)?/?", context.get("theme_repository_url") or "")
    branch = context.get("theme_repository_branch") or "main"
    return f"{COLAB}{match[1]}/blob/{branch}/{notebook}" if match else None


def publish(app, problem: Exception | None) -> None:
    """Copy what the pages load and lead the site's own address to the home page, unless the build broke."""
    if problem is None and app.builder.format == "html":
        assets.publish(Path(app.outdir) / "_static" / "llmkit")
        remove_orphans(Path(app.outdir), app.env.found_docs)
        if app.config.root_doc != "index":
            home = escape(f"{app.config.root_doc}{app.builder.out_suffix}")
            (Path(app.outdir) / "index.html").write_text(INDEX.format(home=home, title=escape(app.config.html_title)), "utf-8")


def remove_orphans(site: Path, documents: set[str]) -> None:
    """Delete pages that an earlier build wrote and whose source has gone since: they would call for files that are no more."""
    for page in site.rglob("*.html"):
        name = page.relative_to(site).with_suffix("").as_posix()
        if not name.startswith("_") and name not in documents | {"index", "search"}:
            page.unlink()
