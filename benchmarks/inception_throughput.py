"""Inception features a second: the library beside the plain forward pass of torchvision's modules.

    python benchmarks/inception_throughput.py [--rounds 5] [--images 50] [--threads 1] [--features 768] [--check]

The plain side is what one writes down first: torchvision's `inception_v3` in evaluation mode as it comes (convolution,
batch normalisation, ReLU, one after the other; NCHW), images resized and repeated in float32, the mean over space. The
library folds the normalisation, joins the 1x1 convolutions of a block, pools after them, and keeps channels last. Same
weights (random ones), same images, same resizing, float32, same number of threads; the sides take turns within each
round, and the ratio is the median over rounds. Features must agree. `bfloat16` is timed beside, and is no part of it.
"""

from __future__ import annotations

import argparse
import datetime
import statistics
import sys
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from chapters_lib.evaluation import inception
from chapters_lib.evaluation.inception import Inception, architecture
from chapters_lib.reproducibility import processor_name

REQUIRED = 1.5
BATCH = 50


@torch.no_grad()
def plain(layers: nn.Sequential, images: Tensor) -> Tensor:
    """Return the features of uint8 images, batch by batch."""
    found = []
    for part in images.split(BATCH):
        x = (part.float() / 255 * 2 - 1).repeat(1, 3, 1, 1)
        x = F.interpolate(x, (32, 32), mode="bilinear", align_corners=False)
        x = F.interpolate(x, (299, 299), mode="bilinear", align_corners=False)
        found.append(F.adaptive_avg_pool2d(layers(x), 1).flatten(1))
    return torch.cat(found)


def timed(make: Callable[[], Tensor], clock: Callable[[], float]) -> tuple[float, Tensor]:
    start = clock()
    found = make()
    return clock() - start, found


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--images", type=int, default=50)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--features", type=int, choices=(768, 2048), default=768)
    parser.add_argument(
        "--processor-time", action="store_true", help="count it instead, on a machine that is busy"
    )
    parser.add_argument("--check", action="store_true", help="fail below the required ratio")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    clock = time.process_time if options.processor_time else time.perf_counter
    torch.manual_seed(0)
    network = architecture()
    names = inception._LAYERS[options.features]
    layers = nn.Sequential(*(network.get_submodule(name) for name in names))
    torch.manual_seed(0)
    quick = Inception(architecture(), features=options.features)
    low = quick.like(precision="bfloat16")
    images = torch.randint(0, 256, (options.images, 1, 28, 28), dtype=torch.uint8)
    print(
        f"{datetime.date.today()}, {processor_name()}, torch {torch.__version__}, {options.threads} thread(s); "
        f"{options.images} images, {options.features} features, {options.rounds} round(s)"
        + ", processor time"
        * options.processor_time
    )
    few = images[:2]
    plain(layers, few), quick(few), low(few)  # warm up: allocators, caches
    times: list[tuple[float, float, float]] = []
    for _ in range(options.rounds):
        slow, one = timed(lambda: plain(layers, images), clock)
        fast, other = timed(lambda: quick(images), clock)
        half, _ = timed(lambda: low(images), clock)
        times.append((slow, fast, half))
    for side, label in enumerate(("plain", "library", "library, bfloat16")):
        seconds = statistics.median(t[side] for t in times) / options.images
        print(f"  {label:<18} {1000 * seconds:8.1f} ms an image  {1 / seconds:8.2f} images/s")
    ratios = sorted(slow / fast for slow, fast, _ in times)
    ratio = statistics.median(ratios)
    print(f"  ratio {ratio:.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}), required {REQUIRED}")
    apart = float((one - other).norm() / one.norm())
    print(f"  features differ by {apart:.1e} of their size")
    if not apart < 1e-4:
        print("  the two sides do not compute the same", file=sys.stderr)
        return 1
    return int(ratio < REQUIRED and options.check)


if __name__ == "__main__":
    sys.exit(main())
