"""Importance-weighted bounds, K = 5000, 784-512-16: the library beside a plain loop that encodes anew for each sample.

    python benchmarks/iwae_throughput.py [--rounds 5] [--samples 5000] [--images 50] [--threads 1] [--check]

Both sides draw K codes for each image of one batch and take log 1/K Σ w of the same weights: same network, float32,
same number of threads. The plain one is what one writes down first: for each of the K samples the whole model (encoder,
one draw, decoder), `binary_cross_entropy_with_logits`, and the two normal densities. The library encodes once, and
decodes many codes in one call. The sides take turns within each round; the ratio is the median over rounds. Both
estimates must agree, image by image, within what the spread of their own weights allows.
"""

from __future__ import annotations

import argparse
import datetime
import math
import statistics
import sys
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from chapters_lib.evaluation.likelihood import log_weights, negative_log_mean
from chapters_lib.models.vae import VAE, fully_connected
from chapters_lib.objectives.elbo import elbo, negative_elbo
from chapters_lib.reproducibility import processor_name

HIDDEN, LATENT = 512, 16
REQUIRED = 2.0


class PlainVAE(nn.Module):
    """The same network in the shape of PyTorch's VAE example, with the weights of the library's."""

    def __init__(self, model: VAE):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(784, HIDDEN), nn.Linear(HIDDEN, 2 * LATENT)
        self.fc3, self.fc4 = nn.Linear(LATENT, HIDDEN), nn.Linear(HIDDEN, 784)
        self.load_state_dict(dict(zip(self.state_dict(), model.state_dict().values(), strict=True)))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        loc, log_var = self.fc2(F.relu(self.fc1(x.flatten(1)))).chunk(2, 1)
        z = loc + torch.randn_like(loc) * (log_var / 2).exp()
        return self.fc4(F.relu(self.fc3(z))), loc, log_var, z


@torch.no_grad()
def plain(model: PlainVAE, x: Tensor, samples: int) -> Tensor:
    """Return log w at K draws, shape (K, n)."""
    rows = []
    for _ in range(samples):
        logits, loc, log_var, z = model(x)
        bce = F.binary_cross_entropy_with_logits(logits, x.flatten(1), reduction="none").sum(1)
        log_prior = -0.5 * (z.square() + math.log(2 * math.pi)).sum(1)
        squares = (z - loc).square() / log_var.exp()
        log_q = -0.5 * (squares + log_var + math.log(2 * math.pi)).sum(1)
        rows.append(log_prior - bce - log_q)
    return torch.stack(rows)


def library(model: VAE, x: Tensor, samples: int, seed: int) -> Tensor:
    """Return log w at K draws, shape (K, n)."""
    draw = torch.Generator().manual_seed(seed)
    return log_weights(model, x, num_samples=samples, generator=draw)


def timed(weigh: Callable[[], Tensor], clock: Callable[[], float]) -> tuple[float, Tensor]:
    """Return the seconds of the whole bound, and its weights."""
    start = clock()
    log_w = weigh()
    negative_log_mean(log_w)
    return clock() - start, log_w


def settled(x: Tensor) -> VAE:
    """Return a model whose q(z|x) is no stranger to its p(z|x): 200 steps on the images themselves."""
    torch.manual_seed(0)
    model = fully_connected(hidden=(HIDDEN,), latent=LATENT)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    for _ in range(200):
        optimizer.zero_grad()
        negative_elbo(elbo(model, x)).backward()
        optimizer.step()
    return model.eval()


def disagreement(one: Tensor, other: Tensor) -> float:
    """Return the largest difference of two images' bounds, in standard errors of that difference.

    The logarithm of a mean of K weights has, by the delta method, the variance of one weight over K and its mean's
    square.
    """
    error = torch.zeros(one.shape[1], dtype=torch.float64)
    for log_w in (one, other):
        w = (log_w.double() - log_w.double().amax(0)).exp()
        error += w.var(0) / w.mean(0).square() / len(w)
    gap = (negative_log_mean(one) - negative_log_mean(other)).abs()
    return float((gap / error.sqrt()).max())


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--samples", type=int, default=5000)
    parser.add_argument("--images", type=int, default=50)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--processor-time", action="store_true", help="count it instead, on a machine that is busy"
    )
    parser.add_argument("--check", action="store_true", help="fail below the required ratio")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    clock = time.process_time if options.processor_time else time.perf_counter
    x = torch.rand(options.images, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    model = settled(x)
    loop = PlainVAE(model)
    print(
        f"{datetime.date.today()}, {processor_name()}, torch {torch.__version__}, {options.threads} thread(s); "
        f"{options.images} images, K = {options.samples}, {options.rounds} round(s)"
        + ", processor time"
        * options.processor_time
    )
    few = max(1, options.samples // 50)
    plain(loop, x, few), library(model, x, few, 0)  # warm up: allocators, caches
    times: list[tuple[float, float]] = []
    apart = 0.0
    for number in range(options.rounds):
        slow, one = timed(lambda: plain(loop, x, options.samples), clock)
        fast, other = timed(lambda n=number: library(model, x, options.samples, n), clock)
        times.append((slow, fast))
        apart = max(apart, disagreement(one, other))
    for label, side in (("plain loop", 0), ("library", 1)):
        seconds = statistics.median(t[side] for t in times)
        weights = options.samples * options.images / seconds
        images = options.images / seconds
        print(f"  {label:<10} {seconds:8.2f} s  {weights:12,.0f} weights/s  {images:8.2f} images/s")
    ratios = sorted(slow / fast for slow, fast in times)
    ratio = statistics.median(ratios)
    print(f"  ratio {ratio:.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}), required {REQUIRED}")
    print(f"  the estimates differ by at most {apart:.1f} standard errors of their difference")
    if apart > 6:
        print("  the two sides do not estimate the same", file=sys.stderr)
        return 1
    return int(ratio < REQUIRED and options.check)


if __name__ == "__main__":
    sys.exit(main())
