"""Each operation's time beside PyTorch's, forward and with its gradient, at three sizes.

    python benchmarks/operations.py                           # pullback alone
    python benchmarks/operations.py --torch ~/torch/bin/python       # the table of ratios
    python benchmarks/operations.py --torch ... --only 'sum|conv'    # some of them

Each library runs in a process of its own; they are asked in turns, operation by operation, and the
fastest of the rounds counts. With `--why`, what is more than three times slower is looked at once
more, and its time divided up by where it was seen, a thousand times a second: in NumPy's calls and
in the bodies of operations, which make them, in the loops of formulas, or in what finds the call,
makes tensors and records. A ratio above 1 means that pullback is slower. What is larger than
`config.defer_elements` may stay a formula: its numbers are asked for, and the time includes that;
other results are not looked at, in either library.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

SLOW = 3  # times PyTorch's time
# What the expressions are about, by the name of their arguments' shapes; `n` is the size.
SIZES = {
    "vector": (10, 10_000, 1_000_000),
    "matrix": (3, 100, 1_000),
    "square": (4, 64, 512),
    "image": (4, 16, 64),
    "points": (10, 300, 3_000),
    "layers": (4, 16, 64),
    "steps": (4, 16, 64),
}
SETUPS = {
    "vector": """
x, y, z = rand(n), rand(n), rand(n)
d, r = y.detach(), z.detach().clone()
b = x.detach() > 0.5
i = torch.arange(n) * 7919 % n
c = torch.view_as_complex(rand(n, 2).detach())
k = torch.arange(n) % 100""",
    "matrix": """
x, y, v = rand(n, n), rand(n, n), rand(n)
b = x.detach() > 0.5
i = torch.arange(n) * 7919 % n
j = i[:, None].expand(n, n).contiguous()""",
    "square": """
x, y, v = rand(n, n), rand(n, n), rand(n)
with torch.no_grad():
    s = x @ x.mT + n * torch.eye(n)
    t = s.tril()
s, t = s.requires_grad_(), t.requires_grad_()""",
    "image": """
x = rand(4, 8, n, n)
w, v = rand(8, 8, 3, 3), rand(8)
u = rand(4, 8, n * n)
l = torch.arange(4) % 8
p = (2.2 * rand(4, n, n, 2).detach() - 1.1).requires_grad_()
t = rand(4, 2, 3)""",
    "points": """
x, y = rand(n, 3), rand(n, 3)
d = rand(n, 64)
i = torch.arange(n) * 7919 % n""",
    "layers": """
x = rand(n, 16, 32)
lstm, gru = torch.nn.LSTM(32, 32, batch_first=True), torch.nn.GRU(32, 32, batch_first=True)
attention = torch.nn.MultiheadAttention(32, 4, batch_first=True)
encoder = torch.nn.TransformerEncoderLayer(32, 4, 64, 0.0, batch_first=True)
embedding, i = torch.nn.Embedding(1_000, 32), torch.arange(16 * n).view(n, 16) * 7919 % 1_000
scores = x.detach().movedim(1, 0).contiguous().requires_grad_()
lengths = torch.full((n,), 16), torch.full((n,), 5)
words = 1 + torch.arange(5 * n).view(n, 5) % 31
image, norm, conv = rand(n, 8, 12, 12), torch.nn.BatchNorm2d(8), torch.nn.Conv2d(8, 8, 3)
volume, kernel = rand(n, 4, 8, 8, 8), rand(4, 4, 3, 3, 3)
line, taps = rand(n, 8, 100), rand(8, 8, 5)""",
    "steps": """
leaves = [torch.nn.Parameter(rand(16, 16)) for _ in range(n)]
for t in leaves:
    t.grad = torch.ones_like(t)
