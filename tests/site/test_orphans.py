"""A page whose source has gone leaves the site with it."""

from llmkit.site.pages import remove_orphans


def test_only_pages_without_a_source_are_removed(tmp_path):
    pages = ("index", "search", "book/intro", "lessons/1-a/01-one", "lessons/1-a/02-gone", "_static/llmkit/frame")
    for name in pages:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / f"{name}.html").write_text("")
    remove_orphans(tmp_path, {"book/intro", "lessons/1-a/01-one"})
    left = {path.relative_to(tmp_path).with_suffix("").as_posix() for path in tmp_path.rglob("*.html")}
    assert left == set(pages) - {"lessons/1-a/02-gone"}
