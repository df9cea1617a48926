"""Find a Chromium to test in: $LLMKIT_CHROMIUM, then the PATH, then the one Playwright installed."""

import os
import shutil
from pathlib import Path

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
NO_BROWSER = (
    "No Chromium was found. Install one with your package manager (Debian: apt-get install chromium-headless-shell) "
    "or with `python -m playwright install chromium`; LLMKIT_CHROMIUM can name its path."
)
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def find_chromium() -> str | None:
    """The path of a browser, or None. The headless shell is the same engine without windows, menus and what they cost."""
    if wanted := os.environ.get("LLMKIT_CHROMIUM"):
        return shutil.which(wanted)
    for name in NAMES:
        if found := shutil.which(name):
            return found
    return playwrights_own()


def playwrights_own() -> str | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None
