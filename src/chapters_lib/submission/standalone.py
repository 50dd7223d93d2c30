"""What packs have instead of the book's own data and training modules: a few lines that read at a glance.

The book's trainings can be stopped and resumed, follow measures and check every file; a notebook to
hand in needs none of that. Both do the same steps: the tests compare the weights that come out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor, nn

from chapters_lib.data import digits, stratified_split, to_float
from chapters_lib.data.torchvision_shim import torchvision
from chapters_lib.models.gan import GAN, frozen, unmoved, without_dropout
from chapters_lib.objectives.adversarial import discriminator_loss


def load(name: str, split: str, folder: str = "data") -> tuple[Tensor, Tensor]:
    """Return images in [0, 1], shape (N, 1, 28, 28), and labels of the split ``train`` or ``test``.

    ``digits`` are the 1,797 of scikit-learn, enlarged from 8x8, of which a fifth is for tests.
    Any other name is a class of torchvision's data sets (``MNIST``), downloaded into `folder`
    if it is not there.
    """
    if name == "digits":
        images, labels = digits()
        train, test = stratified_split(labels, 0.2, seed=0)
        chosen = train if split == "train" else test
        return to_float(images[chosen]), labels[chosen]
    source = getattr(torchvision().datasets, name)(folder, train=split == "train", download=True)
    return to_float(source.data.unsqueeze(1)), source.targets.long()


def load_colour(name: str, split: str, folder: str = "data") -> tuple[Tensor, Tensor]:
    """Return colour images on the levels k/255, shape (N, 3, 32, 32), and labels of ``train`` or ``test``.

    ``digits`` are those of `load` with a margin, each in a colour drawn at random before
    another; any other name is a class of torchvision's data sets with a `split` (``SVHN``).
    """
    if name == "digits":
        images, labels = load("digits", split)
        images = nn.functional.pad(images, (2, 2, 2, 2))
        drawn = torch.Generator().manual_seed(int(split == "test"))
        ground, ink = torch.rand(2, len(images), 3, 1, 1, generator=drawn)
        return (ground + (ink - ground) * images).mul(255).round() / 255, labels
    source = getattr(torchvision().datasets, name)(folder, split=split, download=True)
    return to_float(torch.from_numpy(source.data)), torch.from_numpy(source.labels).long()


def batches(images: Tensor, labels: Tensor, size: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield whole batches in a random order, drawn anew each time; the rest is left out."""
    order = torch.randperm(len(images))
    for i in range(len(images) // size):
        index = order[i * size : (i + 1) * size]
        yield images[index], labels[index]


Schedule = Callable[[torch.optim.Optimizer, int], torch.optim.lr_scheduler.LRScheduler]


def constant(optimizer: torch.optim.Optimizer, steps: int) -> torch.optim.lr_scheduler.LRScheduler:
    """Leave the learning rate as it is."""
    return torch.optim.lr_scheduler.LambdaLR(optimizer, lambda _: 1.0)


def cosine(optimizer: torch.optim.Optimizer, steps: int) -> torch.optim.lr_scheduler.LRScheduler:
    """Let the learning rate fall to 0 along a cosine."""
    return torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)


def one_cycle(
    optimizer: torch.optim.Optimizer, steps: int, rising: float = 0.1, momentum: bool = True
) -> torch.optim.lr_scheduler.LRScheduler:
    """Let the learning rate rise over a share of the steps, then fall to 0 (Smith and Topin 2019).

    With `momentum`, Adam's first β falls while the rate rises, and rises while it falls.
    """
    rate = optimizer.param_groups[0]["lr"]
    return torch.optim.lr_scheduler.OneCycleLR(
        optimizer, rate, total_steps=steps + 1, pct_start=rising, cycle_momentum=momentum
    )


