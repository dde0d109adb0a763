"""Opens the site and the HTML report of `verify` in Chromium, and says what is wrong with them.

    check.py BOOK TFBACKEND

Looks at: links and their anchors, errors of scripts, requests to other hosts, the search, a screen that is 360 pixels wide, and the
contrast of all text, light and dark. Ends with 1 if anything is wrong.
"""

import functools
import http.server
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin

from playwright.sync_api import sync_playwright

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
FLAGS += ["--disable-component-update", "--disable-sync"]
BROWSERS = ["chromium", "chromium-browser", "google-chrome"]
# mdBook makes them for itself: the list of chapters without scripts, and the page for a wrong address.
NO_PAGES = ["404.html", "toc.html"]
NARROW = {"width": 360, "height": 740}
WIDE = {"width": 1280, "height": 900}
# WCAG 2.2, 1.4.3: minimum contrast of text.
CONTRAST = 4.5

# Texts that are harder to read than WCAG allows: over the first background that is not transparent.
LOW_CONTRAST = """minimum => {
  const parse = text => {
    const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
    canvas.fillStyle = text; canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const cache = new Map();
  const color = text => { if (!cache.has(text)) cache.set(text, parse(text)); return cache.get(text); };
  const channel = c => { c /= 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
  const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const behind = element => {
    for (let at = element; at; at = at.parentElement) {
      const found = color(getComputedStyle(at).backgroundColor);
      if (found[3] > 0.99) return found;
    }
    return color(getComputedStyle(document.documentElement).colorScheme.includes('dark') ? '#121212' : '#ffffff');
  };
  const wrong = new Map();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !element.checkVisibility({checkOpacity: true, checkVisibilityCSS: true})) continue;
    if (element.closest('script, style, svg, [aria-hidden=true], [disabled]')) continue;
    const front = color(getComputedStyle(element).color), back = behind(element);
    const mixed = front.slice(0, 3).map((c, at) => c * front[3] + back[at] * (1 - front[3]));
    const [high, low] = [luminance(mixed), luminance(back)].sort((a, b) => b - a);
    const ratio = (high + 0.05) / (low + 0.05);
    if (ratio < minimum) {
      const key = `${element.tagName.toLowerCase()}.${element.className} ${getComputedStyle(element).color} on ${back}`;
      if (!wrong.has(key)) wrong.set(key, `${ratio.toFixed(2)}: ${walker.currentNode.textContent.trim().slice(0, 40)}`);
    }
  }
  return [...wrong].map(([key, value]) => `${key}: ${value}`);
}"""

# The elements that are wider than the screen, without those in what scrolls on its own.
TOO_WIDE = """() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  const scrolls = element => {
    for (let at = element.parentElement; at && at !== document.body; at = at.parentElement)
      if (['auto', 'scroll', 'hidden'].includes(getComputedStyle(at).overflowX)) return true;
    return false;
  };
  const wide = [...document.body.querySelectorAll('*')].filter(e => e.getBoundingClientRect().right > width + 1 && !scrolls(e));
  const names = wide.map(e => `${e.tagName.toLowerCase()}.${e.className} ${e.textContent.trim().slice(0, 40)}`);
  return [`${document.documentElement.scrollWidth} pixels`, ...names.slice(-3)];
}"""


class Findings:
    def __init__(self):
        self.texts = []

    def add(self, text):
        print(f"wrong: {text}", flush=True)
        self.texts.append(text)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *_):
        """The browser left before it had all: it is on another page by now."""


def served(folder):
    server = Server(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}/"


