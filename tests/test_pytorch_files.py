"""PyTorch's own files, put together here as PyTorch 2.13 writes them."""

from __future__ import annotations

import collections
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pullback as torch


def named(path: str) -> bytes:
    """The opcode for something that has a name."""
    module, _, name = path.rpartition(".")
    return b"c" + f"{module}\n{name}\n".encode()


def plain(value: Any) -> bytes:
    """The opcodes for numbers, texts and nests of them."""
    return pickle.dumps(value, protocol=2)[2:-1]


def called(path: str, *arguments: bytes) -> bytes:
    return named(path) + b"(" + b"".join(arguments) + b"tR"


def storage(kind: str, key: str, count: int) -> bytes:
    place = [plain("storage"), named(f"torch.{kind}Storage")]
    return b"(" + b"".join([*place, plain(key), plain("cpu"), plain(count)]) + b"tQ"


def tensor(
    kind: str, key: str, count: int, offset: int, size: Any, stride: Any, grad: bool = False
) -> bytes:
    return called("torch._utils._rebuild_tensor_v2", storage(kind, key, count), plain(offset),
                  plain(size), plain(stride), plain(grad),
                  called("collections.OrderedDict"))  # fmt: skip


def dictionary(items: dict[str, bytes]) -> bytes:
    return b"}(" + b"".join(plain(k) + v for k, v in items.items()) + b"u"


def write(path: Path, program: bytes, memories: dict[str, Any], order: str = "little") -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model/data.pkl", b"\x80\x02" + program + b".")
        archive.writestr("model/byteorder", order)
        for key, array in memories.items():
            archive.writestr(f"model/data/{key}", array.tobytes())
    return path


def test_tensors_and_what_is_around_them(tmp_path: Path) -> None:
    memory = np.arange(6, dtype=np.float32)
    half = np.array([0x3F80, 0x4000], np.uint16)  # 1 and 2 in bfloat16
    path = write(tmp_path / "model.pt", dictionary({
        "part": tensor("Float", "0", 6, 1, (2, 2), (3, 1)),
        "whole": tensor("Float", "0", 6, 0, (3, 2), (1, 3)),
        "parameter": called("torch._utils._rebuild_parameter",
                            tensor("Long", "1", 2, 0, (2,), (1,)), plain(False),
                            called("collections.OrderedDict")),
        "leaf": tensor("Double", "2", 1, 0, (), (), True),
        "half": tensor("BFloat16", "3", 2, 0, (2,), (1,)),
        "empty": tensor("Float", "4", 0, 0, (0, 3), (3, 1)),
        "size": called("torch.Size", plain((2, 3))),
        "dtype": named("torch.float16"),
        "rest": plain([1, 2.5, "text", None, True, {"lr": 0.1}, (1, 2)]),
    }), {"0": memory, "1": np.array([3, 4]), "2": np.array(2.5), "3": half,
         "4": memory[:0]})  # fmt: skip
    for found in (torch.load(path), torch.load(path, weights_only=False)):
        assert found["part"].tolist() == [[1, 2], [4, 5]]
        assert found["whole"].tolist() == [[0, 3], [1, 4], [2, 5]]
        found["whole"][1, 0] = 9
        assert found["part"][0, 0] == 9  # one storage
        assert isinstance(found["parameter"], torch.nn.Parameter)
        assert found["parameter"].tolist() == [3, 4] and not found["parameter"].requires_grad
        assert found["leaf"].requires_grad and found["leaf"].dtype == torch.float64
        assert found["half"].dtype == torch.bfloat16 and found["half"].tolist() == [1, 2]
        assert found["empty"].shape == (0, 3) and found["dtype"] is torch.float16
        assert found["size"] == torch.Size((2, 3)) and isinstance(found["size"], torch.Size)
        assert found["rest"] == [1, 2.5, "text", None, True, {"lr": 0.1}, (1, 2)]


def test_a_model_takes_its_state(tmp_path: Path) -> None:
    weight, bias = np.arange(6, dtype=np.float32), np.ones(2, np.float32)
    items = plain("weight") + tensor("Float", "0", 6, 0, (2, 3), (3, 1))
    items += plain("bias") + tensor("Float", "1", 2, 0, (2,), (1,))
    path = write(tmp_path / "model.pth", called("collections.OrderedDict") + b"(" + items + b"u",
                 {"0": weight, "1": bias})  # fmt: skip
    state = torch.load(path, map_location="cpu")
    assert type(state) is collections.OrderedDict
    layer = torch.nn.Linear(3, 2)
    layer.load_state_dict(state)
    assert layer(torch.ones(3)).tolist() == [4, 13]


def test_files_that_are_damaged_or_of_other_machines(tmp_path: Path) -> None:
    memory = {"0": np.zeros(4, np.float32)}
    outside = tensor("Float", "0", 4, 1, (2, 2), (2, 1))
    with pytest.raises(RuntimeError, match="damaged: a tensor lies outside"):
        torch.load(write(tmp_path / "a.pt", outside, memory))
    with pytest.raises(RuntimeError, match="damaged"):
        torch.load(write(tmp_path / "b.pt", tensor("Float", "7", 4, 0, (4,), (1,)), memory))
    with pytest.raises(RuntimeError, match="little-endian"):
        torch.load(write(tmp_path / "c.pt", plain(1), {}, "big"))
    with pytest.raises(RuntimeError, match="damaged"):
        torch.load(write(tmp_path / "d.pt", tensor("Float", "0", 4, 0, (4,), (-1,)), memory))


def test_names_are_allowed_one_by_one(tmp_path: Path) -> None:
    path = write(tmp_path / "x.pt", called("fractions.Fraction", plain(1), plain(3)), {})
    with pytest.raises(pickle.UnpicklingError, match=r"fractions\.Fraction.*add_safe_globals"):
        torch.load(path)
    from fractions import Fraction

    safe = torch.serialization
    with safe.safe_globals([Fraction]):
        assert torch.load(path) == Fraction(1, 3)
    assert safe.get_safe_globals() == []
    safe.add_safe_globals([(Fraction, "fractions.Fraction")])
    assert torch.load(path) == Fraction(1, 3)
    safe.clear_safe_globals()
    with pytest.raises(pickle.UnpicklingError):
        torch.load(path)
    with pytest.raises(pickle.UnpicklingError, match=r"os\.system|posix"):
        torch.load(write(tmp_path / "y.pt", called("os.system", plain("true")), {}))