def minimise(
    model: nn.Module,
    loss: Callable[[Tensor, Tensor], Tensor],
    images: Tensor,
    labels: Tensor,
    held_out: tuple[Tensor, Tensor],
    *,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    schedule: Schedule = constant,
    clip: float = 0.0,
) -> tuple[list[float], list[float]]:
    """Minimise ``loss(x, y)`` over the weights of `model` by Adam.

    Parameters
    ----------
    held_out
        images and labels on which the loss is followed; they choose nothing.
    clip
        largest norm of the gradient; 0 for no limit.

    Returns
    -------
    training, other
        of each epoch the mean loss of its steps, and afterwards that of the held-out images in
        evaluation mode.
    """
    optimizer = torch.optim.Adam(model.parameters(), learning_rate, fused=True)
    course = schedule(optimizer, epochs * (len(images) // batch_size))
    training, other = [], []
    for _ in range(epochs):
        values = []
        model.train()
        for x, y in batches(images, labels, batch_size):
            value = loss(x, y)
            optimizer.zero_grad()
            value.backward()
            if clip:
                nn.utils.clip_grad_norm_(model.parameters(), clip)
            optimizer.step()
            course.step()
            values.append(value.item())
        model.eval()
        with torch.no_grad(), torch.random.fork_rng():  # what is drawn here moves no training
            other.append(loss(*held_out).item())
        training.append(float(np.mean(values)))
    return training, other


def play(
    gan: GAN,
    generator_loss: Callable[[Tensor], Tensor],
    images: Tensor,
    labels: Tensor,
    *,
    epochs: int,
    batch_size: int,
    rates: tuple[float, float],
    beta1: float = 0.5,
    schedule: Schedule = constant,
    fresh_noise: bool = True,
    dropout_epochs: int = 0,
    held_out: Tensor | None = None,
) -> list[tuple[float, ...]]:
    """Play Algorithm 1 of Goodfellow et al. (2014) with k = 1; return both losses of each epoch, D's first.

    Parameters
    ----------
    rates
        those of generator and discriminator; `schedule` is their common course.
    fresh_noise
        whether the generator's step draws noise of its own, as the paper writes it, or takes
        the samples that the discriminator has just seen.
    dropout_epochs
        after how many epochs the discriminator's dropout ends; 0 for never.
    held_out
        real images on which the discriminator's loss is measured after each epoch, the third
        number; they choose nothing.
    """
    g, d = gan.generator, gan.discriminator
    both = [
        torch.optim.Adam(part.parameters(), rate, betas=(beta1, 0.999), fused=True)
        for part, rate in zip((g, d), rates, strict=True)
    ]
    step_g, step_d = both
    steps = epochs * (len(images) // batch_size)
    courses = [schedule(adam, steps) for adam in both]
    means: list[tuple[float, ...]] = []
    gan.train()
    for epoch in range(epochs):
        if epoch and epoch == dropout_epochs:
            without_dropout(d)
        values = []
        for x, _y in batches(images, labels, batch_size):
            if fresh_noise:
                with torch.no_grad(), unmoved(g):
                    fake = g(gan.draw_noise(batch_size))
            else:
                fake = g(gan.draw_noise(batch_size))
            real_logits = d(x)
            with unmoved(d):  # its running statistics are those of real images
                fake_logits = d(fake.detach())
            d_loss = discriminator_loss(real_logits, fake_logits)
            step_d.zero_grad()
            d_loss.backward()
            step_d.step()
            with frozen(d):
                again = g(gan.draw_noise(batch_size)) if fresh_noise else fake
                g_loss = generator_loss(d(again))
                step_g.zero_grad()
                g_loss.backward()
            step_g.step()
            for course in courses:
                course.step()
            values.append((d_loss.item(), g_loss.item()))
        d_mean, g_mean = np.mean(values, axis=0)
        means.append((float(d_mean), float(g_mean)))
        if held_out is not None:
            gan.eval()
            with torch.no_grad(), torch.random.fork_rng():  # what is drawn here moves no training
                logits = d(held_out), d(g(gan.draw_noise(len(held_out))))
            means[-1] += (float(discriminator_loss(*logits)),)
            gan.train()
    gan.eval()
    return means