def context(browser, home, findings, **options):
    """A context whose pages load nothing from elsewhere, and whose errors are findings."""
    opened = browser.new_context(**options)

    def route(request):
        if request.request.url.startswith((home, "data:", "blob:")):
            request.continue_()
        else:
            findings.add(f"a request to another place: {request.request.url}")
            request.abort()

    opened.route("**/*", route)
    page = opened.new_page()
    # Longer than anything takes on a busy machine.
    page.set_default_navigation_timeout(120_000)
    page.on("pageerror", lambda error: findings.add(f"{page.url}: {error}"))
    page.on("console", lambda message: message.type == "error" and findings.add(f"{page.url}: {message.text}"))
    page.on("response", lambda response: response.status >= 400 and findings.add(f"{response.status}: {response.url}"))
    return page


def links(browser, home, pages, findings):
    """Opens each page, and compares its links with what there is."""
    page = context(browser, home, findings, viewport=WIDE)
    ids, found = {}, []
    for name in pages:
        page.goto(home + name)
        url = urldefrag(page.url).url
        ids[url] = set(page.evaluate("() => [...document.querySelectorAll('[id]')].map(e => e.id)"))
        for target in page.evaluate("() => [...document.querySelectorAll('a[href]')].map(e => e.getAttribute('href'))"):
            found.append((url, urljoin(url, target)))
    inside = [(url, target) for url, target in found if target.startswith(home)]
    for url, target in sorted(set(inside)):
        place, anchor = urldefrag(target)
        place = place + "index.html" if place.endswith("/") else place
        file = unquote(place[len(home):])
        if place not in ids and not (Path(BOOK) / file).is_file():
            findings.add(f"{url}: there is no {target}")
        elif anchor and place in ids and unquote(anchor) not in ids[place]:
            findings.add(f"{url}: no {anchor} in {place}")
    page.context.close()
    return len(set(inside))


def search(browser, home, findings):
    page = context(browser, home, findings, viewport=WIDE)
    for words, wanted in [("errored.tfstate", "guide/recovery.html"), ("runner policy", "reference/policies.html")]:
        page.goto(home)
        page.locator("#mdbook-search-toggle").click()
        results = page.locator("#mdbook-searchresults a")
        # What is typed before the index is there is not looked for.
        for _ in range(30):
            page.locator("#mdbook-searchbar").fill("")
            # The page listens to keys.
            page.locator("#mdbook-searchbar").press_sequentially(words)
            page.wait_for_timeout(1_000)
            if results.count():
                break
        else:
            findings.add(f"the search finds nothing for {words!r}")
            continue
        targets = results.evaluate_all("all => all.map(e => e.getAttribute('href'))")
        if not any(wanted in target for target in targets):
            findings.add(f"the search for {words!r} does not find {wanted}: {targets[:5]}")
            continue
        results.locator(f'xpath=self::a[contains(@href, "{wanted}")]').first.click()
        page.wait_for_url(f"**/{wanted}*")
    page.context.close()


def looks(browser, home, names, findings):
    """Narrow and wide, light and dark."""
    for scheme in ["light", "dark"]:
        for view in [NARROW, WIDE]:
            page = context(browser, home, findings, viewport=view, color_scheme=scheme)
            for name in names:
                page.goto(home + name)
                what = f"{name or 'index.html'}, {scheme}, {view['width']} pixels"
                for text in page.evaluate(TOO_WIDE):
                    findings.add(f"{what}: too wide: {text}")
                if view is WIDE:
                    for text in page.evaluate(LOW_CONTRAST, CONTRAST):
                        findings.add(f"{what}: contrast {text}")
                    back = page.evaluate("() => getComputedStyle(document.body).backgroundColor + getComputedStyle(document.documentElement).backgroundColor")
                    dark = page.evaluate(DARK)
                    if dark != (scheme == "dark"):
                        findings.add(f"{what}: the page is {'dark' if dark else 'light'} ({back})")
            page.context.close()


# Whether the text of the page is lighter than what is behind it.
DARK = """() => {
  const text = getComputedStyle(document.querySelector('main') || document.body).color;
  const canvas = document.createElement('canvas').getContext('2d');
  canvas.fillStyle = text; canvas.fillRect(0, 0, 1, 1);
  const [r, g, b] = canvas.getImageData(0, 0, 1, 1).data;
  return r + g + b > 382;
}"""


