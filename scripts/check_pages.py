"""Open HTML files in headless Chromium, light and dark, 1280 and 390 pixels wide, and check what it says of them.

Exits with 1 if the console says anything, a file is asked for, a page is wider than its window, or axe-core finds a
serious or critical violation. With --shots FOLDER, leaves a picture of each to look at.

    pip install playwright axe-playwright-python && apt-get install chromium
    python scripts/check_pages.py runs/digits/report.html
"""

import argparse
import shutil
import sys
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, sync_playwright

WIDTHS = (1280, 390)
SERIOUS = ("serious", "critical")


def problems(browser: Browser, path: Path, scheme: Any, width: int, shots: Path | None) -> list[str]:
    """Return what is wrong with a page, all of it unfolded, in a colour scheme and a width."""
    page = browser.new_page(color_scheme=scheme, viewport={"width": width, "height": 900})
    own = (path.resolve().as_uri(), "data:")
    found: list[str] = []
    page.on("console", lambda message: found.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: found.append(f"error: {error}"))
    page.on("request", lambda asked: None if asked.url.startswith(own) else found.append(f"request: {asked.url}"))
    page.goto(own[0])
    page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
    if (wide := page.evaluate("document.documentElement.scrollWidth")) > width:
        found.append(f"{wide} pixels wide")
    violations = Axe().run(page).response["violations"]
    found += [f"axe: {rule['id']}: {rule['nodes'][0]['html']}" for rule in violations if rule["impact"] in SERIOUS]
    if shots is not None:
        page.screenshot(path=shots / f"{path.parent.name}-{scheme}-{width}.png", full_page=True)
    page.close()
    return found


def main() -> None:
    """Check every page, and print a line for each theme and width."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", nargs="+", type=Path)
    parser.add_argument("--shots", type=Path, help="folder for a picture of each")
    options = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    failed = False
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for path in options.pages:
            for scheme in ("light", "dark"):
                for width in WIDTHS:
                    found = problems(browser, path, scheme, width, options.shots)
                    failed |= bool(found)
                    print(f"{path}, {scheme}, {width} pixels: {'; '.join(found) or 'nothing to say'}")
    sys.exit(failed)


if __name__ == "__main__":
    main()
