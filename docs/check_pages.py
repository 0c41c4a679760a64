"""Open every page of the built site in headless Chromium and report what is broken.

    python docs/check_pages.py docs/_build/html

The folder is served on localhost. A page fails on a link to a page, file or anchor of the site
that is not there, an address that is not well formed, an image that does not load, an equation
that is not drawn, anything fetched from another host, and every error on the console: of scripts,
and of files that are missing. Links to other sites are not followed. Needs selenium, Chromium and
ChromeDriver. With ``--screenshots FOLDER`` each page is also pictured there, at ``--width``.
"""

import argparse
import functools
import http.server
import shutil
import sys
import tempfile
import threading
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)

# Waits for equations and images, then tells what the page holds.
LOOK = """
const done = arguments[arguments.length - 1];
async function look() {
  if (window.MathJax && MathJax.startup) await MathJax.startup.promise;
  for (const image of document.images) {
    image.loading = "eager";
    await image.decode().catch(() => {});
  }
  const all = (selector) => [...document.querySelectorAll(selector)];
  return {
    links: all("a[href]").map((a) => a.href),
    anchors: all("[id]").map((e) => e.id).concat(all("a[name]").map((a) => a.name)),
    images: all("img").filter((i) => !i.naturalWidth).map((i) => i.src),
    equations: all(".math").filter((e) => !e.querySelector("mjx-container")
      || e.querySelector("[data-mml-node=merror]")).map((e) => e.textContent),
    fetched: performance.getEntriesByType("resource").map((e) => e.name),
    height: document.documentElement.scrollHeight,
  };
}
look().then(done, (error) => done({error: String(error)}));
"""


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        """Print nothing for a request."""


def serve(folder):
    """Serve a folder on localhost from a thread; return the server."""
    handler = functools.partial(_Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def browser(profile, width):
    """Start Chromium with an empty profile."""
    options = webdriver.ChromeOptions()
    for flag in (*FLAGS, f"--user-data-dir={profile}", f"--window-size={width},1000"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    options.binary_location = shutil.which("chromium") or shutil.which("google-chrome")
    driver = webdriver.Chrome(options, Service(shutil.which("chromedriver")))
    driver.set_script_timeout(60)
    return driver


def look_at(driver, address):
    """Open a page; return what it holds, with the errors on its console."""
    driver.get(address)
    page = driver.execute_async_script(LOOK)
    page["console"] = [
        entry["message"] for entry in driver.get_log("browser") if entry["level"] == "SEVERE"
    ]
    return page


def problems(address, pages, folder, root):
    """List what is broken on a page, given all pages by their addresses."""
    page = pages[address]
    if "error" in page:
        return [f"script failed: {page['error']}"]
    found = [f"console: {message}" for message in page["console"]]
    found += [f"image does not load: {image}" for image in page["images"]]
    found += [f"equation is not drawn: {equation}" for equation in page["equations"]]
    found += [
        f"fetched from another host: {name}"
        for name in page["fetched"]
        if not name.startswith((root, "data:", "blob:"))
    ]
    for link in sorted(set(page["links"])):
        target, anchor = urldefrag(link)
        if not target.startswith(root):
            parts = urlsplit(link)
            web = parts.scheme in ("http", "https") and "." in (parts.hostname or "")
            mail = parts.scheme == "mailto" and "@" in parts.path
            if not (web or mail) or " " in link:
                found.append(f"not well formed: {link}")
            continue
        target = target.partition("?")[0]
        target += "index.html" if target.endswith("/") else ""
        if not (folder / unquote(target.removeprefix(root))).is_file():
            found.append(f"broken link: {link}")
        elif anchor and target in pages and unquote(anchor) not in pages[target]["anchors"]:
            found.append(f"broken anchor: {link}")
    return found


def main():
    """Check a built site; exit with 1 if anything is broken."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="what sphinx-build made")
    parser.add_argument("--screenshots", type=Path, help="folder for a picture of each page")
    parser.add_argument("--width", type=int, default=1400, help="of the window, in pixels")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    server = serve(folder)
    root = f"http://127.0.0.1:{server.server_port}/"
    paths = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.html"))
    paths = [path for path in paths if not path.startswith("_static/")]
    if not paths:
        parser.error(f"no pages in {folder}")
    pages = {}
    with tempfile.TemporaryDirectory() as profile:
        driver = browser(profile, arguments.width)
        try:
            for path in paths:
                page = pages[root + path] = look_at(driver, root + path)
                if arguments.screenshots:
                    driver.set_window_size(arguments.width, min(page["height"] + 50, 8000))
                    picture = arguments.screenshots / f"{path.replace('/', '__')}.png"
                    picture.parent.mkdir(parents=True, exist_ok=True)
                    driver.save_screenshot(str(picture))
                    driver.set_window_size(arguments.width, 1000)
        finally:
            driver.quit()
            server.shutdown()
    n_links = sum(len(page.get("links", ())) for page in pages.values())
    n_broken = 0
    for address in pages:
        found = problems(address, pages, folder, root)
        n_broken += len(found)
        for problem in found:
            print(f"{address.removeprefix(root)}: {problem.replace(root, '/')}")
    print(f"{len(pages)} pages, {n_links} links: {n_broken or 'nothing'} broken")
    return 1 if n_broken else 0


if __name__ == "__main__":
    sys.exit(main())
