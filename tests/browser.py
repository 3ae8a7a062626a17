"""Use a page in Chromium, without a window and without a network."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
"""The command of the browser, or None if there is none."""

_SECONDS = 300
_RESULT = re.compile(r'<pre id="result-of-test">(.*?)</pre>', re.DOTALL)
# An error of the page itself counts too.
_SCRIPT = """
<script>
(async () => {{
  const result = document.createElement("pre");
  result.id = "result-of-test";
  try {{
    if (window.failed) throw window.failed;
    result.textContent = JSON.stringify(await (async () => {{ {steps} }})());
  }} catch (error) {{ result.textContent = JSON.stringify({{ error: String(error) }}); }}
  document.body.append(result);
}})();
</script>
"""


def in_browser(page: str, steps: str, directory: Path) -> Any:
    """Open a page and run JavaScript in it.

    Args:
        page: the HTML of the page.
        steps: what to run after the page's own scripts: the body of an async function.
        directory: where to write files.

    Returns:
        What the function returns, as JSON.
    """
    watched = page.replace("<head>", "<head><script>onerror = (message) => { window.failed = message; };</script>", 1)
    file = directory / "page.html"
    file.write_text(watched + _SCRIPT.format(steps=steps), encoding="utf-8")
    done = browser(directory, "--virtual-time-budget=10000", "--dump-dom", file.as_uri())
    found = _RESULT.search(done.stdout)
    assert found, done.stdout[-2000:] + done.stderr[-2000:]
    result = json.loads(html.unescape(found[1]))
    assert not (isinstance(result, dict) and "error" in result), result["error"]
    return result


def browser(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the browser once.

    Args:
        directory: where it keeps its state.
        arguments: what else it is told.
    """
    assert CHROMIUM is not None
    flags = ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--window-size=1400,900")
    command = [CHROMIUM, *flags, f"--user-data-dir={directory / 'profile'}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=True)
