"""Which set of colour images the book shows: the best that is recorded, and what the text calls it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from chapters_lib.findings import run
from chapters_lib.recipes.comparing import MODELS
from chapters_lib.recording import runs

CONTROL = "house-numbers"


@dataclass(frozen=True)
class ColourSet:
    """A set of colour images, in the words of titles, sentences and captions."""

    name: str
    title: str  # of captions
    short: str  # in rows of tables and above plots
    full: str  # in a sentence
    licence: str  # of captions
    look: str  # what its samples look like
    tuned: str = ""  # how its models' settings were chosen
    rough: str = ""  # what is seen behind the roughness of its samples
    before: str = "before training"  # when the first of the images that are followed were drawn

    @property
    def needed(self) -> set[str]:
        """The runs that its half of the comparison shows."""
        return {f"{kind}-{self.name}" for kind in (*MODELS, "compared", "judge")}


SVHN_LICENCE = (
    "Images: SVHN and learned from it, for research that is not commercial, not under this book's "
    "licence."
)
ROUGH = "It grows with contrast, and the VAE's is exaggerated light and dark to the eye, not grain."
SETS = {
    found.name: found
    for found in (
        ColourSet(
            "svhn",
            "SVHN",
            "SVHN",
            "SVHN, {train} images to train on and {test} to test",
            SVHN_LICENCE,
            "The text was written before there were any to look at: compare colours, edges and digits with those "
            "of the first row.",
            "Those for SVHN are the same.",
        ),
        ColourSet(
            "svhn-crops",
            "{train} real crops of SVHN",
            "real crops",
            "{all} real crops of SVHN: {train} to train on, {val} for choices and {test} to test. Each "
            "model begins with the weights that it learned on rendered house numbers",
            SVHN_LICENCE,
            "Under the standard normal prior light and dark are exaggerated, and the shape in the middle "
            "is often no digit. With the flow colours and contrast are nearer to those of test images, and "
            "the digit is soft and faint. The GAN's images have edges and grain. Beside samples of the rendered "
            "start, the plain VAE's have changed least; the GAN's digits have changed, too.",
            "For the real crops the autoencoders' rate was chosen on their validation part.",
            ROUGH,
            "before the real crops",
        ),
        ColourSet(
            CONTROL,
            "house numbers, a stand-in",
            "house numbers",
            "house numbers that the library renders, a stand-in for SVHN: {train} images to train on "
            "and {test} to test",
            "Images: house numbers rendered by the library, a stand-in for SVHN, and learned from them.",
            "Under the standard normal prior light and dark are exaggerated, and the shape in the "
            "middle is often no digit. With the flow colours and contrast are those of test images, "
            "and the digit is soft. The GAN's images have edges and grain.",
            rough=ROUGH,
        ),
    )
}


@cache
def colour_set() -> ColourSet:
    """Return the set that the book's colour half shows: whole SVHN, else its real crops, else house numbers."""
    recorded = set(runs.names())
    for found in SETS.values():
        if found.needed <= recorded:
            return found
    return SETS[CONTROL]


def words(text: str) -> str:
    """Return words of the shown set with its numbers of images, as they were recorded, filled in."""
    used = run(f"{MODELS[0]}-{colour_set().name}").data_used
    count = {split: int(of["images"]) for split, of in used.items()}
    return text.format(
        **{split: f"{number:,}" for split, number in count.items()}, all=f"{sum(count.values()):,}"
    )


def title() -> str:
    """Return what captions and sentences call the shown set."""
    return words(colour_set().title)


def shown(name: str) -> str:
    """Return a run on house numbers as that on the set that is shown; other runs as they are."""
    ending = f"-{CONTROL}"
    return name.removesuffix(ending) + f"-{colour_set().name}" if name.endswith(ending) else name