def report(tfbackend, folder):
    """Reports of a backend that is missing, has findings, accepted ones, or none; made in a sandbox."""
    work = folder / "infra"
    work.mkdir()
    variables = {"PATH": os.environ["PATH"], "HOME": str(folder), "TFBACKEND_SANDBOX_DIR": str(folder / "sandbox")}
    if "XDG_CACHE_HOME" in os.environ:
        variables["XDG_CACHE_HOME"] = os.environ["XDG_CACHE_HOME"]

    def run(*words, status=0):
        done = subprocess.run([tfbackend, *words], cwd=work, env=variables, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode != status:
            raise SystemExit(f"tfbackend {' '.join(words)}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    backend = ["--sandbox", "--env", "prod", "--project", "acme", "--region", "eu-west-1"]
    run("sandbox", "up")
    try:
        run("bootstrap", *backend, "--alarm-email", "ops@example.com", "--save", "-y")
        (folder / "report").mkdir()
        stricter = ["--noncurrent-days", "400", "--alarm-email", "night@example.com"]
        accept = ["--ignore", "bucket-lifecycle", "--reason", "kept elsewhere", "--until", "2099-12-31"]
        for name, words, status in [
            ("missing.html", ["--env", "stage", "--new-env", *backend[3:], "--sandbox"], 2),
            ("findings.html", ["--env", "prod", "--sandbox", *stricter], 2),
            ("accepted.html", ["--env", "prod", "--sandbox", *stricter, *accept], 2),
            ("good.html", ["--env", "prod", "--sandbox"], 0),
        ]:
            text = run("verify", *words, "--output", "html", status=status)
            (folder / "report" / name).write_text(text, encoding="utf-8")
    finally:
        run("sandbox", "down", "--purge")
    return folder / "report"


def report_links(browser, home, names, findings):
    page = context(browser, home, findings, viewport=WIDE)
    for name in names:
        page.goto(home + name)
        targets = page.evaluate("() => [...document.querySelectorAll('a[href^=\"#\"]')].map(e => e.getAttribute('href').slice(1))")
        ids = page.evaluate("() => [...document.querySelectorAll('[id]')].map(e => e.id)")
        for target in targets:
            if unquote(target) not in ids:
                findings.add(f"{name}: no {target}")
        for what, wanted in [("diagram", ".picture svg"), ("score", "svg[aria-label^=Score]")]:
            if not page.locator(wanted).count():
                findings.add(f"{name}: no {what}")
    page.context.close()


def main(book, tfbackend):
    findings = Findings()
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if not found:
        raise SystemExit("Chromium is needed on PATH: apt install chromium")
    pages = sorted(str(path.relative_to(book)) for path in Path(book).rglob("*.html") if path.name not in NO_PAGES)
    if len(pages) < 30:
        raise SystemExit(f"{book} has only {len(pages)} pages: make site")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        reports = report(tfbackend, Path(folder))
        browser = driver.chromium.launch(executable_path=found, args=FLAGS)
        print(f"Chromium {browser.version}, {len(pages)} pages", flush=True)
        home = served(book)
        print(f"links: {links(browser, home, pages, findings)}", flush=True)
        search(browser, home, findings)
        print("search", flush=True)
        looks(browser, home, pages, findings)
        print("narrow and wide, light and dark", flush=True)
        names = sorted(path.name for path in reports.iterdir())
        home = served(reports)
        report_links(browser, home, names, findings)
        looks(browser, home, names, findings)
        print(f"reports: {', '.join(names)}", flush=True)
        browser.close()
    print(f"{len(findings.texts)} findings")
    return 1 if findings.texts else 0


if __name__ == "__main__":
    BOOK, PROGRAM = sys.argv[1], str(Path(sys.argv[2]).resolve())
    sys.exit(main(BOOK, PROGRAM))
