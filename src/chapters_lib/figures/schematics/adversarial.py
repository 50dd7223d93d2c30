"""Drawings of the adversarial models, and of which gradient goes where and stops where."""

from __future__ import annotations

from matplotlib.figure import Figure

from chapters_lib.figures.schematics.language import (
    BLUE,
    GREEN,
    HALO,
    ORANGE,
    PURPLE,
    SYMBOLS,
    Box,
    Point,
    Sketch,
)
from chapters_lib.figures.style import INK

DESCENDS, ASCENDS, STOPPED, NONE = "descends", "ascends", "stopped", ""
# Which term of the VAE-GAN's loss moves which network (Algorithm 1 of Larsen et al. 2016); a test takes the
# gradients of the recorded code and finds the same.
ROUTING = {
    "prior": {"encoder": DESCENDS, "decoder": NONE, "discriminator": NONE},
    "likeness": {"encoder": DESCENDS, "decoder": DESCENDS, "discriminator": STOPPED},
    "value": {"encoder": STOPPED, "decoder": DESCENDS, "discriminator": ASCENDS},
}


def gan() -> Figure:
    """Draw noise, generator, real or drawn image, discriminator; below, both losses' gradients and their ends."""
    sketch = Sketch(3.6)
    top, low = 3.1, 2.2
    noise = sketch.noise(0.4, low, "$z$")
    generator = sketch.network(1.45, low, "$G$", narrows=False, width=0.9)
    drawn = sketch.image(2.8, low, "drawn", size=0.65)
    real = sketch.image(2.8, top, "three", size=0.65)
    middle = (top + low) / 2
    judge = sketch.network(4.4, middle, "$D$", narrows=True, width=0.9)
    sketch.arrow(noise.right, generator.left)
    sketch.arrow(generator.right, drawn.left)
    sketch.arrow(real.right, (judge.left[0], middle + 0.15))
    sketch.arrow(drawn.right, (judge.left[0], middle - 0.15))
    sketch.arrow(judge.right, (5.15, middle))
    sketch.text(5.75, middle + 0.12, "$D(x)$", fontsize=SYMBOLS)
    sketch.small(5.75, middle - 0.16, "“real?”")
    sketch.small(2.36, top, "a real image $x$", ha="right")
    sketch.small(2.8, low - 0.46, "a drawn one, $G(z)$")
    turn(
        sketch,
        1.15,
        ORANGE,
        "$D$'s turn",
        "raises $V$: moves $D$, stops before $G$",
        way=[(4.4, 1.15), (4.4, 2.28)],
    )
    sketch.gradient([(4.4, 1.15), (3.45, 1.15)], ORANGE, stopped=True)
    turn(
        sketch,
        0.45,
        GREEN,
        "$G$'s turn",
        "lowers $V$: through $D$, held still, moves $G$ alone",
        way=[(4.7, 0.45), (4.7, 2.45), (judge.left[0], 2.33), (drawn.right[0], low - 0.16)],
    )
    back = low - 0.16
    sketch.gradient([(drawn.left[0], back), (generator.right[0] - 0.02, back)], GREEN)
    return sketch.figure


def turn(sketch: Sketch, y: float, colour: str, name: str, words: str, *, way: list[Point]) -> None:
    """Draw one player's step: its gradient from the loss back on its way."""
    loss = sketch.loss(5.75, y, name, colour, width=1.05)
    sketch.gradient([loss.left, *way], colour)
    sketch.text(2.7, y - 0.27, words, color=colour)


def dcgan_pretraining() -> Figure:
    """Draw the game that trains the discriminator, and its features probed by one linear layer."""
    sketch = Sketch(3.75)
    y = 2.8
    sketch.heading(0.1, 3.57, "1  Play the game: no labels")
    sketch.image(0.62, y + 0.12, "three", size=0.62)
    layers, features = body(sketch, y, "drawn", frozen=False)
    sketch.small(0.56, y - 0.48, "real or drawn")
    last = sketch.network(4.7, y, "last unit", narrows=True, width=0.9, narrow=0.4)
    sketch.arrow(features.right, last.left)
    sketch.arrow(last.right, (5.5, y))
    sketch.text(5.85, y, "real?")
    low = y - 0.78
    sketch.gradient(
        [(5.85, y - 0.16), (5.85, low), (last.x, low), (layers.x, low)], ORANGE, head=False
    )
    for network in (layers, last):
        sketch.gradient([(network.x, low), (network.x, network.bottom[1] + 0.1)], ORANGE)
    sketch.line([4.02, 4.02], [y - 0.5, y + 0.5], color=PURPLE, lw=2.2, ls=(0, (3, 2)), zorder=5)
    sketch.text(4.02, y + 0.62, "cut here", color=PURPLE)
    y = 0.9
    sketch.heading(0.1, 1.66, "2  Probe the features: few labels")
    layers, features = body(sketch, y, "seven", frozen=True)
    probe = sketch.network(4.7, y, "linear\nprobe", narrows=True, width=0.9, narrow=0.7)
    classes = sketch.one_hot(5.84, y, hot=7, cell=0.09)
    sketch.arrow(features.right, probe.left)
    sketch.arrow(probe.right, classes.left)
    sketch.text(5.84, y + 0.22, "class $y$")
    low = y - 0.66
    sketch.gradient(
        [(5.84, y - 0.08), (5.84, low), (probe.x, low), (2.95, low)], GREEN, stopped=True
    )
    sketch.gradient([(probe.x, low), (probe.x, probe.bottom[1] + 0.06)], GREEN)
    sketch.text(2.05, low, "frozen", color=GREEN)
    return sketch.figure


