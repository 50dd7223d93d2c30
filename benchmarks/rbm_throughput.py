"""CD-5 updates a second at 16, 64 and 256 hidden units, beside a plain implementation, in one interleaved run.

    python benchmarks/rbm_throughput.py [--rounds 40] [--threads 1] [--check]

Both sides do the same update of the same batch size: five Gibbs steps, the gradient, Adam. The plain one is what one
writes down first: `torch.bernoulli` and `torch.normal` in every step, the loss F(v) − F(v_k) by autograd, Adam as it
comes. The library draws by uniform < p, keeps the D-dimensional noise out of the chain by integrating the visible
units out, writes the gradient as outer products, and uses Adam's fused form. Rounds alternate between the two, so that
whatever else the machine does hits both; the ratio is the median over rounds.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from chapters_lib.models.rbm import GaussianBernoulliRBM
from chapters_lib.objectives.contrastive_divergence import contrastive_divergence
from chapters_lib.reproducibility import processor_name

VISIBLE, BATCH, STEPS = 784, 128, 5
REQUIRED = {16: 1.0, 64: 1.2, 256: 1.2}


def plain(hidden: int, v: Tensor) -> Callable[[], None]:
    weight = (0.01 * torch.randn(VISIBLE, hidden)).requires_grad_()
    b = torch.zeros(VISIBLE, requires_grad=True)
    a = torch.zeros(hidden, requires_grad=True)
    optimizer = torch.optim.Adam([weight, b, a], 1e-3)

    def free_energy(x: Tensor) -> Tensor:
        return (x - b).square().sum(1) / 2 - F.softplus(x @ weight + a).sum(1)

    def update() -> None:
        with torch.no_grad():
            x = v
            for _ in range(STEPS):
                h = torch.bernoulli(torch.sigmoid(x @ weight + a))
                x = torch.normal(h @ weight.T + b, 1.0)
        loss = free_energy(v).mean() - free_energy(x).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return update


def library(hidden: int, v: Tensor) -> Callable[[], None]:
    rbm = GaussianBernoulliRBM(visible=VISIBLE, hidden=hidden)
    optimizer = torch.optim.Adam(rbm.parameters(), 1e-3, fused=True)

    def update() -> None:
        gradients = contrastive_divergence(rbm, v, STEPS)
        for name, parameter in rbm.named_parameters():
            parameter.grad = gradients[name]
        optimizer.step()

    return update


def seconds(update: Callable[[], None], repeats: int) -> float:
    start = time.perf_counter()
    for _ in range(repeats):
        update()
    return (time.perf_counter() - start) / repeats


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--repeats", type=int, default=10, help="updates a round and side")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--check", action="store_true", help="fail below the required ratios")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    v = torch.randn(BATCH, VISIBLE)
    print(f"{processor_name()}, torch {torch.__version__}, {options.threads} thread(s)")
    print("hidden  plain ms  library ms  updates/s  images/s  ratio (quartiles)  required")
    slow = False
    for hidden, required in REQUIRED.items():
        sides = plain(hidden, v), library(hidden, v)
        for side in sides:
            seconds(side, options.repeats)
        times = [
            tuple(seconds(side, options.repeats) for side in sides) for _ in range(options.rounds)
        ]
        ratios = sorted(p / q for p, q in times)
        low, ratio, high = statistics.quantiles(ratios, n=4)
        old, new = (statistics.median(t[i] for t in times) for i in (0, 1))
        print(
            f"{hidden:6}  {1e3 * old:8.2f}  {1e3 * new:10.2f}  {1 / new:9.0f}  {BATCH / new:8.0f}  "
            f"{ratio:5.2f} ({low:.2f} to {high:.2f})  {required:8.1f}"
        )
        slow = slow or ratio < required
    return int(slow and options.check)


if __name__ == "__main__":
    sys.exit(main())
