"""The Sphinx extension that makes the published site: live figures, formulas, the look, the lesson line."""


def setup(app) -> dict:
    """Called by Sphinx; `_config.yml` names this package among its extensions."""
    from llmkit.site import directive, formulas, glossary, lessons, pages, references

    for part in (directive, formulas, glossary, lessons, pages, references):
        part.setup(app)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
