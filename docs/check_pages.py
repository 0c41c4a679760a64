"""Open every page of the built site in headless Chromium and report what is broken.

    python docs/check_pages.py docs/_build/html

The folder is served on localhost. A page fails on a link to a page, file or anchor of the site
that is not there, an address that is not well formed, an image that does not load, an equation
that is not drawn, anything fetched from another host, and every error on the console: of scripts,
and of files that are missing. Links to other sites are not followed.

Each page is laid out at 1280 pixels, as on a laptop, and at 390, as on a phone. It fails if it is
wider than the window, or if something on it ends outside of the window and cannot be scrolled to.
At 1280 it also fails if code, an output or a table scrolls sideways, or if a plot is shown so
small that its letters cannot be read.

``--self-test`` checks pages that are broken on purpose, and fails unless all of it is found.
``--screenshots FOLDER`` pictures each page, at ``--width``, and ``--dark`` in dark mode; ``--only
TEXT`` chooses pages by their names. Needs selenium, Chromium and ChromeDriver. It takes about a
second a page.
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

LAPTOP, PHONE = 1280, 390  # widths of windows, in pixels
SMALLEST_PLOT = 0.7  # of a plot's own width; matplotlib's letters of 10 points are 10 pixels then

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


# Tells what does not fit into the window. `inside` tells of an element of the article whether
# something around it scrolls; the article itself, and the side bars, may not.
MEASURE = """
const [smallest, all_must_fit] = arguments;
const all = (selector) => [...document.querySelectorAll(selector)];
const say = (e) => (e.alt || e.textContent).trim().replace(/\\s+/g, " ").slice(0, 60);
const scrolls = (e) => ["auto", "scroll"].includes(getComputedStyle(e).overflowX);
const inside = (e) => e && !e.matches("article, body") && (scrolls(e) || inside(e.parentElement));
const drawn = (e) => e.checkVisibility({opacityProperty: true, visibilityProperty: true});
// These wait outside of the window, for a button or the keyboard.
const ASIDE = "dialog, svg, .skip-link, .pst-back-to-top, #pst-back-to-top"
  + (all_must_fit ? "" : ", .bd-sidebar");
const width = document.documentElement.clientWidth;
const found = [];
if (document.documentElement.scrollWidth > width)
  found.push(`the page is ${document.documentElement.scrollWidth} wide`);
for (const e of all("body *")) {
  const box = e.getBoundingClientRect();
  const leaf = e.tagName == "IMG"
    || [...e.childNodes].some((n) => n.nodeType == 3 && n.textContent.trim());
  if (leaf && box.width > 1 && (box.right > width + 1 || box.left < -1) && drawn(e)
      && !(e.closest("article") && inside(e.parentElement)) && !e.closest(ASIDE))
    found.push(`<${e.tagName.toLowerCase()}> spans ${Math.round(box.left)} to `
      + `${Math.round(box.right)}: ${say(e)}`);
}
for (const e of all(".bd-sidebar-primary, .bd-sidebar-secondary"))
  if (e.scrollWidth > e.clientWidth + 1)
    found.push(`a side bar's contents are ${e.scrollWidth} wide in ${e.clientWidth}`);
