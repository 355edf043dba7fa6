"""The Gaussian kernel norm of a 3-D shape, its two gradients, and the picture of the computation.

An ordinary PyTorch script: nothing in it knows of pullback.

    pullback run examples/kernel_norm.py    # on pullback
    python examples/kernel_norm.py          # on PyTorch, with torchviz and the Graphviz program
"""

from pathlib import Path

import numpy as np
import torch  # GPU + autodiff library
from torchviz import make_dot  # See github.com/szagoruyko/pytorchviz

use_gpu = torch.cuda.is_available()
dtype = torch.cuda.FloatTensor if use_gpu else torch.FloatTensor

# Step 1: The data ------------------------------------------------------------
# Spot, a cow: a closed surface, made of triangles (see data/README.md).
mesh = np.load(Path(__file__).parent / "data" / "spot.npz")
points, triangles = mesh["points"].astype(float), mesh["triangles"]  # (N,3) and (T,3)

# Centre the shape and scale it, so that its points are at distance 1 from the
# origin, in root mean square: lengths are now relative to the size of the cow.
points -= points.mean(axis=0)
points /= np.sqrt((points**2).sum(axis=1).mean())

# Every triangle has an area vector: orthogonal to it, as long as its area is
# large. Its three corners share it, so that every point holds the small piece
# of oriented surface that surrounds it.
a, b, c = (points[triangles[:, corner]] for corner in range(3))
areas = np.cross(b - a, c - a) / 2  # (T,3)
momenta = np.zeros_like(points)
for corner in range(3):
    np.add.at(momenta, triangles[:, corner], areas / 3)

q = torch.from_numpy(points).type(dtype)  # positions, shape (N,D)
p = torch.from_numpy(momenta).type(dtype)  # momenta, shape (N,D)
s = torch.Tensor([0.2]).type(dtype)  # deviation "sigma" of our kernel

# Step 2: Ask PyTorch to keep track of q and p's children -----------------------
q.requires_grad = True
p.requires_grad = True

# Step 3: The kernel norm -------------------------------------------------------
# H(q,p) = 1/2 sum_{i,j} k(q_i - q_j) <p_i,p_j>, with k(x) = exp(-|x|^2 / 2 sigma^2).
# With area vectors as momenta, it is a norm on *surfaces*: details that are
# smaller than sigma do not count, and neither does the choice of the triangles.
# (Where two sheets that face opposite ways are closer than sigma, as in the legs
# and the ears, they partly cancel out.)
q_i = q[:, None, :]  # shape (N,D) -> (N,1,D)
q_j = q[None, :, :]  # shape (N,D) -> (1,N,D)
D_ij = ((q_i - q_j) ** 2).sum(dim=2)  # squared distances |q_i-q_j|^2
K_ij = (-D_ij / (2 * s**2)).exp()  # Gaussian kernel matrix
v = K_ij @ p  # matrix multiplication. (N,N) @ (N,D) = (N,D)
H = 0.5 * torch.dot(p.view(-1), v.view(-1))  # .5 * <p,v>

# Step 4: The picture -----------------------------------------------------------
# Before the gradients: what a backward pass has used is freed.
picture = make_dot(H, {"q": q, "p": p}).render("kernel_norm", format="svg", cleanup=True)

# Step 5: The gradients ---------------------------------------------------------
# dH/dp = v: the velocity that the momenta give to every point, smooth at scale
# sigma. -dH/dq is the force on every point. Hamilton's equations, q' = dH/dp and
# p' = -dH/dq, make the shape move along a geodesic.
grad_q, grad_p = torch.autograd.grad(H, [q, p])  # pair of (N,D) tensors

print(f"N         = {len(q)} points, {len(triangles)} triangles")
print(f"H(q,p)    = {H.item():.6f}")
print(f"|dH/dq|   = {(grad_q**2).sum().sqrt().item():.6f}")
print(f"|dH/dp|   = {(grad_p**2).sum().sqrt().item():.6f}")
# H is quadratic in p, and does not change when all the points move together:
print(f"<p,dH/dp> = {(p * grad_p).sum().item():.6f} = 2 H")
drift = (grad_q.sum(dim=0) ** 2).sum().sqrt().item()
print(f"|sum dH/dq| = {drift:.0e}, rounding aside 0")
print(f"The graph of this computation is in {picture}")
