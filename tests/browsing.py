"""Chromium without a window, for the tests of pages."""

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

ARTIFACTS = Path(os.environ.get("PULLBACK_ARTIFACTS") or Path(__file__).parents[1] / "artifacts")
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--window-size=1400,900",
]  # fmt: skip


def browser(folder: Path, *more: str) -> Any:
    selenium = pytest.importorskip(
        "selenium", reason="BROWSER TEST SKIPPED: no selenium; pip install '.[browser]'"
    )
    binary = shutil.which("chromium") or shutil.which("chromium-browser")
    driver = shutil.which("chromedriver")
    if not binary or not driver:
        pytest.skip("BROWSER TEST SKIPPED: no chromium; apt-get install chromium chromium-driver")
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service

    options = Options()
    for flag in [*FLAGS, f"--user-data-dir={folder / 'profile'}", *more]:
        options.add_argument(flag)
    options.binary_location = binary
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    del selenium
    from selenium import webdriver

    return webdriver.Chrome(options=options, service=Service(driver))


def picture(window: Any, name: str) -> None:
    ARTIFACTS.mkdir(exist_ok=True)
    window.save_screenshot(str(ARTIFACTS / f"{name}.png"))


def requests(window: Any) -> list[str]:
    """The addresses of all that the page asked the network for."""
    messages = [json.loads(m["message"])["message"] for m in window.get_log("performance")]
    sent = [
        m["params"]["request"]["url"]
        for m in messages
        if m["method"] == "Network.requestWillBeSent"
    ]
    here = ("file:", "data:", "chrome:", "blob:")  # a blob is the page's own memory: its Worker
    return [url for url in sent if not url.startswith(here)]


def loaded(window: Any, path: str | Path) -> None:
    requests(window)  # what the browser's own first page wanted
    window.get(Path(path).resolve().as_uri())
    ready = window.execute_async_script("""
        const done = arguments[0], root = document.documentElement;
        const look = () => root.dataset.ready ? done("yes") : setTimeout(look, 10);
        look();
    """)
    assert ready == "yes"


def settled(window: Any) -> None:
    """Wait until what was asked for is drawn: the page computes its layout in a Worker."""
    window.execute_async_script("""
        const done = arguments[0];
        const look = () => canvas.ariaBusy ? setTimeout(look, 10) : done();
        look();
    """)


def run(window: Any, script: str, *arguments: Any) -> Any:
    """What a script returns that may wait: the body of an async function of `given`."""
    answer = window.execute_async_script(
        f"""
        const done = arguments[arguments.length - 1], given = [...arguments].slice(0, -1);
        const told = (error) => done({{error: String(error)}});
        (async () => {{ {script} }})().then((value) => done({{value}}), told);
        """,
        *arguments,
    )
    assert "error" not in answer, answer["error"]
    return answer.get("value")


def contrast(a: str, b: str) -> float:
    """The ratio of luminances of two `rgb(r, g, b)`."""

    def luminance(colour: str) -> float:
        parts = [int(x) / 255 for x in re.findall(r"\d+", colour)[:3]]
        linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted([luminance(a), luminance(b)], reverse=True)
    return (light + 0.05) / (dark + 0.05)
