"""A cow turns its head: the smooth flow of space that takes one surface to another.

Large deformation diffeomorphic metric mapping (LDDMM) by geodesic shooting. The flow is that of
the Hamiltonian H(q,p) = 1/2 sum_ij k(q_i - q_j) <p_i,p_j>: everything follows from the momenta p
at time 0, which are found with L-BFGS. Each step of the flow needs the gradients of H, and L-BFGS
needs the gradient of the final mismatch through all the steps: gradients of gradients of a kernel
matrix.

    pullback run examples/lddmm.py                    # on pullback
    python examples/lddmm.py --points 2930            # on PyTorch, whose memory is the limit

An ordinary PyTorch script: nothing in it knows of pullback.

Reference: M. I. Miller, A. Trouvé, L. Younes, "Geodesic shooting for computational anatomy",
J. Math. Imaging Vis. 24 (2006).
"""

import argparse
import heapq
import resource
import sys
import time
from pathlib import Path

import numpy as np
import torch

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--points", type=int, default=6000, help="of the source, 2930 or more")
parser.add_argument("--steps", type=int, default=10, help="of the flow")
parser.add_argument("--iterations", type=int, default=20, help="of L-BFGS")
parser.add_argument("--picture", type=Path, default=Path("lddmm.svg"))
options = parser.parse_args()

# Step 1: The data ------------------------------------------------------------
# Spot, a cow: a closed surface, made of triangles (see data/README.md).
mesh = np.load(Path(__file__).parent / "data" / "spot.npz")
corners, triangles = mesh["points"].astype(float), mesh["triangles"].astype(int)
corners -= corners.mean(axis=0)
corners /= np.sqrt((corners**2).sum(axis=1).mean())


def refined(points, triangles, count):
    """The same surface with more points: the longest edge is cut in two, again and again."""
    points, faces = list(points), [tuple(int(v) for v in t) for t in triangles]
    around = {}  # the triangles at each edge
    for number, (a, b, c) in enumerate(faces):
        for edge in ((a, b), (b, c), (c, a)):
            around.setdefault(frozenset(edge), set()).add(number)

    def entry(edge):  # of a heap: the longest first
        a, b = sorted(edge)
        return -float(((points[a] - points[b]) ** 2).sum()), a, b

    heap = [entry(edge) for edge in around]
    heapq.heapify(heap)
    while len(points) < count:
        _, a, b = heapq.heappop(heap)
        middle = len(points)
        points.append((points[a] + points[b]) / 2)
        made = {frozenset((a, middle)): set(), frozenset((middle, b)): set()}
        for number in around.pop(frozenset((a, b))):
            first, second, third = faces[number]
            while {first, second} != {a, b}:  # the cut edge first
                first, second, third = second, third, first
            other = len(faces)
            faces[number] = (first, middle, third)
            faces.append((middle, second, third))
            around[frozenset((second, third))].symmetric_difference_update((number, other))
            made[frozenset((first, middle))].add(number)
            made[frozenset((middle, second))].add(other)
            made[frozenset((middle, third))] = {number, other}
        around |= made
        for edge in made:
            heapq.heappush(heap, entry(edge))
    return np.array(points), np.array(faces)


def turned(points):
    """The target: the head, which is where y - z is large, to the side, and the back up."""
    x, y, z = points.T
    angle = np.radians(50) / (1 + np.exp((0.75 - y + z) / 0.12))
    neck = -0.3  # the axis: a vertical line there
    x, z = (
        x * np.cos(angle) + (z - neck) * np.sin(angle),
        neck - x * np.sin(angle) + (z - neck) * np.cos(angle),
    )
    return np.stack([x, y + 0.12 * np.exp(-(((z - 0.6) / 0.4) ** 2)), z], axis=1)


source, faces = refined(corners, triangles, options.points)
target = turned(corners)  # with its own, coarser triangles: no point has a partner


def tensor(array):
    return torch.from_numpy(np.ascontiguousarray(array)).float()


q0, faces_0 = tensor(source), torch.from_numpy(faces)
q_target, faces_target = tensor(target), torch.from_numpy(triangles)


# Step 2: The kernels -----------------------------------------------------------
def kernel(x, y, sigma):
    """exp(-|x_i - y_j|^2 / 2 sigma^2), shape (N,M)."""
    squares = ((x[:, None, :] - y[None, :, :]) ** 2).sum(dim=2)
    return (-squares / (2 * sigma**2)).exp()


def hamiltonian(q, p):
    """The kernel norm of the momenta: the kinetic energy of the flow."""
    return 0.5 * (p * (kernel(q, q, 0.3) @ p)).sum()


def area_vectors(q, faces):
    """For each point, the piece of oriented surface around it."""
    a, b, c = q[faces[:, 0]], q[faces[:, 1]], q[faces[:, 2]]
    u, v = b - a, c - a
    left, right = [1, 2, 0], [2, 0, 1]
    share = (u[:, left] * v[:, right] - u[:, right] * v[:, left]) / 6  # of the cross product
    vectors = torch.zeros_like(q)
    for corner in range(3):
        vectors = vectors.index_put((faces[:, corner],), share, accumulate=True)
    return vectors


def product(x, m, y, n):
    """The inner product of two surfaces, points x and y with area vectors m and n."""
    return (m * (kernel(x, y, 0.15) @ n)).sum()


n_target = area_vectors(q_target, faces_target)
norm_target = product(q_target, n_target, q_target, n_target)


