"""A likelihood for images on 256 levels, and the convolutional VAE for colour that uses it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.distributions import Distribution
from torch.nn import functional as F

from chapters_lib.data.batches import as_pixels
from chapters_lib.models.vae import VAE, GaussianEncoder

LEVELS = 256
NARROWEST = (
    -7.0
)  # the least log-scale, a quarter of a level: pixels lie in [0, 1]
FIRST = 4.5  # at an output of 0 the log-scale is about NARROWEST + FIRST


class DiscretisedLogistic(Distribution):
    """A logistic variable for each pixel and channel, rounded to the nearest of 256 levels.

    P(x) = F(x + h) − F(x − h), with F the logistic distribution function of location μ and
    scale s, and h half the distance of two levels; the lowest level has all that lies below
    it, the highest all above. Kingma et al. (2016); Salimans et al. (2017), Section 2.1.

    `loc`, `log_scale`: μ and log s, shapes (..., C, H, W); pixels lie in [0, 1], level k at k/255.
    """

    arg_constraints = {}  # noqa: RUF012

    def __init__(
        self,
        loc: Float[Tensor, "*batch c h w"],
        log_scale: Float[Tensor, "*batch c h w"],
    ):
        super().__init__(
            loc.shape[:-3], loc.shape[-3:], validate_args=False
        )
        self.loc = loc
        self.log_scale = log_scale

    def log_prob(
        self, value: Float[Tensor, "*batch c h w"]
    ) -> Float[Tensor, "*codes"]:
        """Return Σ_d log P(x_d) for pixels at k/255, in nats.

        With a = (x + h − μ)/s and b = (x − h − μ)/s, σ(a) − σ(b) = σ(a) σ(−b) (1 − exp(b − a)):
        a product of three, of which no logarithm is taken of a rounded difference.
        """
        inverse = (-self.log_scale).exp()
        middle = (as_pixels(value) - self.loc) * inverse
        half = inverse / (2 * (LEVELS - 1))
        below = F.logsigmoid(middle + half)  # log F at the upper edge
        above = F.logsigmoid(half - middle)  # log (1 − F) at the lower edge
        inside = below + above + (-torch.expm1(-2 * half)).log()
        lowest, highest = (
            value < 0.5 / (LEVELS - 1),
            value > 1 - 0.5 / (LEVELS - 1),
        )
        return torch.where(
            lowest, below, torch.where(highest, above, inside)
        ).sum((-3, -2, -1))

    @property
    def mean(self) -> Float[Tensor, "*batch c h w"]:
        """The mean of the logistic variable cut off at 0 and 1; rounding moves it by less than a level.

        For a variable in [0, 1] the mean is ∫ P(X > t) dt, here s log((1 + exp(μ/s)) / (1 + exp((μ − 1)/s))).
        """
        scale = self.log_scale.exp()
        return scale * (
            F.softplus(self.loc / scale)
            - F.softplus((self.loc - 1) / scale)
        )

    @torch.no_grad()
    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Draw images whose pixels lie on the levels."""
        uniform = torch.rand(
            *sample_shape, *self.loc.shape, device=self.loc.device
        )
        drawn = (
            self.loc
            + self.log_scale.exp() * uniform.clamp(1e-7, 1 - 1e-7).logit()
        )
        return (drawn * (LEVELS - 1)).round().clamp(0, LEVELS - 1) / (
            LEVELS - 1
        )


class DiscretisedLogisticDecoder(nn.Module):
    """p(x|z): independent discretised logistic pixels; a network makes location and scale of each of the code.

    `net`: maps codes, shape (n, p), to (n, 2C, H, W): first the locations, counted from mid-grey,
    then what becomes the log-scales.
    """

    def __init__(self, net: nn.Module):
        super().__init__()
        self.net = net

    def forward(self, z: Float[Tensor, "*batch p"]) -> DiscretisedLogistic:
        """Return p(x|z); codes may have leading dimensions (K samples an image)."""
        out = self.net(z.reshape(-1, z.shape[-1])).float()
        loc, raw = out.unflatten(0, z.shape[:-1]).chunk(2, -3)
        return DiscretisedLogistic(
            loc + 0.5, NARROWEST + F.softplus(raw + FIRST)
        )


def convolutional(*, latent: int, width: int, prior: nn.Module) -> VAE:
    """Make a VAE for images of 3x32x32: three convolutions at stride 2 down to 4x4, and as many up again.

    Channels are w, 2w, 4w for w = `width`. Group normalisation, unlike batch normalisation,
    leaves each image's bound its own.
    """
    down = nn.Sequential(
        nn.Unflatten(1, (3, 32, 32)),
        *_stage(nn.Conv2d(3, width, 4, 2, 1)),
        *_stage(nn.Conv2d(width, 2 * width, 4, 2, 1)),
        *_stage(nn.Conv2d(2 * width, 4 * width, 4, 2, 1)),
        nn.Flatten(),
        nn.Linear(4 * width * 4 * 4, 2 * latent),
    )
    up = nn.Sequential(
        nn.Linear(latent, 4 * width * 4 * 4),
        nn.Unflatten(1, (4 * width, 4, 4)),
        nn.GroupNorm(8, 4 * width),
        nn.SiLU(),
        *_stage(nn.ConvTranspose2d(4 * width, 2 * width, 4, 2, 1)),
        *_stage(nn.ConvTranspose2d(2 * width, width, 4, 2, 1)),
        nn.ConvTranspose2d(width, 6, 4, 2, 1),
    )
    return VAE(GaussianEncoder(down), DiscretisedLogisticDecoder(up), prior)


def _stage(convolution: nn.Conv2d | nn.ConvTranspose2d) -> list[nn.Module]:
    return [
        convolution,
        nn.GroupNorm(8, convolution.out_channels),
        nn.SiLU(),
    ]
