"""Run as a program by `render.py`: DOT text on stdin, a picture on stdout; imports no pullback."""

import sys


def main() -> int:
    """Exit status 69 (EX_UNAVAILABLE) says that pygraphviz cannot be imported."""
    engine, format = sys.argv[1:]
    try:
        import pygraphviz
    except ImportError as error:
        print(error, file=sys.stderr)
        return 69
    graph = pygraphviz.AGraph(string=sys.stdin.buffer.read().decode())
    sys.stdout.buffer.write(graph.draw(format=format, prog=engine))
    return 0


if __name__ == "__main__":
    sys.exit(main())
