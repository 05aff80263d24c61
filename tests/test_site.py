"""The documentation as a site: it builds, loads nothing from elsewhere, and fits every screen."""

import functools
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# Opens every page in a frame of each width, and says which scroll sideways, or lack a heading.
LOOK = """<!doctype html><title>look</title><pre id="found">unfinished</pre><script>
(async () => {
  const found = [], frame = document.createElement("iframe");
  document.body.append(frame);
  for (const width of [390, 1280]) {
    frame.style = `width: ${width}px; height: 900px; border: 0`;
    for (const page of PAGES) {
      await new Promise(done => { frame.onload = done; frame.src = page; });
      const root = frame.contentDocument.documentElement;
      if (root.scrollWidth > width) found.push(`${page} is ${root.scrollWidth} wide at ${width}`);
      if (!frame.contentDocument.querySelector("h1")) found.push(`${page} has no heading`);
      for (const image of frame.contentDocument.images)
        if (!image.naturalWidth) found.push(`${page} lacks the image ${image.src}`);
    }
  }
  document.getElementById("found").textContent = JSON.stringify(found);
})();
</script>"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Build the site; a warning is an error."""
    folder = tmp_path_factory.mktemp("docs") / "site"
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture
def address(site) -> Iterator[str]:
    """Serve the site."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=site)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.mark.slow
def test_site_loads_nothing_from_elsewhere(site):
    pages = list(site.rglob("*.html"))
    assert len(pages) > 30
    for page in pages:
        needed = re.findall(
            r"(?:<script[^>]*src|<link[^>]*href|<img[^>]*src)=\"([^\"]+)\"", page.read_text()
        )
        assert not [url for url in needed if re.match(r"(https?:)?//", url)], page


def opened(
    command: list[str], profiles: Path, attempts: int = 3
) -> subprocess.CompletedProcess[str]:
    """Run a browser; one that hangs when it starts, as happens now and then, is started again."""
    profile, seconds = f"--user-data-dir={profiles / str(attempts)}", 90 if attempts == 1 else 30
    try:
        return subprocess.run([*command, profile], capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        if attempts == 1:
            raise
        return opened(command, profiles, attempts - 1)


@pytest.mark.slow
def test_no_page_scrolls_sideways_on_a_phone_or_a_desk(site, address, tmp_path):
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        print("no Chromium is installed: the pages were not opened in a browser")
        return
    pages = sorted(str(page.relative_to(site)) for page in site.rglob("*.html"))
    (site / "look.html").write_text(LOOK.replace("PAGES", json.dumps(pages)))
    command = [
        browser,
        *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
        *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
        *("--window-size=1300,1000", "--virtual-time-budget=600000"),
        *("--dump-dom", f"{address}/look.html"),
    ]
    done = opened(command, tmp_path)
    (found,) = re.findall(r'<pre id="found">(.*?)</pre>', done.stdout)
    assert found == "[]", found
