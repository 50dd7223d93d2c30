"""How many images a second train: the library's resident batches beside a plain DataLoader. Run by hand.

    python benchmarks/training_throughput.py [--rounds 5] [--seconds 4] [--threads N] [--dataset mnist] [--device cpu]

Same model, batch size, precision (float32), optimiser's rule (Adam) and number of threads on both sides. The plain
loop is the one of PyTorch's own examples: a torchvision data set with ToTensor(), a shuffling DataLoader,
`loss.item()` at every step. The sides take turns within each round, so that whatever else the machine does falls
on all of them; the medians over rounds are compared.
"""

from __future__ import annotations

import argparse
import datetime
import statistics
import time
from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from chapters_lib import data
from chapters_lib.data import Batches, Dataset
from chapters_lib.data.torchvision_shim import torchvision
from chapters_lib.errors import ChaptersError
from chapters_lib.models.autoencoder import Autoencoder
from chapters_lib.objectives.reconstruction import mean_squared_error
from chapters_lib.reproducibility import describe_machine, pick_device, seed_everything

Loss = Callable[[nn.Module, Tensor], Tensor]


class PlainVAE(nn.Module):
    """The 784-400-20 network of PyTorch's VAE example."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.fc21, self.fc22 = nn.Linear(784, 400), nn.Linear(400, 20), nn.Linear(400, 20)
        self.fc3, self.fc4 = nn.Linear(20, 400), nn.Linear(400, 784)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        h = F.relu(self.fc1(x.flatten(1)))
        loc, log_var = self.fc21(h), self.fc22(h)
        z = loc + torch.randn_like(loc) * (log_var / 2).exp()
        return self.fc4(F.relu(self.fc3(z))), loc, log_var


def vae_loss(model: nn.Module, x: Tensor) -> Tensor:
    logits, loc, log_var = model(x)
    bce = F.binary_cross_entropy_with_logits(logits, x.flatten(1), reduction="sum")
    return (bce - 0.5 * (1 + log_var - loc.square() - log_var.exp()).sum()) / len(x)


def autoencoder_loss(model: nn.Module, x: Tensor) -> Tensor:
    return mean_squared_error(x, model(x))


MODELS: dict[str, tuple[Callable[[], nn.Module], Loss]] = {
    "784-400-20 VAE": (PlainVAE, vae_loss),
    "784-512-256-128-2 autoencoder": (Autoencoder, autoencoder_loss),
}


class Items(torchvision().datasets.MNIST):
    """torchvision's own data set over images that are loaded already: one PIL image at a time, then ToTensor."""

    def __init__(self, source: Dataset):
        self.data, self.targets = source.images[:, 0], source.labels
        self.transform, self.target_transform = torchvision().transforms.ToTensor(), None


def pick_dataset(name: str) -> Dataset:
    """Return the named train split; without its files random bytes of the same shape (the speed is the same)."""
    try:
        return data.load(name, "train")
    except ChaptersError:
        draw = torch.Generator().manual_seed(0)
        images = torch.randint(0, 256, (60_000, 1, 28, 28), dtype=torch.uint8, generator=draw)
        return Dataset("mnist", "random bytes", images, torch.zeros(60_000, dtype=torch.int64))


class Resident:
    """The library's way: uint8 tensors in memory, one index_select a batch, a fused optimiser."""

    label = "resident batches, fused Adam"

    def __init__(
        self, source: Dataset, make: Callable[[], nn.Module], loss: Loss, device: torch.device
    ):
        seed_everything(0)
        self.model, self.loss = make().to(device), loss
        self.optimizer = torch.optim.Adam(self.model.parameters(), 1e-3, fused=True)
        self.batches = Batches(source, BATCH, device=device)
        self.device = device

    def steps(self) -> Iterator[int]:
        while True:
            for x, _ in self.batches:
                loss = self.loss(self.model, x)
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
                yield len(x)


class Plain:
    """The examples' way; with `workers` processes that prepare the items."""

    def __init__(
        self,
        source: Dataset,
        make: Callable[[], nn.Module],
        loss: Loss,
        device: torch.device,
        workers: int,
    ):
        seed_everything(0)
        self.model, self.loss = make().to(device), loss
        self.label = f"DataLoader, {workers} workers"
        self.optimizer = torch.optim.Adam(self.model.parameters(), 1e-3)
        self.loader = torch.utils.data.DataLoader(
            Items(source), BATCH, shuffle=True, drop_last=True, num_workers=workers,
            persistent_workers=workers > 0,
        )  # fmt: skip
        self.device = device

    def steps(self) -> Iterator[int]:
        while True:
            for x, _ in self.loader:
                x = x.to(self.device)
                self.optimizer.zero_grad()
                loss = self.loss(self.model, x)
                loss.backward()
                self.optimizer.step()
                loss.item()
                yield len(x)


def measure(steps: Iterator[int], seconds: float, device: torch.device) -> float:
    """Return images a second over about `seconds`."""
    images, start = 0, time.perf_counter()
    while (now := time.perf_counter()) - start < seconds:
        images += next(steps)
    if device.type == "cuda":
        torch.cuda.synchronize()
        now = time.perf_counter()
    return images / (now - start)


BATCH = 128


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--dataset", default="mnist")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    device, source = pick_device(options.device), pick_dataset(options.dataset)
    machine = describe_machine(device)
    print(f"{datetime.date.today()}, torch {machine['torch']}, {machine['device']}, {machine['processor']}, "
          f"{machine['cores']} cores, {options.threads} threads; {source.name} {source.split}, "
          f"{len(source)} images, batches of {BATCH}")  # fmt: skip
    for name, (make, loss) in MODELS.items():
        sides: list[Resident | Plain] = [Resident(source, make, loss, device)]
        sides += [Plain(source, make, loss, device, workers) for workers in (0, 2)]
        running = [side.steps() for side in sides]
        for steps in running:
            measure(steps, 1.0, device)  # warm up: allocators, workers
        speeds: list[list[float]] = [[] for _ in sides]
        for _ in range(options.rounds):
            for speed, steps in zip(speeds, running, strict=True):
                speed.append(measure(steps, options.seconds, device))
        print(f"\n{name}")
        medians = [statistics.median(speed) for speed in speeds]
        for side, speed, median in zip(sides, speeds, medians, strict=True):
            ratio = (
                ""
                if side is sides[0]
                else f"   resident is {medians[0] / median:.2f} times as fast"
            )
            print(
                f"  {side.label:<30} {median:9,.0f} images/s  ({min(speed):,.0f} to {max(speed):,.0f}){ratio}"
            )


if __name__ == "__main__":
    main()
