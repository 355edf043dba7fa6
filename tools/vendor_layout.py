"""Download the library that lays out the pages of `explore`, to `graph/page/vendor/`.

It is Viz.js, Graphviz built for WebAssembly, from the npm registry, of the version below and no
other: the archive must have the SHA-512 that the registry had for it when it was chosen, and the
file in it the SHA-256.

    python tools/vendor_layout.py

A new version: `npm view @viz-js/viz version dist.integrity`, change the constants, run this (it
prints the file's SHA-256 if that is not right yet), look at `LICENSE` there, and run the tests of
the page. The archive has no licence file: `LICENSE` was put together by hand, of the licences of
what the head of the file names.
"""

from __future__ import annotations

import base64
import hashlib
import io
import sys
import tarfile
import urllib.request
from pathlib import Path

PACKAGE = "@viz-js/viz"
VERSION = "3.31.0"
GRAPHVIZ = "16.1.0"
ARCHIVE = f"https://registry.npmjs.org/{PACKAGE}/-/viz-{VERSION}.tgz"
INTEGRITY = (
    "sha512-r7zlQdRvcwvIpjHGgs+KNWHeE/P5/Dq7k8ZAKaMCbZqo"
    "mxCBJV78gVuQYaHzFVca+kB0mX0fMW9UFevCOBG50A=="
)
MEMBER = "package/dist/viz-global.js"
SHA256 = "c9e0b310f9883910e01c66054b48b7ff4be3d8695141116635e72b0af152692e"

FOLDER = Path(__file__).parents[1] / "src" / "pullback" / "graph" / "page" / "vendor"
FILE = FOLDER / "viz-global.js"
PARTS = ("Viz.js", "Graphviz", "Expat")
"""What the head of the file says that it is made of, and `LICENSE` has the licences of."""


def integrity(data: bytes) -> str:
    """The digest as npm writes it."""
    return f"sha512-{base64.b64encode(hashlib.sha512(data).digest()).decode()}"


def note() -> str:
    """What `VERSION` says."""
    return (
        f"{PACKAGE} {VERSION}, with Graphviz {GRAPHVIZ}\n{ARCHIVE}\n{INTEGRITY}\n"
        f"{MEMBER}: sha256 {SHA256}\n"
    )


def member(archive: bytes) -> bytes:
    """The file in the archive; refuses anything but what was chosen."""
    if integrity(archive) != INTEGRITY:
        sys.exit(f"{ARCHIVE} is not what was chosen: {integrity(archive)}")
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as opened:
        found = opened.extractfile(MEMBER)
        assert found is not None, f"{MEMBER} is not a file"
        data = found.read()
    digest = hashlib.sha256(data).hexdigest()
    if digest != SHA256:
        sys.exit(f"{MEMBER} has the SHA-256 {digest}")
    head = data[: data.index(b"*/")].decode()
    missing = [part for part in PARTS if part not in head]
    if missing or f'"{GRAPHVIZ}"'.encode() not in data:
        sys.exit(f"{MEMBER} has other parts now: see to LICENSE, PARTS and GRAPHVIZ\n{head}")
    return data


def main() -> None:
    """Download, check, write."""
    with urllib.request.urlopen(ARCHIVE, timeout=60) as answer:
        data = member(answer.read())
    FOLDER.mkdir(exist_ok=True)
    FILE.write_bytes(data)
    (FOLDER / "VERSION").write_text(note(), "utf-8")
    print(f"{FILE}: {len(data):,} bytes")


if __name__ == "__main__":
    main()