def body(sketch: Sketch, y: float, glyph: str, *, frozen: bool) -> tuple[Box, Box]:
    """Draw an image, the discriminator's convolutions and the features that they return."""
    image = sketch.image(0.5, y, glyph, size=0.62)
    layers = sketch.network(
        2.05, y, "convolutions\nof $D$", narrows=True, width=1.35, height=1.05, frozen=frozen
    )
    features = sketch.code(3.45, y, "$\\phi$", radius=0.25)
    sketch.small(3.45, y - 0.4, "features")
    sketch.arrow((image.right[0] + (0 if frozen else 0.12), y), layers.left)
    sketch.arrow(layers.right, features.left)
    return layers, features


def vae_gan() -> Figure:
    """Draw the three networks and, lane by lane, which of three losses moves which of them and where it is stopped."""
    sketch = Sketch(4.3)
    y = 3.35
    columns = {"encoder": 1.3, "decoder": 3.2, "discriminator": 4.95}
    image = sketch.image(0.35, y, "shirt", size=0.55)
    encoder, decoder, judge = (
        sketch.network(x, y, name, narrows=name != "Dec", width=0.72, height=0.75)
        for x, name in zip(columns.values(), ("Enc", "Dec", "Dis"), strict=True)
    )
    z = sketch.code(2.22, y + 0.17, "$z$", radius=0.19)
    noise = sketch.noise(2.22, y - 0.32, "$z_p$", radius=0.19)
    again = sketch.image(4.06, y, "shirt again", size=0.5)
    sketch.text(0.35, y - 0.42, "$x$", fontsize=SYMBOLS)
    sketch.text(4.06, y - 0.42, r"$\tilde{x},\ x_p$", fontsize=SYMBOLS)
    sketch.arrow(image.right, encoder.left)
    sketch.arrow(encoder.right, z.left, dashed=True)
    sketch.arrow(z.right, (decoder.left[0], y + 0.05))
    sketch.arrow(noise.right, (decoder.left[0], y - 0.1))
    sketch.arrow(decoder.right, again.left)
    sketch.arrow(again.right, judge.left)
    sketch.arrow(judge.right, (5.68, y))
    sketch.text(5.98, y, "real?")
    high = y + 0.68
    sketch.line([0.35, 0.35, 4.95], [y + 0.28, high, high], color=INK, lw=1.3)
    sketch.arrow((4.95, high), (4.95, y + 0.3), gap=0)
    sketch.small(2.7, high + 0.14, "the real image itself")
    for x in columns.values():
        sketch.line([x, x], [0.3, y - 0.4], ls=(0, (1, 3)), lw=1.2)
    for lane, term in zip((2.3, 1.4, 0.5), ROUTING, strict=True):
        route(sketch, term, lane, columns)
    return sketch.figure


LANES = {  # symbol, colour, and where the loss arises
    "prior": (r"$L_\mathrm{prior}$", BLUE, 2.22),
    "likeness": (r"$L_\mathrm{llike}$", GREEN, 6.0),
    "value": ("$V$", ORANGE, 6.0),
}


def route(sketch: Sketch, term: str, lane: float, columns: dict[str, float]) -> None:
    """Draw one term's lane: an arrow up to each network that it moves, a bar where it is stopped."""
    symbol, colour, start = LANES[term]
    loss = sketch.loss(start, lane, symbol, colour, width=0.74)
    reached = {name: x for name, x in columns.items() if ROUTING[term][name] != NONE}
    end = min(reached.values())
    ends_stopped = ROUTING[term]["encoder"] == STOPPED
    if ends_stopped:
        sketch.gradient([loss.left, (end + 0.48, lane)], colour, stopped=True)
    else:
        sketch.gradient([loss.left, (end, lane)], colour, head=False)
    for name, x in reached.items():
        fate = ROUTING[term][name]
        weight = r" $\gamma\times$" if (term, name) == ("likeness", "decoder") else ""
        sketch.text(x, lane - 0.22, fate + weight, color=colour, bbox=HALO)
        if not (ends_stopped and name == "encoder"):
            sketch.gradient([(x, lane), (x, lane + 0.4)], colour, stopped=fate == STOPPED)
