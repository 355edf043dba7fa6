"""Files of tensors: what goes in comes out, and nothing in a file is run."""

from __future__ import annotations

import io
import json
import pickle
import struct
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pullback as torch
from pullback import nn
from sampling import DTYPES


@pytest.mark.parametrize("dtype", DTYPES)
def test_dtypes_and_shapes(dtype: str, tmp_path: Path) -> None:
    for shape in [(2, 3), (), (0, 2)]:
        x = torch.ones(shape).to(getattr(torch, dtype))
        torch.save(x, tmp_path / "x.pt")
        y = torch.load(tmp_path / "x.pt")
        assert y.dtype is x.dtype and y.shape == x.shape and torch.equal(x, y)


def test_nests(tmp_path: Path) -> None:
    value: dict[Any, Any] = {
        "a": [1, 2.5, float("inf"), None, True, "text", 1 + 2j], 3: (torch.ones(2), torch.float32),
        "ordered": OrderedDict(x=1), "size": torch.ones(2, 3).shape, "bytes": b"\x00a",
        "numpy": np.arange(3), "set": {1, 2},
    }  # fmt: skip
    torch.save(value, tmp_path / "x")
    found = torch.load(tmp_path / "x", weights_only=True)
    assert list(found) == list(value) and found["a"] == value["a"]
    assert found[3][0].tolist() == [1, 1] and found[3][1] is torch.float32
    assert type(found["ordered"]) is OrderedDict and type(found["size"]) is torch.Size
    assert found["bytes"] == b"\x00a" and found["numpy"].tolist() == [0, 1, 2]
    assert found["set"] == {1, 2} and type(found[3]) is tuple


def test_shared_memory_is_shared_again() -> None:
    x = torch.arange(12.0).reshape(3, 4)
    file = io.BytesIO()
    torch.save({"x": x, "column": x[:, 1], "again": x, "turned": x.t()}, file)
    file.seek(0)
    found = torch.load(file)
    found["x"].zero_()
    assert found["column"].tolist() == [0, 0, 0] and found["again"].sum().item() == 0
    assert found["turned"].shape == (4, 3)


def test_a_small_part_does_not_bring_the_whole() -> None:
    file = io.BytesIO()
    torch.save(torch.zeros(1_000_000)[:3], file)
    assert len(file.getvalue()) < 10_000


def test_models_and_optimizers(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    model(torch.ones(4, 2)).sum().backward()
    optimizer.step()
    checkpoint = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3}
    torch.save(checkpoint, tmp_path / "c.pt")
    found = torch.load(tmp_path / "c.pt", map_location="cpu")
    other = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    other.load_state_dict(found["model"])
    again = torch.optim.Adam(other.parameters(), lr=0.5)
    again.load_state_dict(found["optimizer"])
    for m, o in ((model, optimizer), (other, again)):
        o.zero_grad()
        m(torch.ones(4, 2)).sum().backward()
        o.step()
    assert torch.equal(model[0].weight, other[0].weight)
    torch.save(model[0].weight, tmp_path / "w.pt")
    assert isinstance(torch.load(tmp_path / "w.pt"), nn.Parameter)


def test_numpy_reads_the_arrays(tmp_path: Path) -> None:
    torch.save({"x": torch.arange(3)}, tmp_path / "x.npz")
    assert np.load(tmp_path / "x.npz")["array0"].tolist() == [0, 1, 2]


def test_safetensors(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    torch.save({"a": torch.arange(6.0).reshape(2, 3), "b": torch.ones(2).bool()}, path)
    found = torch.load(path)
    assert found["a"].tolist() == [[0, 1, 2], [3, 4, 5]] and found["b"].dtype is torch.bool
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    assert header["a"] == {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}
    with pytest.raises(TypeError, match="dictionary of tensors"):
        torch.save([1], path)
    path.write_bytes(data[:40])
    with pytest.raises(RuntimeError, match="damaged"):
        torch.load(path)


class Trap:
    """Unpickling one would leave a mark."""

    ran: list[int] = []  # noqa: RUF012

    def __reduce__(self) -> Any:
        return Trap.ran.append, (1,)


def test_programs_are_not_run(tmp_path: Path) -> None:
    path = tmp_path / "x.pt"
    path.write_bytes(pickle.dumps(Trap()))
    with pytest.raises(RuntimeError, match="no archive of torch"):
        torch.load(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x/data.pkl", pickle.dumps(Trap()))
    with pytest.raises(pickle.UnpicklingError, match="without running programs"):
        torch.load(path)
    with zipfile.ZipFile(path, "w") as archive:  # one that says it is ours
        archive.writestr("contents.json", json.dumps(
            {"format": "pullback/1", "object": {"tensor": 0, "shape": [1], "requires_grad": False}}
        ))  # fmt: skip
        member = io.BytesIO()
        np.save(member, np.array([Trap()], object), allow_pickle=True)
        archive.writestr("array0.npy", member.getvalue())
    with pytest.raises(RuntimeError, match="damaged"):
        torch.load(path)
    assert not Trap.ran


def test_places_outside_the_memory_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.pt"
    torch.save(torch.arange(4.0)[1:], path)
    with zipfile.ZipFile(path) as archive:
        contents = json.loads(archive.read("contents.json"))
        numbers = archive.read("array0.npy")
    assert contents["object"]["place"] == [1, [1]]
    contents["object"]["shape"] = [40]
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("contents.json", json.dumps(contents))
        archive.writestr("array0.npy", numbers)
    with pytest.raises(RuntimeError, match="outside its memory"):
        torch.load(path)


def test_what_a_file_cannot_hold(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"not Linear at \['model'\]: save its state_dict"):
        torch.save({"model": nn.Linear(1, 1)}, tmp_path / "x")
    with pytest.raises(FileNotFoundError):
        torch.load(tmp_path / "absent")


@pytest.mark.parametrize("name", ["t.pt", "t.safetensors"])
def test_a_failed_save_leaves_what_was_there(tmp_path: Path, name: str, monkeypatch: Any) -> None:
    path = tmp_path / name
    torch.save({"a": torch.ones(3)}, path)
    path.chmod(0o640)

    class Full(Exception):
        pass

    def no_space(*args: Any) -> None:
        raise Full

    with monkeypatch.context() as patched:
        patched.setattr("pullback.serialization._bits", no_space)
        patched.setattr("pullback.serialization.struct.pack", no_space)
        with pytest.raises(Full):
            torch.save({"a": torch.zeros(3)}, path)
    assert [p.name for p in tmp_path.iterdir()] == [name]
    assert torch.load(path)["a"].tolist() == [1, 1, 1]
    link = tmp_path / "link"
    link.symlink_to(path)
    torch.save({"a": torch.zeros(3)}, link if name == "t.pt" else path)
    assert torch.load(path)["a"].tolist() == [0, 0, 0]
    assert link.is_symlink() and path.stat().st_mode & 0o777 == 0o640
