# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A day on the laptop, as people see it: Chromium opens what playbooks print. Screenshots are in build/laptop-pages."""

from __future__ import annotations

import csv
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from sandbox.laptop import Laptop
from tests.tools.browser import PAGES, chromium

from .platform import platform

NOTEBOOK = "/lab/tree/first.ipynb"
CARD = '.jp-LauncherCard[title*="Custom (custom)"]'
STATUS_BAR = "#jp-bottom-panel"
OUTPUT = ".jp-OutputArea-output"
CELL = ".cm-content"
TERMINAL = '.jp-LauncherCard[data-category="Other"][title*="terminal" i]'
PATIENCE = 300_000  # milliseconds for a page, on a busy computer
INSTALL_SECONDS = 1200  # to install the environment of the kernel
AUTOSTOP_SECONDS = 1800  # two ticks of the timer, and the stop

TABLE = "import pandas as pd\nframe = pd.DataFrame({'x': range(4)})"
PLOT = "import matplotlib.pyplot as plt\nfigure, axes = plt.subplots(figsize=(3, 1))\naxes.plot(frame.x**2);"
LATE = """import os, time
print("begun")
while not os.path.exists("/tmp/go"):
    time.sleep(0.1)
total = frame.x.sum()
print("late", total)
figure"""
ARCHIVE = "/usr/local/libexec/datalab/tools/datalab-state.zip"
FILE = "~ec2-user/SageMaker/first.ipynb"
SESSIONS = "curl --silent --insecure 'https://localhost:8443/api/sessions?no_track_activity=1'"

# A script for a page: send this request, and return the status of the answer.
ASK = """async ([method, path]) => {
  const token = document.cookie.match(/_xsrf=([^;]*)/)[1];
  return (await fetch(path, {method, headers: {"X-XSRFToken": token}})).status;
}"""


@pytest.fixture(scope="module")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    with platform(tmp_path_factory.mktemp("laptop")) as laptop:
        yield laptop


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    """Provide a page in a browser of its own."""
    PAGES.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        page = launched.new_page(viewport={"width": 1100, "height": 620})
        page.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        # jupyter_server calls a folder missing if a file in it, such as a notice, is removed while it lists the folder.
        gone = page.locator('.jp-Dialog[aria-label^="Directory not found"]')
        page.add_locator_handler(gone, lambda dialog: dialog.get_by_role("button", name="OK").click())
        yield page
        launched.close()


def play(laptop: Laptop, playbook: str, *options: str) -> str:
    """Run a playbook and return what it prints."""
    laptop.plays.play_options = list(options)
    return laptop.plays.play(playbook, show=False)


def open_instance(laptop: Laptop, page: Page, person: str, path: str = "/lab") -> None:
    """Open the instance by the URL that the playbook prints, and then this page of it."""
    printed = play(laptop, "open", "-l", person, "-e", "open_print=true")
    url = next(word.strip('",') for word in printed.split() if "authToken=" in word)
    page.goto(url, wait_until="domcontentloaded")
    page.goto(url.split("/?")[0] + path, wait_until="domcontentloaded")


def until(what: Callable[[], Any], seconds: float) -> Any:
    """Wait until a function returns something, and return it."""
    deadline = time.monotonic() + seconds
    while not (result := what()):
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(1)
    return result


def on_instance(laptop: Laptop, name: str, command: str) -> str:
    """Run a command on the machine behind an instance, and return what it prints."""
    return podman("exec", laptop.container(name), "bash", "-c", f"{command} || true")


def podman(*arguments: str) -> str:
    return subprocess.run(["podman", *arguments], check=True, capture_output=True, text=True).stdout


def address(laptop: Laptop, path: str) -> str:
    """Return the address of a page of Alice's running instance, without the token that opens it."""
    return laptop.url("datalab-alice").split("/?")[0] + path


def described(laptop: Laptop) -> Any:
    """Return Alice's instance as the sandbox describes it."""
    return laptop.sagemaker.describe_notebook_instance(NotebookInstanceName="datalab-alice")


def open_notebook(laptop: Laptop, page: Page) -> None:
    """Open Alice's notebook in a new kernel, once the package that saves its variables is installed."""
    until(lambda: on_instance(laptop, "datalab-alice", f"ls {ARCHIVE}"), PATIENCE / 1000)
    open_instance(laptop, page, "alice", NOTEBOOK)
    expect(page.locator(STATUS_BAR)).to_contain_text("Custom (custom) | Idle")
    page.locator(".jp-Notebook-footer").click()  # a new cell


def compute(page: Page, code: str) -> None:
    """Run code in the active cell; then the next cell is active."""
    cell = page.locator(f".jp-Notebook .jp-mod-active {CELL}")
    cell.click()
    expect(cell).to_be_focused()
    page.keyboard.insert_text(code)
    page.keyboard.press("Shift+Enter")