def mismatch(q):
    """The kernel norm of the difference of the surfaces: it needs no matching points."""
    n = area_vectors(q, faces_0)
    cross = product(q, n, q_target, n_target)
    return product(q, n, q, n) - 2 * cross + norm_target


# Step 3: The flow --------------------------------------------------------------
def shoot(q, p):
    """Hamilton's equations, q' = dH/dp and p' = -dH/dq, from time 0 to 1; all the positions."""
    path = [q]
    for _ in range(options.steps):
        in_q, in_p = torch.autograd.grad(hamiltonian(q, p), [q, p], create_graph=True)
        q, p = q + in_p / options.steps, p - in_q / options.steps
        path.append(q)
    return path


# Step 4: The momenta -----------------------------------------------------------
p0 = torch.zeros_like(q0).requires_grad_()
start_0 = q0.clone().requires_grad_()
optimizer = torch.optim.LBFGS(
    [p0], lr=1, max_iter=1, history_size=10, line_search_fn="strong_wolfe", tolerance_change=0,
    tolerance_grad=0,
)  # fmt: skip
evaluations = 0


def closure():
    global evaluations
    evaluations += 1
    optimizer.zero_grad()
    loss = mismatch(shoot(start_0, p0)[-1]) + 1e-3 * hamiltonian(q0, p0)
    loss.backward()
    return loss


def peak():
    status = Path("/proc/self/status")
    if status.exists():  # getrusage would count what the process was forked from
        return int(status.read_text().split("VmHWM:")[1].split()[0]) * 1024 / 1e9
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9


before = mismatch(q0).item()
print(f"{len(source)} points to {len(target)}, {options.steps} steps; mismatch {before:.5f}")
times = []
for iteration in range(options.iterations):
    then, count = time.perf_counter(), evaluations
    optimizer.step(closure)
    times.append(time.perf_counter() - then)
    print(
        f"iteration {iteration + 1:3}   {times[-1]:6.2f} s   {evaluations - count} evaluations",
        flush=True,
    )
path = [x.detach().numpy() for x in shoot(start_0, p0)]
after = mismatch(tensor(path[-1])).item()
print(f"mismatch  {before:.5f} -> {after:.5f}")
moved = np.sqrt(((path[-1][: len(corners)] - target) ** 2).sum(axis=1).mean())
apart = np.sqrt(((corners - target) ** 2).sum(axis=1).mean())
print(f"distance  {apart:.4f} -> {moved:.4f} (root mean square, of points that are not told so)")
print(f"seconds per iteration: {np.median(times):.2f} (median), {evaluations} evaluations in all")
print(f"peak memory: {peak():.2f} GB")


# Step 5: The picture -----------------------------------------------------------
def seen(points):
    """Points as seen from the front and above, a little from the side: right, up, near."""
    turn, tilt = np.radians(35), np.radians(18)
    x = -points[:, 0] * np.cos(turn) - points[:, 2] * np.sin(turn)
    z = points[:, 0] * np.sin(turn) - points[:, 2] * np.cos(turn)
    up = points[:, 1] * np.cos(tilt) - z * np.sin(tilt)
    return np.stack([x, up, points[:, 1] * np.sin(tilt) + z * np.cos(tilt)], axis=1)


def drawn(points, colour, shift):
    """The triangles that face the viewer, from the farthest, in the light of their slope."""
    p = seen(points)
    a, b, c = (p[triangles[:, k]] for k in range(3))
    normal = np.cross(b - a, c - a)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    light = np.clip(normal @ np.array([-0.35, 0.6, 0.72]), 0, 1)
    xy = 150 * p[:, :2] * (1, -1) + shift
    lines = []
    for t in np.argsort((a + b + c)[:, 2]):
        if normal[t, 2] > 0:
            corner = " ".join(f"{x:.1f},{y:.1f}" for x, y in xy[triangles[t]])
            shade = "#" + "".join(f"{int(v * (0.35 + 0.65 * light[t])):02x}" for v in colour)
            lines.append(f'<polygon points="{corner}" fill="{shade}" stroke="{shade}"/>')
    return lines


def flow_lines(shift):
    """The ways of some points, and where they are in the end."""
    near = seen(path[-1])[:, 2]
    chosen = [k for k in range(0, len(corners), 6) if near[k] > np.median(near)]
    ways = [150 * seen(q)[:, :2] * (1, -1) + shift for q in path]
    lines = []
    for k in chosen:
        way = " ".join(f"{w[k][0]:.1f},{w[k][1]:.1f}" for w in ways)
        x, y = ways[-1][k]
        lines.append(f'<polyline points="{way}" fill="none" stroke="#c2410c" stroke-width="1"/>')
        lines.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="1.4" fill="#7c2d12"/>')
    return lines


panels = [
    ("source", drawn(corners, (190, 200, 215), (250, 300))),
    ("target", drawn(target, (235, 200, 120), (750, 300))),
    (
        "flow",
        drawn(path[-1][: len(corners)], (150, 205, 190), (1250, 300)) + flow_lines((1250, 300)),
    ),
]
lines = [
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 100 1500 520" font-family="sans-serif">',
    '<rect y="100" width="1500" height="520" fill="white"/>',
]
for k, (title, shapes) in enumerate(panels):
    lines.append(
        f'<text x="{250 + 500 * k}" y="590" font-size="26" text-anchor="middle">{title}</text>'
    )
    lines += ['<g stroke-width="0.5" stroke-linejoin="round">', *shapes, "</g>"]
options.picture.write_text("\n".join([*lines, "</svg>"]))
print(f"source, target and flow are in {options.picture}")
