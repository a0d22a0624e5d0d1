"""The pages in a real browser: whole without a network, readable at any width, harmless whatever came home."""

import json
import re

import pytest

from remote.page import comparison, write
from tests.page import chromium, runs_on_disk

pytestmark = pytest.mark.skipif(not chromium.program(), reason="no Chromium here (Debian: chromium-headless-shell)")

HARM = """<script>document.title = "owned"</script><img src=x onerror="document.title='owned'">"""
WIDTHS = (1280, 390)
BARE = {"timeline": [], "launched": "", "closed": "", "exit_code": None}
TURN = {"job": "lstm_words", "parameters": {"epochs": 9}, "files": {}}


@pytest.fixture(scope="module")
def browser():
    with chromium.browser() as found:
        yield found


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run with all that a page can show."""
    run = runs_on_disk.make(tmp_path_factory.mktemp("runs"))
    names = ("loss", "held_out_loss", "held_out_mean_iou", "seconds")
    runs_on_disk.write_metrics(run, [{"epoch": e, **dict.fromkeys(names, 1 / e)} for e in range(1, 13)])
    runs_on_disk.write_samples(run, {f"epoch-{e:03}.txt": f"sample of epoch {e} " * 20 for e in range(1, 13)})
    (run.folder / "out/plots").mkdir()
    (run.folder / "out/plots/held-out.png").write_bytes(runs_on_disk.png(1600, 300))
    model = {"versions": {"keras": "3.15.1"}, "vocabulary": [], "classes": ["sea", "land"]}
    (run.folder / "out/model.json").write_text(json.dumps(model | {"metrics": {"held_out_iou": [0.8765, None]}}))
    (run.folder / "gpu.csv").write_text(runs_on_disk.gpu_lines(40))
    return run


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """A run that failed, and whose instance put markup wherever it could."""
    run = runs_on_disk.make(tmp_path_factory.mktemp("runs"), exit_code=1, parameters={"epochs": 3, "text": HARM})
    run.timeline.append([HARM, 1.0])
    run.price_source = run.stall = HARM
    runs_on_disk.write_metrics(run, [{"epoch": 1, HARM: 1.0, "loss": 2.0}, {"epoch": 2, HARM: 2.0, "loss": 1e29}])
    runs_on_disk.write_samples(
        run, {"epoch-001.txt": HARM * 3, "<b>2.txt": "\u202e" + HARM, "x" * 200 + ".txt": "w" * 9000}
    )
    (run.folder / "out/plots").mkdir()
    (run.folder / "out/plots" / "<img src=x onerror=alert(1)>.png").write_bytes(runs_on_disk.png(4000, 20))
    (run.folder / "out/plots/drawing.png").write_text(f"<svg xmlns='http://www.w3.org/2000/svg'>{HARM}</svg>")
    (run.folder / "out/plots/drawing.svg").write_text(f"<svg xmlns='http://www.w3.org/2000/svg'>{HARM}</svg>")
    model = {"versions": {HARM: HARM}, "metrics": {HARM: {HARM: 0.5}}, "units": {"loss": HARM}, "machine": HARM}
    (run.folder / "out/model.json").write_text(json.dumps(model | {"baselines": {HARM: 0.5}}))
    (run.folder / "gpu.csv").write_text(f"2026/02/01 00:00:00.1, {HARM}, 80, 1, 2, 3, 4, 0\n" * 3)
    run.log.write_text(f"{HARM}\n\x1b[2J{'y' * 5000}\n")
    return run


def size(browser, selector):
    """[width, height] of the first element that a selector finds."""
    return browser.value(
        f"(r => [r.width, r.height])(document.querySelector({json.dumps(selector)}).getBoundingClientRect())"
    )


def sound(browser):
    """Whatever is wrong with the page that is open."""
    wide = browser.value("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    outside = [url for url in browser.requests() if not url.startswith("data:")]
    return {"asks the network": outside, "console": browser.complaints(), "scrolls sideways": wide}


SOUND = {"asks the network": [], "console": [], "scrolls sideways": False}


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("dark", [False, True])
def test_a_report_is_whole_at_any_width_in_light_and_dark(browser, finished, width, dark):
    browser.open(write.report(finished), width, dark, scripts=False)
    assert sound(browser) == SOUND
    for selector in (".chart svg .line", ".life .job", ".picture img", "blockquote", ".parameters"):
        assert min(size(browser, selector)) > 5, selector
    assert browser.value("document.querySelectorAll('.chart').length") == 5  # IoU, loss, seconds; GPU use, temperature
    background = browser.value("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", background))) < 150) is dark


def test_the_text_of_a_chart_is_not_shrunk_on_a_phone(browser, finished):
    browser.open(write.report(finished), 390)
    assert browser.value("parseFloat(getComputedStyle(document.querySelector('.tick')).fontSize)") >= 12
    covering = """(() => { const boxes = [...document.querySelector('.chart').querySelectorAll('.end')]
      .map(e => e.getBoundingClientRect()).sort((a, b) => a.top - b.top);
      return boxes.some((b, i) => i && b.top < boxes[i - 1].bottom - 1) })()"""
    assert browser.value(covering) is False


def test_the_report_tells_what_happened(browser, finished):
    browser.open(write.report(finished))
    text = browser.value("document.body.innerText")
    for words in ("finished, results verified", "best held-out mean IoU", "5.7 min", "$0.0", "nothing was charged"):
        assert words in text, words
    for words in (
        "bin/fab train --job lstm_aiw --set epochs=3 --set units=8",
        "bin/sample.sh --run",
        "3.15.1",
        "held out",
    ):
        assert words in text, words
    assert browser.value("document.querySelector('.classes').innerText").split() == [
        "class",
        "held-out",
        "IoU",
        "sea",
        "0.8765",
        "land",
        "–",
    ]
    assert "sample of epoch 12" in text and "Tesla T4" in text and "machine unused" in text


@pytest.mark.parametrize("width", WIDTHS)
def test_what_a_hostile_instance_wrote_is_text_and_nothing_else(browser, hostile, width):
    browser.open(write.report(hostile), width)
    assert sound(browser) == SOUND
    assert browser.value("document.title").startswith("lstm_aiw: failed with exit code 1")
    assert browser.value("document.querySelectorAll('script, img:not([src^=\"data:image/png\"])').length") == 0
    text = browser.value("document.body.innerText")
    assert text.count("<script>") > 8 and "\u202e" not in text and "drawing.png" in text


def test_runs_are_compared_side_by_side(browser, finished, hostile, tmp_path):
    other = runs_on_disk.make(tmp_path, "0002", parameters={"epochs": 3, "units": 16, "text": HARM})
    runs_on_disk.write_metrics(other, [{"epoch": epoch, "held_out_mean_iou": 0.5} for epoch in (1, 2, 3)])
    page = comparison.page(tmp_path, comparison.compare([finished, other, hostile]))
    for width in WIDTHS:
        browser.open(page, width)
        assert sound(browser) == SOUND and min(size(browser, ".chart svg .line")) >= 0
    text = browser.value("document.body.innerText")
    assert "What differs" in text and HARM in text and finished.id in text


@pytest.mark.parametrize("record", [BARE, {"host": "me@box:22"}, {"then": [TURN]}])
def test_a_run_of_which_little_is_known_has_a_page_too(browser, tmp_path, record):
    browser.open(write.report(runs_on_disk.make(tmp_path, job="gone_since", **record)), 390)
    assert sound(browser) == SOUND and size(browser, "h1")[1] > 0
