"""What `bench.py` measures: the library beside another way to do the same work, one contest each."""

from __future__ import annotations

import importlib.util
import logging
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import inception_throughput
import iwae_throughput
import rbm_throughput
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from training_throughput import BATCH, MODELS, Plain, pick_dataset

from chapters_lib.data import Batches, Dataset
from chapters_lib.evaluation import inception
from chapters_lib.evaluation.inception import Inception, architecture
from chapters_lib.experiments.dcgan_pretraining import HALF
from chapters_lib.models.gan import GAN
from chapters_lib.models.vae import fully_connected
from chapters_lib.objectives.elbo import elbo, negative_elbo
from chapters_lib.recipes import gan
from chapters_lib.reproducibility import seed_everything
from chapters_lib.training import fit

Work = Callable[[], int]  # a turn; how many units of work it did
CPU = torch.device("cpu")
HIDDEN, LATENT = 400, 20
IMAGES = 50  # of Inception and of the importance-weighted bound


@dataclass(frozen=True)
class Contest:
    """Two ways to do the same work.

    Attributes
    ----------
    unit
        what a turn's count counts.
    other
        what the library is measured beside; `against` is its name.
    aim
        the ratio of speeds that the library is meant to reach.
    turns
        the most rounds of it: what takes long has few.
    """

    key: str
    title: str
    against: str
    unit: str
    aim: float
    library: Work
    other: Work
    precision: str = "float32"
    turns: int = 1000


def contests(images: int) -> Iterator[Contest]:
    """Yield the contests, each made when its turn comes; trainings of the VAE take `images` a turn."""
    source = pick_dataset("mnist").first(images)
    ours = library_vae(source)
    title = "VAE, 784–400–20"
    yield Contest("vae-loader", title, "DataLoader loop", "image", 3.0, ours, plain_vae(source))
    if importlib.util.find_spec("pythae"):
        yield Contest("vae-pythae", title, "pythae", "image", 1.8, ours, pythae_vae(source))
    yield from dcgan_contests(source)
    for hidden in (16, 64, 256):
        v = torch.randn(rbm_throughput.BATCH, rbm_throughput.VISIBLE)
        sides = rbm_throughput.library(hidden, v), rbm_throughput.plain(hidden, v)
        yield Contest(
            f"cd5-{hidden}",
            f"CD-5, {hidden} hidden units",
            "autograd and torch.bernoulli",
            "update",
            1.2,
            *(repeated(side, 40) for side in sides),
        )
    yield bound_contest(samples=1000)
    yield inception_contest()


def repeated(update: Callable[[], Any], times: int) -> Work:
    def turn() -> int:
        for _ in range(times):
            update()
        return times

    return turn


def library_vae(source: Dataset) -> Work:
    """An epoch of the book's own loop, `fit`, over resident batches."""
    seed_everything(0)
    model = fully_connected(hidden=(HIDDEN,), latent=LATENT)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3, fused=True)
    batches = Batches(source, BATCH)

    def step(x: Tensor, _: Tensor) -> dict[str, Tensor]:
        loss = negative_elbo(elbo(model, x))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return {"loss": loss.detach()}

    return lambda: int(fit(step, batches, epochs=1).column("images")[0])


def plain_vae(source: Dataset) -> Work:
    """An epoch as in PyTorch's examples: a picture at a time, a shuffling DataLoader, `loss.item()`."""
    side = Plain(source, *MODELS["784-400-20 VAE"], CPU, workers=0)
    steps = side.steps()
    return lambda: sum(next(steps) for _ in range(len(side.loader)))


def pythae_vae(source: Dataset) -> Work:
    """An epoch of pythae's trainer (Chadebec et al. 2022), over the same network and batches."""
    from pythae.data.datasets import BaseDataset
    from pythae.models import VAE, VAEConfig
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder, BaseEncoder
    from pythae.trainers import BaseTrainer, BaseTrainerConfig

    logging.disable(logging.WARNING)

    class Encoder(BaseEncoder):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.Sequential(nn.Flatten(), nn.Linear(784, HIDDEN), nn.ReLU())
            self.mean, self.log_var = nn.Linear(HIDDEN, LATENT), nn.Linear(HIDDEN, LATENT)

        def forward(self, x: Tensor) -> Any:
            h = self.layers(x)
            return ModelOutput(embedding=self.mean(h), log_covariance=self.log_var(h))

    class Decoder(BaseDecoder):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.Sequential(
                nn.Linear(LATENT, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 784), nn.Sigmoid()
            )

        def forward(self, z: Tensor) -> Any:
            return ModelOutput(reconstruction=self.layers(z).view(-1, 1, 28, 28))

    config = VAEConfig(input_dim=(1, 28, 28), latent_dim=LATENT, reconstruction_loss="bce")
    trainer = BaseTrainer(
        VAE(config, Encoder(), Decoder()),
        BaseDataset(source.images.float() / 255, source.labels),
        training_config=BaseTrainerConfig(
            output_dir=tempfile.mkdtemp(),
            num_epochs=1,
            per_device_train_batch_size=BATCH,
            learning_rate=1e-3,
            optimizer_cls="Adam",
            no_cuda=True,
        ),
    )
    trainer.prepare_training()
    trainer.callback_handler.callbacks = []  # its progress bar

    def turn() -> int:
        trainer.train_step(1)
        return len(source)

    return turn


