import html.parser
import re
import shutil
import subprocess

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from catalogs import rewrite

import tokenry
from tokenry.cli import main
from tokenry.report import stability, write_report


class Page(html.parser.HTMLParser):
    """Text and addresses of a page."""

    def __init__(self, path):
        super().__init__()
        self.text, self.addresses = [], []
        self.feed(path.read_text())

    def handle_data(self, data):
        self.text.append(data)

    def handle_starttag(self, tag, attrs):
        self.addresses += [value for name, value in attrs if name in ("src", "href")]


@pytest.fixture
def page(run, catalog, place):
    """The report of a run over drifted data, with something in quarantine."""
    run["training"] = {"source": {"name": "parquet", "path": "data/part0.parquet"}}
    tokenry.train(run)
    rewrite(catalog / "part1.parquet", x={3: -1, 130: 667})
    for name in ("part2", "part3"):
        rewrite(catalog / f"{name}.parquet", y=(np.random.default_rng(1).normal(2, 1, 250)))
    tokenry.encode(run)
    return write_report("tokens")


def test_report_tells_what_happened(page):
    text = " ".join(Page(page).text)
    assert re.search(r"rows read\s+900", text)
    assert re.search(r"rows encoded\s+899", text)
    assert "moody: -1 is below zero" in text
    assert "667 is not to my liking" in text
    assert "range_tokens" in text


def test_report_flags_drift(page):
    text = " ".join(Page(page).text)
    assert re.search(r"range_tokens.*⚠ drifted", text)


def test_report_needs_nothing_from_the_network(page):
    addresses = Page(page).addresses
    assert addresses
    assert all(address.startswith("data:") for address in addresses)


def test_report_escapes_what_it_shows(run, place, catalog):
    name = '<script>alert("x")</script>&.parquet'.replace("/", "_")
    shutil.move(catalog / "part1.parquet", catalog / name)
    rewrite(catalog / name, x={3: -1})
    del run["tokenizers"]["range"]
    tokenry.encode(run)
    text = write_report("tokens").read_text()
    assert "<script>" not in text
    assert "&lt;script&gt;" in text


def test_command_writes_the_page_and_says_where(run, place, capsys):
    del run["tokenizers"]["range"]
    tokenry.encode(run)
    assert main(["report", "tokens", "-o", "r.html"]) == 0
    assert capsys.readouterr().out.strip() == "r.html"
    assert main(["report", "nowhere"]) == 1
    assert "holds no finished run" in capsys.readouterr().err


def test_report_of_data_that_is_gone_says_so(run, catalog):
    del run["tokenizers"]["range"]
    tokenry.encode(run)
    shutil.rmtree(catalog)
    assert "no sample of the source could be read" in write_report("tokens").read_text()


def test_scalar_report_shows_columns_errors_and_bins(place):
    random = np.random.default_rng(0)
    columns = {
        "id": np.arange(500),
        "g": random.normal(size=500),
        "r": np.round(random.random(500)),
    }
    pq.write_table(pa.table(columns), "a.parquet")
    scalar = {"n_bins": 16, "scalar_columns": ["g", "r"], "apply_row_filter": False}
    run = {"source": {"name": "parquet", "path": "a.parquet"}, "tokenizers": {"scalar": scalar}}
    run["engine"] = {"name": "local", "mode": "serial"}
    tokenry.train(run)
    tokenry.encode(run)
    text = " ".join(Page(write_report("tokens")).text)
    assert "scalar_tokens[g]" in text
    assert "median error after decoding" in text


def test_same_distribution_is_stable_and_a_shift_is_not():
    random = np.random.default_rng(0)

    def counts(shift, size=20_000):
        values = np.clip(random.normal(500 + shift, 150, size), 0, 1023).astype(int)
        return np.bincount(values, minlength=1025)

    reference = counts(0)
    assert stability(reference, counts(0)) < 0.01
    assert stability(reference, counts(0, 2_000)) < 0.1
    assert stability(reference, counts(100)) > 0.2
    missing = counts(0)
    missing[1024] += 10_000
    assert stability(reference, missing) > 0.2


@pytest.mark.slow
@pytest.mark.parametrize("size", ["1280,900", "390,800"], ids=["desktop", "phone"])
def test_report_opens_in_a_browser_without_a_word_on_its_console(page, place, size):
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        print("no Chromium is installed: the page was not opened in a browser")
        return
    command = [
        browser,
        *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
        *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
        *("--enable-logging=stderr", "--v=0", f"--user-data-dir={place / 'profile'}"),
        *(f"--window-size={size}", "--virtual-time-budget=3000"),
        f"--screenshot={place / 'page.png'}",
        page.absolute().as_uri(),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (place / "page.png").stat().st_size > 10_000, done.stderr
    assert "CONSOLE" not in done.stderr
