"""Batches of samples."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from pullback import dtypes
from pullback.construct import as_tensor, tensor
from pullback.dispatch import TENSORS
from pullback.dtypes import float64
from pullback.tensor import Tensor
from pullback.utils.data.datasets import IterableDataset, TensorDataset
from pullback.utils.data.samplers import BatchSampler, RandomSampler, SequentialSampler
from pullback.utils.data.workers import Team


def default_convert(data: Any) -> Any:
    """Arrays as tensors, through any nest; everything else as it is."""
    if isinstance(data, (np.ndarray, np.generic)) and dtypes.kind(data.dtype) in "biufc":
        return as_tensor(np.asarray(data))
    return _mapped(data, default_convert)


def _mapped(data: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(data, Mapping):
        kind: Any = type(data)
        return kind({k: change(v) for k, v in data.items()})
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*map(change, data))
    if isinstance(data, tuple):
        return [change(v) for v in data]
    if isinstance(data, list):
        return [change(v) for v in data]
    return data


def default_collate(batch: Sequence[Any]) -> Any:
    """Samples as one batch: tensors and numbers stacked along a new axis 0, through any nest."""
    first = batch[0]
    if isinstance(first, Tensor):
        return TENSORS.stack(list(batch), 0)
    if isinstance(first, (np.ndarray, np.generic)):
        if dtypes.kind(first.dtype) not in "biufc":
            raise TypeError(
                f"default_collate: batch must contain tensors, numpy arrays, numbers, dicts or "
                f"lists; found {first.dtype}"
            )
        return TENSORS.stack([as_tensor(np.asarray(v)) for v in batch], 0)
    if isinstance(first, float):
        return tensor(list(batch), dtype=float64)
    if isinstance(first, int):
        return tensor(list(batch))
    if isinstance(first, (str, bytes)):
        return list(batch)
    if isinstance(first, Mapping):
        return {k: default_collate([sample[k] for sample in batch]) for k in first}
    if isinstance(first, Sequence):
        if any(len(sample) != len(first) for sample in batch):
            raise RuntimeError("each element in list of batch should be of equal size")
        parts = [default_collate(part) for part in zip(*batch, strict=True)]
        return type(first)(*parts) if hasattr(first, "_fields") else parts
    raise TypeError(
        f"default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; "
        f"found {type(first)}"
    )


class DataLoader:
    """Batches of a data set, in order or shuffled.

    Samples are fetched when they are asked for, in this thread. `num_workers` says how many workers
    take turns: they have what PyTorch's processes have, a number (`get_worker_info`), random
    numbers of their own, and a copy of an `IterableDataset`, each of which gives all its samples
    unless it asks which worker it is.
    """

    def __init__(
        self, dataset: Any, batch_size: int | None = 1, shuffle: bool | None = None,
        sampler: Any = None, batch_sampler: Any = None, num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None, pin_memory: bool = False,
        drop_last: bool = False, timeout: float = 0, worker_init_fn: Any = None,
        multiprocessing_context: Any = None, generator: Any = None, *,
        prefetch_factor: int | None = None, persistent_workers: bool = False,
        pin_memory_device: str = "", in_order: bool = True,
    ) -> None:  # fmt: skip
        if num_workers < 0:
            raise ValueError("num_workers option should be non-negative")
        if sampler is not None and shuffle:
            raise ValueError("sampler option is mutually exclusive with shuffle")
        self.dataset, self.num_workers, self.generator = dataset, num_workers, generator
        self.pin_memory, self.drop_last = pin_memory, drop_last
        self.timeout, self.worker_init_fn = timeout, worker_init_fn
        self.prefetch_factor, self.persistent_workers = prefetch_factor, persistent_workers
        self.multiprocessing_context, self.in_order = multiprocessing_context, in_order
        self.pin_memory_device = pin_memory_device
        self._iterable = isinstance(dataset, IterableDataset)
        if self._iterable and (shuffle or sampler is not None or batch_sampler is not None):
            raise ValueError(
                "DataLoader with IterableDataset: expected unspecified shuffle, sampler and "
                "batch_sampler options"
            )
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                raise ValueError(
                    "batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, "
                    "and drop_last"
                )
            batch_size = None
        elif batch_size is None and drop_last:
            raise ValueError(
                "batch_size=None option disables auto-batching and is mutually exclusive with "
                "drop_last"
            )
        if sampler is None and not self._iterable:
            sampler = (
                RandomSampler(dataset, generator=generator) if shuffle
                else SequentialSampler(dataset)
            )  # fmt: skip
        if batch_size is not None and batch_sampler is None and not self._iterable:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.batch_size, self.sampler, self.batch_sampler = batch_size, sampler, batch_sampler
        batched = batch_size is not None or batch_sampler is not None
        self._batched = batched
        self.collate_fn = collate_fn or (default_collate if batched else default_convert)

    def __iter__(self) -> Iterator[Any]:
        if not self.num_workers:
            return self._streamed(self.dataset) if self._iterable else self._in_places()
        team = Team(self.num_workers, self.dataset, self.worker_init_fn, self.generator)
        if self._iterable:
            return team.streams(self._streamed)
        places = self.sampler if self.batch_sampler is None else self.batch_sampler
        return team.fetches(places, self._fetched)

    def _streamed(self, dataset: Any) -> Iterator[Any]:
        """The batches of samples that come one after the other."""
        samples = iter(dataset)
        if not self._batched:
            yield from map(self.collate_fn, samples)
            return
        size = self.batch_size or 1
        while batch := list(itertools.islice(samples, size)):
            if len(batch) == size or not self.drop_last:
                yield self.collate_fn(batch)

    def _in_places(self) -> Iterator[Any]:
        return map(
            self._fetched, self.sampler if self.batch_sampler is None else self.batch_sampler
        )

    def _fetched(self, place: Any) -> Any:
        """The batch of some indices, or the sample of one."""
        data, collate = self.dataset, self.collate_fn
        if self.batch_sampler is None:
            return collate(data[place])
        if type(data) is TensorDataset and collate is default_collate:
            return list(data[list(place)])  # one look-up gives what stacking the samples does
        fetch = getattr(data, "__getitems__", None)
        return collate(fetch(place) if fetch else [data[k] for k in place])

    def __len__(self) -> int:
        if self._iterable:
            full, rest = divmod(len(self.dataset), self.batch_size or 1)
            return full if self.drop_last or not rest else full + 1
        return len(self.sampler if self.batch_sampler is None else self.batch_sampler)