def save(laptop: Laptop, page: Page, what: str) -> None:
    """Save the notebook, and wait until its file contains this."""
    page.keyboard.press("Control+s")
    in_notebook(laptop, what)


def in_notebook(laptop: Laptop, what: str) -> None:
    """Wait until the notebook's file contains this."""
    until(lambda: on_instance(laptop, "datalab-alice", f"grep '{what}' {FILE}"), PATIENCE / 1000)


def test_a_day(laptop: Laptop, page: Page) -> None:
    without_a_url(laptop, page)
    a_new_notebook(laptop, page)
    stopped_and_started(laptop, page)
    on_the_viewer(laptop, page)
    left_at_work(laptop, page)
    left_alone(laptop, page)
    on_the_page_of_costs(laptop, page)
    killed(laptop, page)
    begun_again(laptop, page)


def without_a_url(laptop: Laptop, page: Page) -> None:
    """Without the token no page opens."""
    answer = page.goto(address(laptop, "/lab"))
    assert answer is not None
    assert answer.status == 403


def a_new_notebook(laptop: Laptop, page: Page) -> None:
    """A new notebook has the team's kernel as soon as the environment is installed."""
    until(
        lambda: "custom-custom" in on_instance(laptop, "datalab-alice", "find ~ec2-user/.local/share/jupyter/kernels"),
        INSTALL_SECONDS,
    )
    open_instance(laptop, page, "alice")
    expect(page.locator(CARD).first).to_be_visible()
    expect(page.locator(TERMINAL)).to_be_visible()
    assert page.evaluate(ASK, ["GET", "/api/terminals"]) == 200
    page.screenshot(path=PAGES / "launcher.png")
    page.locator(CARD).first.click()
    expect(page.locator(STATUS_BAR)).to_contain_text("Custom (custom) | Idle")  # code that is run earlier is lost
    page.locator(f".jp-Notebook {CELL}").first.click()
    page.keyboard.type("import pandas, sys; print(6 * 7, sys.prefix)")
    page.keyboard.press("Control+Enter")
    expect(page.locator(OUTPUT)).to_contain_text("42 /home/ec2-user/SageMaker/custom-miniconda/envs/custom")
    page.screenshot(path=PAGES / "cell.png")
    page.keyboard.press("Control+s")
    page.locator(".jp-Dialog input").first.fill("first.ipynb")
    page.keyboard.press("Enter")
    in_notebook(laptop, "42 /home")
    page.locator(f".jp-Notebook {CELL}").first.click()
    page.keyboard.press("Shift+Enter")
    compute(page, TABLE)
    compute(page, PLOT)
    expect(page.locator(f"{OUTPUT} img")).to_have_count(1)
    save(laptop, page, "image/png")
    on_instance(laptop, "datalab-alice", f"cp {FILE} ~ec2-user/SageMaker/efs/teams/research/alice/")


def stopped_and_started(laptop: Laptop, page: Page) -> None:
    """After a stop and a start everything is still there."""
    notebook = address(laptop, NOTEBOOK)
    play(laptop, "stop", "-l", "alice")
    answer = page.goto(notebook)
    assert answer is not None
    assert answer.status == 503
    assert "does not run: Stopped" in page.inner_text("body")
    play(laptop, "start", "-l", "alice")
    open_notebook(laptop, page)
    expect(page.locator(OUTPUT).first).to_contain_text("42 /home")
    expect(page.locator(".jp-Toolbar-kernelName")).to_contain_text("Custom (custom)")
    expect(page.get_by_text("Jupyter news")).to_have_count(0)
    page.screenshot(path=PAGES / "again.png")
    compute(page, "print('frame' in globals())")
    expect(page.get_by_text("7 variables of")).to_contain_text("are saved; %restore brings them back.")
    expect(page.get_by_text("False")).to_be_visible()
    compute(page, "%restore")
    expect(page.locator(OUTPUT).last).to_contain_text("are back")
    compute(page, "print('sum', frame.x.sum()); figure")
    expect(page.get_by_text("sum 6")).to_be_visible()
    expect(page.locator(f"{OUTPUT} img")).to_have_count(2)
    page.screenshot(path=PAGES / "restored.png")