adam, sgd = torch.optim.Adam(leaves), torch.optim.SGD(leaves, 1e-3, momentum=0.9)
adamw, descent = torch.optim.AdamW(leaves), torch.optim.SGD(leaves, 1e-3)
data = torch.utils.data.TensorDataset(rand(16 * n, 8).detach(), torch.arange(16 * n))
loader = torch.utils.data.DataLoader(data, batch_size=16)
shuffled = torch.utils.data.DataLoader(data, batch_size=16, shuffle=True)""",
}
# The operations: family, what they are about, and the expressions.
OPERATIONS = [
    (
        "pointwise",
        "vector",
        """
        x + y; x - y; x * y; x / y; x + 1; 2 * x; 1 / x; -x; x ** 2; x ** 3; x ** y; x ** 0.5
        x.abs(); x.sign(); x.square(); x.sqrt(); x.rsqrt(); x.reciprocal(); x.exp(); x.exp2()
        x.expm1(); x.log(); x.log2(); x.log10(); x.log1p(); x.sin(); x.cos(); x.tan(); x.asin()
        x.acos(); x.atan(); x.sinh(); x.cosh(); x.tanh(); x.asinh(); x.atanh(); x.erf(); x.erfc()
        x.erfinv(); x.lgamma(); x.digamma(); x.sigmoid(); x.logit(); x.floor(); x.ceil(); x.round()
        x.trunc(); x.frac(); x.clamp(0.2, 0.8); x.clamp_min(0.5); x.sinc(); x.deg2rad()
        x.nan_to_num(); torch.atan2(x, y); torch.hypot(x, y); torch.maximum(x, y)
        torch.minimum(x, y); torch.fmax(x, y); torch.fmod(x, y); torch.remainder(x, y)
        torch.logaddexp(x, y); torch.xlogy(x, y); torch.copysign(x, y); torch.lerp(x, y, 0.3)
        torch.addcmul(x, y, z); torch.addcdiv(x, y, z); torch.where(b, x, y)
        x.masked_fill(b, 0.0); x > y; x == y; x.isnan(); x.isfinite(); b & b; ~b; b.logical_xor(b)
        x.to(torch.float64); c.abs(); c.angle(); c * c; c.conj().resolve_conj(); c.real + c.imag
        torch.polar(x, y); torch.special.i0(x); torch.special.ndtr(x); torch.special.entr(x)
        torch.special.zeta(x + 1, y); torch.special.bessel_j0(x); x.relu(); F.softplus(x); F.gelu(x)
        F.silu(x); F.elu(x); F.leaky_relu(x); F.hardswish(x); F.logsigmoid(x); F.mish(x); k // 7
        k % 7; k.gcd(k); k << 1
        """,
    ),
    (
        "reductions",
        "matrix",
        """
        x.sum(); x.sum(0); x.sum(1); x.mean(); x.mean(1); x.prod(1); x.max(); x.min(); x.max(1)
        x.min(0); x.amax(1); x.amin(0); x.argmax(1); x.argmin(); x.aminmax(); x.var(); x.var(1)
        x.std(0); x.norm(); torch.linalg.vector_norm(x, dim=1); torch.linalg.vector_norm(x, 1)
        x.logsumexp(1); x.softmax(1); x.log_softmax(1); x.softmax(0); b.any(); b.all(1)
        torch.count_nonzero(b); x.nansum(); x.nanmean(1); x.median(); x.median(1); x.kthvalue(2)
        x.quantile(0.3); x.mode(1); torch.var_mean(x, 1); torch.dist(x, y); torch.cov(x)
        torch.corrcoef(x)
        """,
    ),
    (
        "running and sorted",
        "matrix",
        """
        x.cumsum(1); x.cumsum(0); x.cumprod(1); x.cummax(1); x.logcumsumexp(1); x.sort(1)
        x.argsort(1); x.topk(2); torch.unique(b); x.diff(); torch.trapezoid(x); x.flatten().sort()
        torch.searchsorted(v.detach().sort().values, x.detach()); torch.histc(x.detach(), 20)
        torch.bincount(i)
        """,
    ),
    (
        "movement",
        "matrix",
        """
        x.t(); x.transpose(0, 1); x.permute(1, 0); x.reshape(-1); x.view(-1); x[None]; x[:, 1:]
        x[1]; x.unsqueeze(1); x.expand(2, *x.shape); x.flip(0); x.roll(1, 0); x.rot90()
        x.repeat(2, 1); x.tile(2, 1); torch.cat([x, y]); torch.cat([x, y], 1); torch.stack([x, y])
        torch.vstack([x, y]); x.split(2); x.chunk(2); x.unbind(); x.contiguous(); x.t().contiguous()
        x.clone(); x.diagonal(); x.tril(); x.triu(); torch.diag(v); torch.meshgrid(v, v)
        torch.broadcast_to(v, x.shape); x.repeat_interleave(2, 0); F.pad(x, (1, 1)); x.movedim(0, 1)
        """,
    ),
    (
        "in place",
        "vector",
        """
        r.add_(d); r.add_(d, alpha=-0.1); r.mul_(0.5); r.sub_(1.0); r.div_(2.0); r.exp_(); r.sqrt_()
        r.addcmul_(d, d, value=0.1); r.addcdiv_(d, d, value=0.1); r.clamp_(0.2, 0.8); r.zero_()
        r.fill_(0.5); r.copy_(d); r.masked_fill_(b, 0.5); r.data.add_(d); r[1:].add_(d[1:])
        """,
    ),
    (
        "indexing",
        "matrix",
        """
        x[i]; x[:, i]; x[b]; x.index_select(0, i); x.gather(0, j); x.take_along_dim(j, 0)
        torch.zeros_like(x).scatter(0, j, x); torch.zeros_like(x).scatter_add(0, j, x)
        torch.zeros_like(x).index_add(0, i, x); x.index_fill(0, i, 0.0); x.masked_select(b)
        x.nonzero(); torch.take(x, i); x.index_copy(0, i, y)
        """,
    ),
    (
        "creation and random",
        "matrix",
        """
        torch.zeros(n, n); torch.ones(n, n); torch.full((n, n), 2.0); torch.arange(n)
        torch.linspace(0, 1, n); torch.eye(n); torch.empty(n, n); torch.zeros_like(x)
        torch.ones_like(x); torch.rand(n, n); torch.randn(n, n); torch.randint(9, (n, n))
        torch.randperm(n); torch.bernoulli(x.detach()); torch.multinomial(v.detach(), 2)
        """,
    ),
    (
        "products",
        "matrix",
        """
        x @ y; x @ v; torch.mm(x, y); torch.mv(x, v); torch.dot(v, v); torch.outer(v, v)
        torch.addmm(x, x, y); torch.einsum('ij,jk->ik', x, y); torch.einsum('ij,ij->i', x, y)
        torch.einsum('i,j->ij', v, v); torch.tensordot(x, y, 1); torch.inner(x, y); torch.trace(x)
        torch.bmm(x[None], y[None]); torch.cross(x[:, :3], y[:, :3], dim=1); torch.kron(v, v[:4])
        F.linear(x, y, v)
        """,
    ),
    (
        "linear algebra",
        "square",
        """
        torch.linalg.det(s); torch.linalg.slogdet(s); torch.linalg.inv(s); torch.linalg.solve(s, v)
        torch.linalg.cholesky(s); torch.cholesky_solve(x, t); torch.linalg.eigh(s)
        torch.linalg.eigvalsh(s); torch.linalg.svd(x); torch.linalg.svdvals(x); torch.linalg.qr(x)
        torch.linalg.lstsq(x, y).solution; torch.linalg.pinv(x); torch.linalg.matrix_exp(x / n)
        torch.linalg.solve_triangular(t, x, upper=False); torch.linalg.matrix_norm(x)
        torch.linalg.lu_factor(x); torch.linalg.matrix_power(x, 3); torch.logdet(s)
        """,
    ),
    (
        "Fourier",
        "matrix",
        """
        torch.fft.fft(x); torch.fft.rfft(x); torch.fft.fft2(x); torch.fft.rfft2(x)
        torch.fft.ifft(x); torch.fft.fftshift(x)
        """,
    ),
    (
        "points",
        "points",
        """
        torch.cdist(x, y); torch.cdist(x, y).min(1).values; (x[:, None] - y[None]).square().sum(2)
        (-torch.cdist(x, y) ** 2).exp() @ y; torch.pdist(x); F.pairwise_distance(x, y)
        F.cosine_similarity(x, y); F.normalize(x)
        F.scaled_dot_product_attention(d[None], d[None], d[None])
        """,
    ),
    (
        "networks",
        "image",
        """
        F.conv2d(x, w, v, padding=1); F.conv2d(x, w, v, stride=2); F.conv_transpose2d(x, w, v)
        F.conv1d(u, w[:, :, 0]); F.max_pool2d(x, 2); F.avg_pool2d(x, 2)
        F.adaptive_avg_pool2d(x, 2); F.batch_norm(x, None, None, training=True)
        F.group_norm(x, 2); F.layer_norm(x, x.shape[1:]); F.instance_norm(x); F.dropout(x)
        F.interpolate(x, scale_factor=2.0); F.interpolate(x, scale_factor=2.0, mode='bilinear')
        F.interpolate(x, scale_factor=1.7, mode='bicubic'); F.interpolate(x, 2, mode='area')
        F.interpolate(x, 2 * n // 3, mode='bilinear', antialias=True); F.upsample_nearest(x, n - 1)
        F.pad(x, (1, 1, 1, 1), 'reflect'); F.unfold(x, 3); F.pixel_shuffle(x, 2)
        F.grid_sample(x, p, align_corners=False)
        F.grid_sample(x, p, 'bicubic', 'reflection', True); F.affine_grid(t, x.shape, True)
        F.fold(F.unfold(x, 2), (n, n), 2); F.pixel_unshuffle(x, 2); F.channel_shuffle(x, 4)
        F.mse_loss(x, torch.zeros_like(x)); F.cross_entropy(x.flatten(1), l)
        F.nll_loss(x.flatten(1), l); F.l1_loss(x, torch.zeros_like(x)); F.embedding(l, x.flatten(1))
        F.smooth_l1_loss(x, torch.zeros_like(x)); F.one_hot(l); F.kl_div(x, torch.ones_like(x))
        F.binary_cross_entropy(x, torch.ones_like(x)); F.softmax(x, 1); F.prelu(x, v)
        """,
    ),
    (
        "layers",
        "layers",
        """
        lstm(x); gru(x); attention(x, x, x, need_weights=False); encoder(x); embedding(i)
        F.ctc_loss(scores.log_softmax(2), words, *lengths); norm(image); conv(image)
        F.conv3d(volume, kernel); F.conv1d(line, taps); F.conv_transpose1d(line, taps)
        F.layer_norm(x, (32,)); F.max_pool1d(line, 2); F.max_pool3d(volume, 2)
        F.avg_pool3d(volume, 2); F.linear(x, taps[:, :4, 0].reshape(1, 32))
        """,
    ),
    (
        "steps",
        "steps",
        """
        adam.step(); sgd.step(); adamw.step(); descent.step(); [b for b in loader]
        [b for b in shuffled]; torch.nn.utils.clip_grad_norm_(leaves, 1.0)
        """,
    ),
]


def expressions(pattern: str) -> list[tuple[str, str, str]]:
    """(family, setup, expression) of all operations that match."""
    found = [
        (family, setup, expression)
        for family, setup, text in OPERATIONS
        for expression in re.split(r";|\n", text)
    ]
    return [(f, s, e.strip()) for f, s, e in found if e.strip() and re.search(pattern, f"{f} {e}")]


# ----------------------------------------------------------------------- one library's process


def tensors_of(value: Any, torch: Any) -> list[Any]:
    """The tensors of a result."""
    if isinstance(value, torch.Tensor):
        return [value]
    return [t for v in value for t in tensors_of(v, torch)] if isinstance(value, tuple) else []


def calls_of(torch: Any, setup: str, n: int, expression: str) -> dict[str, Callable[[], Any]]:
    """What is measured: the call, and the call with its gradient if it has one."""
    torch.manual_seed(0)

    def rand(*shape: int) -> Any:
        return (0.05 + 0.9 * torch.rand(*shape)).requires_grad_()

    names: dict[str, Any] = {"torch": torch, "F": torch.nn.functional, "n": n, "rand": rand}
    exec(SETUPS[setup], names)
    function: Callable[[], Any] = eval(f"lambda: {expression}", names)
    formulas = any(getattr(t, "_is_formula", False) for t in tensors_of(function(), torch))

    def numbers() -> Any:
        result = function()
        for t in tensors_of(result, torch):
            t.detach().numpy()
        return result

    found: dict[str, Callable[[], Any]] = {"forward": numbers if formulas else function}
    outputs = [t for t in tensors_of(function(), torch) if t.requires_grad]
    if outputs:
        cotangents = [torch.ones_like(t) for t in outputs]
        parts = [v for v in names.values() if isinstance(v, torch.nn.Module)]
        leaves = [
            t
            for t in (*names.values(), *(p for part in parts for p in part.parameters()))
            if isinstance(t, torch.Tensor) and t.requires_grad
        ]  # those that the expression does not use get None

        def gradient() -> Any:
            results = [t for t in tensors_of(function(), torch) if t.requires_grad]
            return torch.autograd.grad(results, leaves, cotangents, allow_unused=True)

        found["gradient"] = gradient
    return found


def measure(torch: Any, setup: str, n: int, expression: str, seconds: float) -> dict[str, Any]:
    """Seconds of a call, forward and with the gradient, each the fastest of several turns."""
    found = {}
    for figure, function in calls_of(torch, setup, n, expression).items():
        with torch.set_grad_enabled(figure == "gradient"):
            found[figure] = fastest(function, seconds)
    return found


def divided(torch: Any, setup: str, n: int, expression: str, figure: str) -> dict[str, float]:
    """The parts of a call's time, by where it is seen while it is made over and over."""
    function = calls_of(torch, setup, n, expression)[figure]
    seen: dict[str, int] = {}

    def look(number: int, frame: Any) -> None:
        place = part_of(frame.f_code.co_filename)
        seen[place] = seen.get(place, 0) + 1

    with torch.set_grad_enabled(figure == "gradient"):
        for _ in range(20):
            function()
        before = signal.signal(signal.SIGPROF, look)
        signal.setitimer(signal.ITIMER_PROF, 1e-3, 1e-3)
        try:
            end = time.process_time() + 0.3
            while time.process_time() < end:
                function()
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.signal(signal.SIGPROF, before)
    whole = sum(seen.values()) or 1
    return {place: count / whole for place, count in seen.items()}


def part_of(file: str) -> str:
    """What the code of a file is for."""
    path = file.replace(os.sep, "/")
    if path.startswith("<NumPy") or "/numpy/" in path or "/scipy/" in path:
        return "NumPy"
    if path.startswith("<the loop of"):  # of calls that are made often
        return "formulas"
    for room in ("backends", "ops", "formula"):
        if f"/pullback/{room}/" in path:
            return {"formula": "formulas", "ops": "bodies", "backends": "bodies"}[room]
    return "dispatch and graph"


clock = time.perf_counter


def fastest(function: Callable[[], Any], seconds: float) -> float:
    """Seconds of the fastest call, of at least three turns of as many calls as take 1 ms."""
    start = clock()
    function()
    once = clock() - start
    calls = max(1, min(1_000, int(1e-3 / max(once, 1e-7))))
    end = clock() + seconds
    best = once
    turns = 0
    while turns < 3 or clock() < end:
        start = clock()
        for _ in range(calls):
            function()
        best = min(best, (clock() - start) / calls)
        turns += 1
    return best


def worker(module: str, one_thread: bool) -> None:
    """Answers each line of questions with a line of JSON."""
    global clock
    if module == "torch":
        import torch
    else:
        import pullback as torch
    if one_thread:
        torch.set_num_threads(1)
        clock = time.process_time
    for line in sys.stdin:
        setup, n, expression, what = json.loads(line)
        ask = divided if isinstance(what, str) else measure
        try:
            answer = ask(torch, setup, n, expression, what)
        except Exception as error:  # reported for this operation; the others go on
            answer = {"error": f"{type(error).__name__}: {str(error).splitlines()[0][:100]}"}
        print(json.dumps(answer), flush=True)


# ------------------------------------------------------------------------------- the questions


class Library:
    """A process that measures with one library."""

    def __init__(self, python: str, module: str, one_thread: bool):
        single = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"} if one_thread else {}
        command = [python, "-W", "ignore", __file__, "--worker", module]
        self.process = subprocess.Popen(
            command + ["--one-thread"] * one_thread, env={**os.environ, **single},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def ask(self, *question: Any) -> dict[str, Any]:
        """The answer to one question."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer


def compare(options: argparse.Namespace) -> list[dict[str, Any]]:
    """A row for each operation, size and figure that was measured."""
    libraries = {"pullback": Library(sys.executable, "pullback", options.one_thread)}
    if options.torch:
        libraries["torch"] = Library(options.torch, "torch", options.one_thread)
    rows = []
    for family, setup, expression in expressions(options.only):
        for n in [SIZES[setup][k] for k in options.sizes]:
            times: dict[str, dict[str, float]] = {m: {} for m in libraries}
            for _ in range(options.rounds):
                for module, library in libraries.items():
                    answer = library.ask(setup, n, expression, options.seconds)
                    if "error" in answer:
                        times[module] = answer
                        continue
                    for figure, seconds in answer.items():
                        known = times[module].get(figure, seconds)
                        times[module][figure] = min(known, seconds)
            for figure in ("forward", "gradient"):
                row = {m: t.get(figure) for m, t in times.items()}
                errors = {m: t["error"] for m, t in times.items() if "error" in t}
                if any(row.values()) or (errors and figure == "forward"):
                    rows.append({
                        "family": family, "operation": expression, "size": n, "figure": figure,
                        "errors": errors, **row,
                    })  # fmt: skip
    if options.why:  # of a process that measures nothing: clocks may be coarser with a timer
        library = Library(sys.executable, "pullback", options.one_thread)
        setups = {operation: setup for _, setup, operation in expressions(options.only)}
        for row in rows:
            ours, theirs = row["pullback"], row.get("torch")
            if ours and theirs and ours > SLOW * theirs:
                operation = row["operation"]
                question = (setups[operation], row["size"], operation, row["figure"])
                answer = library.ask(*question)
                row["parts"] = {} if "error" in answer else answer
    return rows


def reason(row: dict[str, Any]) -> str:
    """Where the time of a slow call goes, in microseconds."""
    parts = sorted(row.get("parts", {}).items(), key=lambda part: -part[1])
    text = ", ".join(f"{name} {share * row['pullback'] * 1e6:.1f}" for name, share in parts)
    return f"   {text}" if text else ""


def show(rows: list[dict[str, Any]]) -> None:
    """The table, slowest ratio first, and what sums it up."""
    failed = [r for r in rows if r["errors"]]
    timed = [r for r in rows if r.get("pullback") and r.get("torch")]
    for r in timed:
        r["ratio"] = r["pullback"] / r["torch"]
    for r in sorted(timed, key=lambda r: -r["ratio"]):
        print(
            f"{r['ratio']:8.2f}  {r['operation']:52} {r['size']:>8,} {r['figure']:9}"
            f"{r['pullback'] * 1e6:12.1f} µs {r['torch'] * 1e6:12.1f} µs{reason(r)}"
        )
    if not timed:
        for r in rows:
            if r["pullback"]:
                print(
                    f"{r['operation']:52} {r['size']:>8,} {r['figure']:9}"
                    f"{r['pullback'] * 1e6:12.1f} µs"
                )
    for r in failed:
        print(f"not measured: {r['operation']} of {r['size']:,}: {r['errors']}")
    for family in dict.fromkeys(r["family"] for r in timed):
        ratios = [r["ratio"] for r in timed if r["family"] == family]
        print(f"{family:20} median {statistics.median(ratios):6.2f}   of {len(ratios)}")
    if timed:
        ratios = [r["ratio"] for r in timed]
        print(
            f"{len({r['operation'] for r in timed})} operations, {len(ratios)} figures: median "
            f"{statistics.median(ratios):.2f}, above {SLOW}: {sum(r > SLOW for r in ratios)}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--torch", metavar="PYTHON", help="an interpreter that has PyTorch")
    parser.add_argument("--only", metavar="REGEX", default="", help="operations to measure")
    parser.add_argument(
        "--sizes", type=int, nargs="+", choices=(0, 1, 2), default=(0, 1, 2),
        help="which of the three: 0 is the smallest",
    )  # fmt: skip
    parser.add_argument("--seconds", type=float, default=0.02, help="for each figure and round")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--json", metavar="FILE", help="write the figures there as well")
    parser.add_argument(
        "--one-thread", action="store_true",
        help="processor time of one thread: for machines that have other things to do",
    )  # fmt: skip
    parser.add_argument(
        "--why", action="store_true", help="where the time of what is slow goes; needs --torch"
    )
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        worker(options.worker, options.one_thread)
        return
    if options.why and not options.torch:
        parser.error("--why needs --torch: slow is what takes longer than PyTorch")
    rows = compare(options)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(rows, file, indent=1)
    show(rows)


if __name__ == "__main__":
    main()
