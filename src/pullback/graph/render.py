"""A DOT graph that draws itself: with the `dot` program where there is one, else with the Graphviz
library that pip installed with pullback, so that `.render()` gives a file on a bare machine.
"""

import shutil
import subprocess
import sys
from importlib.resources import files
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import graphviz

from pullback.graph.viewer import show

_TEXT_FORMATS = ("gv", "dot")
_NO_LIBRARY = 69  # what library_child.py answers when pygraphviz cannot be imported


class Picture(graphviz.Digraph):  # type: ignore[misc]  # graphviz has no type information
    """`graphviz.Digraph` with SVG as its first format, drawn with or without the `dot` program."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # graphviz would name the file after the class; torchviz's scripts expect Digraph.gv.
        super().__init__(*args, **{"format": "svg", "filename": "Digraph.gv"} | kwargs)

    def render(
        self,
        filename: str | PathLike[str] | None = None,
        directory: str | PathLike[str] | None = None,
        view: bool = False,
        cleanup: bool = False,
        format: str | None = None,
        renderer: str | None = None,
        formatter: str | None = None,
        neato_no_op: bool | int | None = None,
        quiet: bool = False,
        quiet_view: bool = False,
        *,
        outfile: str | PathLike[str] | None = None,
        engine: str | None = None,
        raise_if_result_exists: bool = False,
        overwrite_source: bool = False,
    ) -> str:
        """Write the DOT text and the picture beside it; the path of the picture.

        `view=True` also opens it, or says where it is when there is no display.
        """
        if _has_program(engine or self.engine):
            path: str = super().render(
                filename,
                directory=directory,
                cleanup=cleanup,
                format=format,
                renderer=renderer,
                formatter=formatter,
                neato_no_op=neato_no_op,
                quiet=quiet,
                outfile=outfile,
                engine=engine,
                raise_if_result_exists=raise_if_result_exists,
                overwrite_source=overwrite_source,
            )
        else:
            if outfile is not None:
                target = Path(self.directory if directory is None else directory, outfile)
                format = format or target.suffix[1:].lower()
                filename, directory = target.with_suffix(".gv").name, target.parent
            else:
                target = None
            image = self.pipe(format, renderer, formatter, neato_no_op, quiet, engine=engine)
            source = Path(self.save(filename, directory=directory, skip_existing=None))
            if target is None:
                suffixes = [formatter, renderer, format or self.format]
                target = Path(".".join([fspath(source), *filter(None, suffixes)]))
            if raise_if_result_exists and target.exists():
                raise graphviz.FileExistsError(f"output file exists: {fspath(target)!r}")
            if target == source and not overwrite_source:
                raise ValueError(f"outfile {fspath(target)!r} is the file of the DOT text")
            target.write_bytes(image)
            if cleanup and target != source:
                source.unlink()
            path = fspath(target)
        if view or quiet_view:
            show(path)
        return path

    def pipe(
        self,
        format: str | None = None,
        renderer: str | None = None,
        formatter: str | None = None,
        neato_no_op: bool | int | None = None,
        quiet: bool = False,
        *,
        engine: str | None = None,
        encoding: str | None = None,
    ) -> Any:
        """The picture itself: bytes, or text where an `encoding` is given."""
        engine, format = engine or self.engine, format or self.format
        if _has_program(engine):
            return super().pipe(
                format,
                renderer=renderer,
                formatter=formatter,
                neato_no_op=neato_no_op,
                quiet=quiet,
                engine=engine,
                encoding=encoding,
            )
        if neato_no_op:
            raise RuntimeError(f"neato_no_op needs the `{engine}` program. {INSTALL}")
        kind = ":".join(filter(None, [format, renderer, formatter]))
        image = draw_with_library(self.source, engine, kind)
        return image if encoding is None else image.decode(encoding)

    def _repr_html_(self) -> str:
        # For what shows HTML alone: a large picture can be scrolled.
        svg = self._repr_svg_()
        return f'<div style="overflow: auto; max-height: 80vh">{svg[svg.index("<svg") :]}</div>'

    def _repr_svg_(self) -> str:
        text: str = self.pipe(format="svg", encoding="utf-8")
        return text


INSTALL = (
    "Install Graphviz (https://graphviz.org/download/: `apt install graphviz`, `brew install "
    "graphviz`, `winget install graphviz`) or, on the platforms that it has wheels for, "
    "`pip install pygraphviz`."
)


def draw_with_library(source: str, engine: str, format: str) -> bytes:
    """DOT text drawn by the Graphviz library of the pygraphviz wheel, in a child process.

    A process of its own, because Graphviz is a C library: it is not thread-safe, it writes to
    stderr, and a fault in it would end the user's program. The price is about 0.1 s.
    """
    # As a text, since pullback may be in a zip file. -P: a file of the user's that happens to be
    # called pygraphviz.py is not the library.
    child = files("pullback.graph").joinpath("library_child.py").read_text("utf-8")
    command = [sys.executable, "-P", "-c", child, engine, format]
    done = subprocess.run(command, input=source.encode(), capture_output=True, check=False)
    if done.returncode == 0:
        return done.stdout
    if done.returncode == _NO_LIBRARY and format in _TEXT_FORMATS:
        return source.encode()
    if done.returncode == _NO_LIBRARY:
        raise RuntimeError(
            f"Drawing {format!r} needs Graphviz, and neither its `{engine}` program nor the "
            f"pygraphviz package is here. {INSTALL} The DOT text is in `.source`."
        )
    if done.returncode < 0:
        raise RuntimeError(
            f"The Graphviz library inside pygraphviz crashed (signal {-done.returncode}) on this "
            f"graph. Its `{engine}` program may not: {INSTALL} The DOT text is in `.source`."
        )
    reason = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
    raise RuntimeError(
        f"The Graphviz library inside pygraphviz could not draw {format!r} with {engine!r}: "
        f"{reason}. Not every format is in every wheel (svg is): for more, install the "
        f"`{engine}` program. {INSTALL}"
    )


def _has_program(engine: str) -> bool:
    return shutil.which(engine) is not None
