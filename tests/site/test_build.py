"""The site is there: whoever comes first builds it, and a warning fails."""


def test_the_site_builds_without_a_warning(built_site):
    assert (built_site / "book" / "intro.html").exists()
