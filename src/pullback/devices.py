"""Where tensors live: the CPU."""

from __future__ import annotations

from typing import Any


class device:
    """Where a tensor lives, and where those live that are made `with` it. There is one: "cpu"."""

    __slots__ = ("index", "type")

    def __init__(self, type: Any = "cpu", index: int | None = None):
        if isinstance(type, int):  # an accelerator's number
            type, index = "cuda", type
        if not isinstance(type, (str, device)):
            raise TypeError(f"device(): argument 'type' must be str, not {type.__class__.__name__}")
        name, colon, number = str(type).partition(":")
        if name not in ("cpu", "cuda", "mps", "meta", "xpu"):
            raise RuntimeError(
                f"Expected one of cpu, cuda, ... device type at start of device string: {name}"
            )
        if colon:
            if not number.isdecimal():
                raise RuntimeError(f"Invalid device string: '{type}'")
            if index is not None:
                raise RuntimeError(
                    f"type (string) must not include an index because index was passed "
                    f"explicitly: {type}"
                )
            index = int(number)
        self.type = name
        self.index = index

    def __reduce__(self) -> tuple[Any, ...]:
        return device, (self.type, self.index)

    def __enter__(self) -> device:
        check_device(self)
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def __repr__(self) -> str:
        index = "" if self.index is None else f", index={self.index}"
        return f"device(type={self.type!r}{index})"

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device) and (self.type, self.index) == (other.type, other.index)

    def __hash__(self) -> int:
        return hash((self.type, self.index))


CPU = device("cpu")


def check_device(where: Any) -> None:
    """RuntimeError for a device that this machine's pullback does not compute on."""
    if where is not None and where is not CPU and device(where).type != "cpu":
        raise RuntimeError(
            f"pullback computes on the CPU here, not on {where!s}: test "
            f"torch.cuda.is_available() before, as portable scripts do"
        )
