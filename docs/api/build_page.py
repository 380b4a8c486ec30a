"""Build the page that shows the HTTP API: one file, to be read without a network.

Redocly's `build-docs` does the work. Left alone, its page fetches a logo from the vendor; a
content security policy keeps it, and whatever a later version may add, from loading anything.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SPEC = ROOT / "openapi.yaml"
CONFIG = ROOT / "docs" / "api" / "redocly.yaml"
REDOCLY = ROOT / ".venv" / "node" / "node_modules" / ".bin" / "redocly"
PAGE = ROOT / "build" / "docs" / "api.html"

POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data:; font-src data:; worker-src blob:"
)
# The vendor's name stands in the logo that the policy blocks; the credit is due all the same.
CREDIT = "<style>a[href='https://redocly.com/redoc/'] p::after { content: ' Redoc'; }</style>"

_LOADING = {
    "audio": ("src",),
    "embed": ("src",),
    "iframe": ("src",),
    "image": ("href", "xlink:href"),
    "img": ("src", "srcset"),
    "input": ("src",),
    "link": ("href",),
    "object": ("data",),
    "script": ("src",),
    "source": ("src", "srcset"),
    "use": ("href", "xlink:href"),
    "video": ("src", "poster"),
}


class ExternalLoads(HTMLParser):
    """Collects what the page would fetch: references of its elements, and those in its styles."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_style = tag == "style"
        for name, value in attrs:
            if name in _LOADING.get(tag, ()) and not (value or "").startswith(("#", "data:")):
                self.found.append(f"<{tag} {name}={value!r}>")
            if name == "style":
                self._look_at_style(value or "")

    def handle_endtag(self, tag: str) -> None:
        self._in_style = False

    def handle_data(self, data: str) -> None:
        if self._in_style:
            self._look_at_style(data)

    def _look_at_style(self, text: str) -> None:
        targets = re.findall(r"(?:@import|url\()\s*['\"]?([^'\")\s]*)", text)
        self.found += [target for target in targets if not target.startswith(("#", "data:"))]


def external_loads(page: str) -> list[str]:
    """Say what *page* would load from elsewhere, apart from what its scripts ask for."""
    parser = ExternalLoads()
    parser.feed(page)
    parser.close()
    return parser.found


def seal(page: str) -> str:
    """Forbid *page* to load anything, scripts included.

    Raises:
        ValueError: If it would load something by its markup, or has no place for the policy.
    """
    loads = external_loads(page)
    if loads:
        raise ValueError(f"the page is not self-contained: {', '.join(loads[:5])}")
    policy = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}" />'
    # The policy has to stand before everything it is to govern.
    sealed, count = re.subn(r"<head>", f"<head>\n  {policy}\n  {CREDIT}", page, count=1)
    if count != 1:
        raise ValueError("the page has no <head>")
    return sealed


def main() -> int:
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    raw = PAGE.with_suffix(".raw.html")
    # The program starts with `env node`; the right one is in .venv.
    path = os.pathsep.join([str(ROOT / ".venv" / "bin"), os.environ.get("PATH", "")])
    quiet = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}
    command = [str(REDOCLY), "build-docs", "--inlineBundle", "--config", str(CONFIG)]
    command += ["--output", str(raw), str(SPEC)]
    try:
        built = subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, **quiet, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        if built.returncode:
            print(built.stdout, built.stderr, sep="\n", file=sys.stderr)
            return built.returncode
        PAGE.write_text(seal(raw.read_text(encoding="utf-8")), encoding="utf-8")
    except (OSError, ValueError) as error:
        print(f"{PAGE.relative_to(ROOT)} was not built: {error}", file=sys.stderr)
        return 1
    finally:
        raw.unlink(missing_ok=True)
    print(f"{PAGE.relative_to(ROOT)} ({PAGE.stat().st_size / 2**20:.1f} MiB)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
