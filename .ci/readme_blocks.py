"""Print a shell block of the README: ``readme_blocks.py README.md 1`` prints the first one."""

import re
import sys
from pathlib import Path


def shell_blocks(text: str) -> list[str]:
    """The contents of the ```` ```sh ```` blocks of a Markdown text, in order."""
    return re.findall(r"^```(?:sh|bash|shell)\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


if __name__ == "__main__":
    path, number = sys.argv[1:]
    blocks = shell_blocks(Path(path).read_text(encoding="utf-8"))
    if len(blocks) < int(number):
        sys.exit(f"{path}: {len(blocks)} shell blocks, block {number} was asked for")
    print(blocks[int(number) - 1], end="")
