"""tales-gpt-mini in the page: how soon the first answer comes after the first key, and how fast the page writes."""

import tempfile
from pathlib import Path

from bare_page import BareSite, open_widget
from chromium import ARGUMENTS, find_chromium
from next_token_timing import FIRST, RUN
from playwright.sync_api import sync_playwright
from server import static_server

from llmkit.widgets import NextToken

TURNS = 5
BARS = {"first": 1000, "speed": 60}  # ms, tokens a second


def run(say) -> dict[str, float]:
    """Medians of several turns, each on a fresh page in headless Chromium."""
    first, speed = [], []
    with sync_playwright() as playwright, static_server() as serve, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
        site = BareSite(serve, Path(folder))
        for _ in range(TURNS):
            page = open_widget(browser, site, NextToken(layer=-1, head=-1))
            first.append(page.evaluate(FIRST)[0])
            page.get_by_label("full speed").check()
            speed.append(page.evaluate(RUN)["speed"])
            page.close()
        browser.close()
    first, speed = sorted(first), sorted(speed)
    say(f"first answer {first[TURNS // 2]:.0f} ms after the first key, weights included (bar {BARS['first']}); "
        f"{speed[TURNS // 2]:.0f} tokens a second by the clock (bar {BARS['speed']}), attention and bars drawn; "
        f"{TURNS} turns, {first[0]:.0f} to {first[-1]:.0f} ms and {speed[0]:.0f} to {speed[-1]:.0f} tokens a second")  # fmt: skip
    return {"first_ms": first[TURNS // 2], "tokens_per_s": speed[TURNS // 2]}