def on_the_viewer(laptop: Laptop, page: Page) -> None:
    """The viewer shows the notebook, but offers no kernel and no terminal, neither in its pages nor at its API."""
    open_instance(laptop, page, "viewer", "/lab/tree/efs/teams/research/alice/first.ipynb")
    expect(page.locator(OUTPUT).first).to_contain_text("42 /home")
    expect(page.locator(".jp-Toolbar-kernelName")).to_have_text("No Kernel")
    expect(page.locator(".jp-Dialog")).to_have_count(0)
    expect(page.get_by_text("Jupyter news")).to_have_count(0)
    page.screenshot(path=PAGES / "viewer.png")
    asked = [("GET", "/api/terminals"), *(("POST", f"/api/{what}") for what in ("terminals", "kernels", "sessions"))]
    assert {page.evaluate(ASK, list(question)) for question in asked} <= {403, 404, 405}
    page.goto(page.url.split("/lab")[0] + "/lab?reset", wait_until="domcontentloaded")
    expect(page.locator('.jp-LauncherCard[title*="text file"]')).to_be_visible()
    page.screenshot(path=PAGES / "viewer-launcher.png")
    expect(page.locator(CARD)).to_have_count(0)
    expect(page.locator(TERMINAL)).to_have_count(0)


def left_at_work(laptop: Laptop, page: Page) -> None:
    """The notebook contains what a cell prints after the page was closed."""
    open_notebook(laptop, page)
    compute(page, LATE)
    expect(page.locator(OUTPUT).last).to_have_text("begun")
    save(laptop, page, "begun.n")
    page.goto("about:blank")
    until(lambda: '"connections": 0' in on_instance(laptop, "datalab-alice", SESSIONS), PATIENCE / 1000)
    on_instance(laptop, "datalab-alice", "touch /tmp/go")
    in_notebook(laptop, "late 6")


def left_alone(laptop: Laptop, page: Page) -> None:
    """The instance stops when its tag says so; the next start says why, and brings back the last results."""
    arn = described(laptop)["NotebookInstanceArn"]
    laptop.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "idle", "Value": "60"}])
    until(lambda: laptop.states()["datalab-alice"] == "Stopped", AUTOSTOP_SECONDS)
    play(laptop, "start", "-l", "alice")
    open_notebook(laptop, page)
    compute(page, "%restore")
    expect(page.locator(OUTPUT).last).to_contain_text("are back")
    compute(page, "print('total', total, len(figure.axes))")
    expect(page.locator(OUTPUT).last).to_have_text("total 6 1")
    expect(page.get_by_text("late 6")).to_be_visible()
    page.screenshot(path=PAGES / "late.png")
    open_instance(laptop, page, "alice", "/lab/tree/PLATFORM-STATUS.md")
    expect(page.locator("body")).to_contain_text("autostop: idle")
    page.screenshot(path=PAGES / "notice.png")


def on_the_page_of_costs(laptop: Laptop, page: Page) -> None:
    """The page of costs shows how long Alice's instance ran, and why autostop stopped it."""
    folder = laptop.state.path / "costs"
    play(laptop, "costs", "-e", f"costs_directory={folder}")
    (report,) = folder.glob("*.html")
    page.goto(report.as_uri())
    alice = page.get_by_role("row", name="alice").filter(has_text="> 60 s (tag): stop")
    expect(alice).to_have_count(1)
    page.screenshot(path=PAGES / "costs.png", full_page=True)
    (counted,) = (row for row in csv.DictReader((folder / f"{report.stem}.csv").open()) if row["name"] == "alice")
    assert float(counted["hours"]) > 1 / 60
    assert (counted["stopped_by_autostop"], counted["stopped_otherwise"]) == ("1", "1")


def killed(laptop: Laptop, page: Page) -> None:
    """The instance is Failed and says why; a run starts it again, and what is on its volume is there."""
    container = podman("inspect", "--format={{.Id}}", laptop.container("datalab-alice")).strip()
    podman("kill", container)
    until(lambda: laptop.states()["datalab-alice"] == "Failed", PATIENCE / 1000)
    assert "was killed" in described(laptop)["FailureReason"]
    play(laptop, "site", "-l", "alice")
    assert laptop.states()["datalab-alice"] == "InService"
    open_notebook(laptop, page)
    expect(page.locator(OUTPUT).first).to_contain_text("42 /home")
    page.screenshot(path=PAGES / "killed.png")


def begun_again(laptop: Laptop, page: Page) -> None:
    """After a stop of the laptop the platform is as before: only instances have to be started."""
    laptop.stop()
    laptop.start()
    told = play(laptop, "site")
    assert "unchanged  network, storage, access, costs" in told
    assert re.search(r"changed +alice .*started", told)
    assert set(laptop.states().values()) == {"InService"}
    open_notebook(laptop, page)
    expect(page.locator(OUTPUT).first).to_contain_text("42 /home")
    compute(page, "print(6 * 7, 'again')")
    expect(page.locator(OUTPUT).last).to_contain_text("42 again")
    page.screenshot(path=PAGES / "begun-again.png")