def dcgan_contests(source: Dataset) -> Iterator[Contest]:
    """Yield the convolutional pair at half width, in both precisions, beside the example's loop in float32."""
    batches = list(Batches(source.first(4 * BATCH), BATCH))
    other = plain_dcgan(batches)
    for precision, aim in (("float32", 1.0), ("bfloat16", 1.0)):
        config = replace(HALF, batch_size=BATCH, precision=precision)
        yield Contest(
            f"dcgan-{precision}",
            f"DCGAN, width {config.width}, {precision}",
            "PyTorch's example, float32",
            "step",
            aim,
            library_dcgan(config, batches),
            other,
            precision,
        )


def library_dcgan(config: gan.GanConfig, batches: list[tuple[Tensor, Tensor]]) -> Work:
    seed_everything(0)
    model = gan.build(config)
    optimizers: dict[str, torch.optim.Optimizer] = {
        name: torch.optim.Adam(part.parameters(), 2e-4, (0.5, 0.999), fused=True)
        for name, part in model.named_children()
    }
    schedules = {name: gan.make_schedule(config, o, 10**6) for name, o in optimizers.items()}
    step = gan.game(config, model, optimizers, schedules, 0)

    def turn() -> int:
        for x, y in batches:
            step(x, y)
        return len(batches)

    return turn


def plain_dcgan(batches: list[tuple[Tensor, Tensor]]) -> Work:
    """The loop of PyTorch's DCGAN example over the same networks."""
    seed_everything(0)
    model: GAN = gan.build(replace(HALF, batch_size=BATCH, precision="float32"))
    g, d = model.generator, model.discriminator
    of_d, of_g = (torch.optim.Adam(part.parameters(), 2e-4, (0.5, 0.999)) for part in (d, g))

    def loss_of(x: Tensor, label: float) -> Tensor:
        logits = d(x)
        return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, label))

    def turn() -> int:
        for x, _ in batches:
            d.zero_grad()
            real = loss_of(x, 1.0)
            real.backward()
            fake = g(torch.randn(len(x), HALF.noise))
            drawn = loss_of(fake.detach(), 0.0)
            drawn.backward()
            of_d.step()
            g.zero_grad()
            fooled = loss_of(fake, 1.0)
            fooled.backward()
            of_g.step()
            real.item(), drawn.item(), fooled.item()
        return len(batches)

    return turn


def bound_contest(samples: int) -> Contest:
    """The importance-weighted bound, beside the whole model for each sample."""
    x = torch.rand(IMAGES, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    model = iwae_throughput.settled(x)
    loop = iwae_throughput.PlainVAE(model)

    def ours() -> int:
        iwae_throughput.negative_log_mean(iwae_throughput.library(model, x, samples, 0))
        return samples * IMAGES

    def other() -> int:
        iwae_throughput.negative_log_mean(iwae_throughput.plain(loop, x, samples))
        return samples * IMAGES

    title = f"Importance weights, K = {samples}"
    return Contest("iwae", title, "the whole model each time", "weight", 2.0, ours, other)


def inception_contest() -> Contest:
    """Inception features, beside torchvision's modules as they come."""
    torch.manual_seed(0)
    network = architecture()
    names = inception._LAYERS[768]
    layers = nn.Sequential(*(network.get_submodule(name) for name in names)).eval()
    torch.manual_seed(0)
    quick = Inception(architecture(), features=768)
    images = torch.randint(0, 256, (IMAGES, 1, 28, 28), dtype=torch.uint8)

    def ours() -> int:
        quick(images)
        return IMAGES

    def other() -> int:
        inception_throughput.plain(layers, images)
        return IMAGES

    title = "Inception features, 768"
    return Contest("inception", title, "torchvision's modules", "image", 2.0, ours, other, turns=3)
