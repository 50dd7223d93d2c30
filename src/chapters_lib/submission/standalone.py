"""What packs have instead of the book's own data and training modules: a few lines that read at a glance.

The book's trainings can be stopped and resumed, follow measures and check every file; a notebook to
hand in needs none of that. Both do the same steps: the tests compare the weights that come out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor, nn

from chapters_lib._torchvision import torchvision
from chapters_lib.data import digits, stratified_split, to_float
from chapters_lib.models.gan import GAN, frozen, unmoved
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


def batches(images: Tensor, labels: Tensor, size: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield whole batches in a random order, drawn anew each time; the rest is left out."""
    order = torch.randperm(len(images))
    for i in range(len(images) // size):
        index = order[i * size : (i + 1) * size]
        yield images[index], labels[index]


def minimise(
    model: nn.Module,
    loss: Callable[[Tensor, Tensor], Tensor],
    images: Tensor,
    labels: Tensor,
    *,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    cosine: bool = False,
) -> list[float]:
    """Minimise ``loss(x, y)`` over the weights of `model` by Adam; return its mean in each epoch.

    With `cosine` the learning rate falls to 0 along a cosine.
    """
    optimizer = torch.optim.Adam(model.parameters(), learning_rate, fused=True)
    steps = epochs * (len(images) // batch_size)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps) if cosine else None
    means = []
    model.train()
    for _ in range(epochs):
        values = []
        for x, y in batches(images, labels, batch_size):
            value = loss(x, y)
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
            if falling:
                falling.step()
            values.append(value.item())
        means.append(float(np.mean(values)))
    model.eval()
    return means


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
    cosine: bool = False,
) -> list[tuple[float, float]]:
    """Play Algorithm 1 of Goodfellow et al. (2014) with k = 1; return both losses of each epoch, D's first.

    `rates` are those of generator and discriminator; with `cosine` both fall to 0 along one.
    """
    g, d = gan.generator, gan.discriminator
    both = [
        torch.optim.Adam(part.parameters(), rate, betas=(beta1, 0.999), fused=True)
        for part, rate in zip((g, d), rates, strict=True)
    ]
    step_g, step_d = both
    steps = epochs * (len(images) // batch_size)
    cosines = torch.optim.lr_scheduler.CosineAnnealingLR
    falling = [cosines(adam, steps) for adam in both] if cosine else []
    means = []
    gan.train()
    for _ in range(epochs):
        values = []
        for x, _y in batches(images, labels, batch_size):
            with torch.no_grad(), unmoved(g):
                fake = g(gan.draw_noise(batch_size))
            real_logits = d(x)
            with unmoved(d):  # its running statistics are those of real images
                fake_logits = d(fake)
            d_loss = discriminator_loss(real_logits, fake_logits)
            step_d.zero_grad()
            d_loss.backward()
            step_d.step()
            with frozen(d):
                g_loss = generator_loss(d(g(gan.draw_noise(batch_size))))
                step_g.zero_grad()
                g_loss.backward()
            step_g.step()
            for schedule in falling:
                schedule.step()
            values.append((d_loss.item(), g_loss.item()))
        d_mean, g_mean = np.mean(values, axis=0)
        means.append((float(d_mean), float(g_mean)))
    gan.eval()
    return means
