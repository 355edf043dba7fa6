"""Data sets, samplers, batches."""

from __future__ import annotations

import random
from collections import Counter, namedtuple
from typing import Any

import numpy as np
import pytest

import pullback as torch
from pullback.utils.data import (
    BatchSampler,
    ConcatDataset,
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    Subset,
    TensorDataset,
    WeightedRandomSampler,
    default_collate,
    get_worker_info,
    random_split,
)


class Squares(Dataset[Any]):
    def __len__(self) -> int:
        return 7

    def __getitem__(self, k: int) -> Any:
        return {"x": float(k), "y": torch.tensor([k, k * k])}


def test_batches_in_order() -> None:
    batches = list(DataLoader(Squares(), batch_size=3))
    assert [len(b["x"]) for b in batches] == [3, 3, 1]
    assert batches[0]["y"].tolist() == [[0, 0], [1, 1], [2, 4]]
    assert batches[0]["x"].dtype is torch.float64
    loader = DataLoader(Squares(), batch_size=3, drop_last=True)
    assert len(loader) == 2 == len(list(loader))


def test_shuffled_batches_have_every_sample_once() -> None:
    torch.manual_seed(1)
    x = torch.arange(100)
    data = TensorDataset(x, x * 2)
    orders = []
    for _ in range(2):
        rows = [(a, b) for xs, ys in DataLoader(data, 8, shuffle=True)
                for a, b in zip(xs.tolist(), ys.tolist(), strict=True)]  # fmt: skip
        assert sorted(rows) == [(k, 2 * k) for k in range(100)]
        orders.append(rows)
    assert orders[0] != orders[1]
    torch.manual_seed(1)
    again = [a for xs, _ in DataLoader(data, 8, shuffle=True) for a in xs.tolist()]
    assert again == [a for a, _ in orders[0]]


def test_collation() -> None:
    Pair = namedtuple("Pair", "a b")
    made = default_collate([Pair(1, "u"), Pair(2, "v")])
    assert made.a.tolist() == [1, 2] and made.b == ["u", "v"]
    assert default_collate([(1, [2.0]), (3, [4.0])])[1][0].tolist() == [2, 4]
    with pytest.raises(TypeError, match="must contain tensors"):
        default_collate([object()])


def test_iterable_data() -> None:
    class Stream(IterableDataset[int]):
        def __iter__(self) -> Any:
            return iter(range(5))

    assert [b.tolist() for b in DataLoader(Stream(), batch_size=2)] == [[0, 1], [2, 3], [4]]
    with pytest.raises(ValueError, match="IterableDataset"):
        DataLoader(Stream(), shuffle=True)


class Numbers(IterableDataset[int]):
    """The numbers below 7: all of them, or what is a worker's of them."""

    def __init__(self, shared: bool):
        self.shared, self.offset = shared, 0

    def __iter__(self) -> Any:
        info = get_worker_info()
        step = (info.id, info.num_workers) if info and self.shared else (0, 1)
        return (k + self.offset for k in range(7)[step[0] :: step[1]])


def test_workers_take_turns_through_streams() -> None:
    """The batches are those that PyTorch's processes give."""
    loader = DataLoader(Numbers(True), 2, num_workers=3)
    assert [b.tolist() for b in loader] == [[0, 3], [1, 4], [2, 5], [6]]
    loader = DataLoader(Numbers(False), 4, num_workers=2)
    assert [b.tolist() for b in loader] == [[0, 1, 2, 3]] * 2 + [[4, 5, 6]] * 2
    loader = DataLoader(Numbers(False), None, num_workers=2)
    assert list(loader) == [k for k in range(7) for _ in range(2)]

    def start(k: int) -> None:
        info = get_worker_info()
        assert info is not None and info.id == k
        info.dataset.offset = 100 * k  # of the worker's own copy

    data = Numbers(True)
    loader = DataLoader(data, 10, num_workers=2, worker_init_fn=start)
    assert [b.tolist() for b in loader] == [[0, 2, 4, 6], [101, 103, 105]]
    assert data.offset == 0 and get_worker_info() is None


def test_workers_take_turns_through_places() -> None:
    class Who(Dataset[Any]):
        def __len__(self) -> int:
            return 5

        def __getitem__(self, k: int) -> Any:
            info = get_worker_info()
            assert info is not None and info.dataset is self
            return k, info.id, info.num_workers

    batches = [[v.tolist() for v in b] for b in DataLoader(Who(), 2, num_workers=2)]
    assert batches == [[[0, 1], [0, 0], [2, 2]], [[2, 3], [1, 1], [2, 2]], [[4], [0], [2]]]


def test_workers_have_random_numbers_of_their_own() -> None:
    class Draws(Dataset[Any]):
        def __len__(self) -> int:
            return 4

        def __getitem__(self, k: int) -> Any:
            return random.random(), np.random.rand(), torch.rand(()).item()

    def seeds(k: int) -> None:
        random.seed(k)
        np.random.seed(k)
        torch.manual_seed(k)

    def drawn(**options: Any) -> Any:
        return [b[0] for b in DataLoader(Draws(), num_workers=2, collate_fn=list, **options)]

    torch.manual_seed(3)
    first = drawn()
    assert len({number for row in first for number in row}) == 12
    torch.manual_seed(3)
    assert drawn() == first  # the seeds come from the default stream
    states = random.getstate(), np.random.get_state()[1].copy()
    same = drawn(worker_init_fn=seeds)
    assert random.getstate() == states[0] and (np.random.get_state()[1] == states[1]).all()
    expected = []
    for k in range(2):
        random.seed(k), np.random.seed(k), torch.manual_seed(k)
        expected.append([(random.random(), np.random.rand(), torch.rand(()).item())
                         for _ in range(2)])  # fmt: skip
    assert same == [row for pair in zip(*expected, strict=True) for row in pair]


def test_splits() -> None:
    data = list(range(10))
    parts = random_split(data, [7, 3], torch.Generator().manual_seed(0))
    assert [len(p) for p in parts] == [7, 3]
    assert sorted(x for p in parts for x in p) == data
    assert [len(p) for p in random_split(data, [0.55, 0.45])] == [6, 4]
    with pytest.raises(ValueError, match="does not equal the length"):
        random_split(data, [1, 2])
    both = ConcatDataset([Subset(data, [3, 4]), data])
    assert len(both) == 12 and both[1] == 4 and both[2] == 0 and both[-1] == 9


def test_samplers() -> None:
    torch.manual_seed(0)
    assert list(BatchSampler(range(5), 2, False)) == [[0, 1], [2, 3], [4]]
    assert sorted(RandomSampler(range(9))) == list(range(9))
    drawn = Counter(WeightedRandomSampler([0.0, 1.0, 3.0], 4000))
    assert drawn[0] == 0 and 900 < drawn[1] < 1100
    assert sorted(WeightedRandomSampler([1.0, 2.0, 3.0], 3, replacement=False)) == [0, 1, 2]
    loader = DataLoader(range(4), sampler=[3, 1], batch_size=None)
    assert list(loader) == [3, 1]