if (all_must_fit) {
  for (const e of all("article *"))
    if (scrolls(e) && e.scrollWidth > e.clientWidth + 1 && drawn(e))
      found.push(`<${e.tagName.toLowerCase()}> scrolls, ${e.scrollWidth} in ${e.clientWidth}: `
        + say(e));
  for (const e of all("img.sphx-glr-single-img, .plot-directive img"))
    if (e.width < smallest * e.naturalWidth)
      found.push(`a plot is shown at ${Math.round(100 * e.width / e.naturalWidth)} %: ${say(e)}`);
}
return found;
"""

# What a page can do wrong, and what is then said of it: a page each is made for the self-test.
BROKEN = {
    '<p><a href="missing.html">A link</a></p>': "broken link",
    '<p><a href="#nowhere">An anchor</a></p>': "broken anchor",
    '<p><a href="https://nowhere">An address</a></p>': "not well formed",
    '<p><img src="missing.png" alt="An image"></p>': "image does not load",
    "<p><span class='math'>x</span></p>": "equation is not drawn",
    "<script>throw Error('Oh')</script>": "console",
    "<div style='width: 1500px'>A wide page</div>": "1280 pixels: the page is",
    "<div style='width: 500px'>A wide page on a phone</div>": "390 pixels: the page is",
    "<div style='overflow: hidden'><p style='width: 1500px'>Cut</p></div>": "pixels: <p> spans",
    "<pre style='overflow: auto'>" + 300 * "x" + "</pre>": "1280 pixels: <pre> scrolls",
    "<div style='overflow: auto'><table><td style='min-width: 1500px'>A table</table></div>": (
        "1280 pixels: <div> scrolls"
    ),
    "<img class='sphx-glr-single-img' width=40 src='plot.svg' alt='A plot'>": "plot is shown at",
}
PAGE = "<!doctype html><title>A page</title><link rel=icon href='data:,'>"
PLOT = "<svg xmlns='http://www.w3.org/2000/svg' width='400' height='300'/>"


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


def resize(driver, width, height=1000):
    """Lay the page out for a window of this size, which may be narrower than windows can be."""
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def look_at(driver, address):
    """Open a page; return what it holds, what does not fit, and the errors on its console."""
    resize(driver, LAPTOP)
    driver.get(address)
    page = driver.execute_async_script(LOOK)
    page["layout"] = []
    for width in (PHONE, LAPTOP):
        resize(driver, width)
        found = driver.execute_script(MEASURE, SMALLEST_PLOT, width == LAPTOP)
        page["layout"] += [f"at {width} pixels: {problem}" for problem in found]
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
    found += page["layout"]
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


def self_test(profile):
    """Check pages that are broken on purpose; return what was not found."""
    missed = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "plot.svg").write_text(PLOT, encoding="utf-8")
        bodies = {"0.html": "<p>Nothing is wrong.</p>"}
        bodies |= {f"{number}.html": body for number, body in enumerate(BROKEN, start=1)}
        for path, body in bodies.items():
            text = f"{PAGE}<body><article>{body}</article>"
            (folder / path).write_text(text, encoding="utf-8")
        found = check(folder, list(bodies), profile)[0]
        for path, expected in zip(bodies, ["", *BROKEN.values()]):
            said = " ".join(found[path])
            if expected not in said or (said and not expected):
                missed.append(f"{bodies[path]}: expected {expected!r}; got {said!r}")
    return missed


def check(folder, paths, profile, pictures=None):
    """Open pages of a folder; return what is wrong with each, and the number of links."""
    server = serve(folder)
    root = f"http://127.0.0.1:{server.server_port}/"
    pages = {}
    driver = browser(profile, LAPTOP)
    try:
        if pictures and pictures.dark:
            dark = [{"name": "prefers-color-scheme", "value": "dark"}]
            driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": dark})
        for path in paths:
            pages[root + path] = look_at(driver, root + path)
            if pictures and pictures.screenshots:
                picture(driver, path, pictures.screenshots, pictures.width)
    finally:
        driver.quit()
        server.shutdown()
    found = {
        address.removeprefix(root): [
            problem.replace(root, "/") for problem in problems(address, pages, folder, root)
        ]
        for address in pages
    }
    return found, sum(len(page.get("links", ())) for page in pages.values())


def picture(driver, path, folder, width):
    """Save a picture of the page that is open, from its top to its end."""
    resize(driver, width)
    height = driver.execute_script("return document.documentElement.scrollHeight")
    resize(driver, width, min(height + 50, 8000))
    folder.mkdir(parents=True, exist_ok=True)
    driver.save_screenshot(str(folder / f"{path.replace('/', '__')}.png"))


def main():
    """Check a built site; exit with 1 if anything is broken."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", help="what sphinx-build made")
    parser.add_argument("--self-test", action="store_true", help="of this script")
    parser.add_argument("--only", default="", help="pages whose names hold this text")
    parser.add_argument("--screenshots", type=Path, help="folder for a picture of each page")
    parser.add_argument("--width", type=int, default=LAPTOP, help="of a picture, in pixels")
    parser.add_argument("--dark", action="store_true", help="in dark mode")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as profile:
        if arguments.self_test:
            missed = self_test(profile)
            print("\n".join(missed) or f"{len(BROKEN)} broken pages: all were found")
            return 1 if missed else 0
        if arguments.folder is None:
            parser.error("name the folder of the site")
        folder = arguments.folder.resolve()
        paths = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.html"))
        paths = [p for p in paths if not p.startswith("_static/") and arguments.only in p]
        if not paths:
            parser.error(f"no pages in {folder}")
        found, n_links = check(folder, paths, profile, arguments)
    for path, its in found.items():
        for problem in its:
            print(f"{path}: {problem}")
    n_broken = sum(map(len, found.values()))
    print(f"{len(paths)} pages, {n_links} links: {n_broken or 'nothing'} broken")
    return 1 if n_broken else 0


if __name__ == "__main__":
    sys.exit(main())
