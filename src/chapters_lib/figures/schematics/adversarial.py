"""Drawings of the adversarial models, and of which gradient goes where and stops where."""

from __future__ import annotations

from matplotlib.figure import Figure

from chapters_lib.figures.schematics.language import BLUE, GREEN, ORANGE, PURPLE, SYMBOLS, Sketch

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
    turn(sketch, 1.15, ORANGE, "$D$'s turn", "$D$ learns to tell them apart", stop=2.8, end=4.4)
    turn(sketch, 0.45, GREEN, "$G$'s turn", "$D$ passes it on unmoved", stop=None, end=1.45)
    return sketch.figure


def turn(
    sketch: Sketch, y: float, colour: str, name: str, words: str, *, stop: float | None, end: float
) -> None:
    """Draw one player's step: its gradient from the loss back to the network that it moves."""
    loss = sketch.loss(5.75, y, name, colour, width=1.05)
    if stop is None:
        sketch.gradient([loss.left, (4.4, y), (end, y), (end, 1.86)], colour)
    else:
        sketch.gradient([loss.left, (end, y), (end, 2.28)], colour)
        sketch.gradient([(end, y), (stop, y)], colour, stopped=True)
    sketch.small(3.3, y - 0.2, words)


def dcgan_pretraining() -> Figure:
    """Draw the game that trains the discriminator, and its features probed by one linear layer."""
    sketch = Sketch(3.7)
    for y, glyph, title in (
        (2.75, "drawn", "1  The game, without labels"),
        (0.9, "seven", "2  The probe, with few labels"),
    ):
        playing = y > 2
        sketch.heading(0.1, y + 0.75, title)
        image = sketch.image(0.55, y, glyph, size=0.7)
        layers = sketch.network(
            2.05,
            y,
            "convolutions\nof $D$",
            narrows=True,
            width=1.35,
            height=1.05,
            frozen=not playing,
        )
        features = sketch.code(3.5, y, "$a$", radius=0.26)
        sketch.arrow(image.right, layers.left)
        sketch.arrow(layers.right, features.left)
        sketch.small(3.5, y - 0.42, "features")
        head = "last unit" if playing else "linear\nprobe"
        last = sketch.network(
            4.75, y, head, narrows=True, width=0.9, narrow=0.5 if playing else 0.8
        )
        sketch.arrow(features.right, last.left)
        if playing:
            sketch.arrow(last.right, (5.6, y))
            sketch.text(5.95, y, "real?")
            sketch.line([4.05, 4.05], [y - 0.55, y + 0.5], color=PURPLE, lw=2, ls=(0, (3, 2)))
            sketch.text(4.05, y + 0.62, "cut here", color=PURPLE)
            sketch.gradient(
                [(5.9, y - 0.2), (5.9, y - 0.7), (2.05, y - 0.7), (2.05, y - 0.44)], ORANGE
            )
        else:
            classes = sketch.one_hot(5.85, y, hot=7, cell=0.09)
            sketch.arrow(last.right, classes.left)
            sketch.small(5.85, y + 0.22, "class $y$")
            sketch.gradient(
                [(5.85, y - 0.1), (5.85, y - 0.66), (4.75, y - 0.66), (4.75, y - 0.38)], GREEN
            )
            sketch.gradient([(4.75, y - 0.66), (2.9, y - 0.66)], GREEN, stopped=True)
            sketch.small(2.05, y - 0.68, "frozen")
    return sketch.figure


def vae_gan() -> Figure:
    """Draw the three networks and, lane by lane, which of three losses moves which of them and where it is stopped."""
    sketch = Sketch(4.2)
    y = 3.4
    image = sketch.image(0.32, y, "shirt", label="$x$", size=0.5)
    columns = {"encoder": 1.3, "decoder": 3.15, "discriminator": 5.0}
    encoder = sketch.network(columns["encoder"], y, "Enc", narrows=True, width=0.75)
    z = sketch.code(2.25, y, "$z$", radius=0.2)
    decoder = sketch.network(columns["decoder"], y, "Dec", narrows=False, width=0.75)
    again = sketch.image(4.05, y, "shirt again", label=r"$\tilde{x}$", size=0.5)
    judge = sketch.network(columns["discriminator"], y, "Dis", narrows=True, width=0.75)
    sketch.arrow(image.right, encoder.left)
    sketch.arrow(encoder.right, z.left, dashed=True)
    for start, end in ((z, decoder), (decoder, again), (again, judge)):
        sketch.arrow(start.right, end.left)
    sketch.arrow(judge.right, (5.75, y))
    sketch.text(6.05, y, "real?")
    lanes = {
        "prior": (r"$L_\mathrm{prior}$", BLUE, 2.25, 2.35),
        "likeness": (r"$L_\mathrm{llike}$", GREEN, 5.0, 1.45),
        "value": ("$V$", ORANGE, 6.0, 0.55),
    }
    for term, (symbol, colour, x, lane) in lanes.items():
        route(sketch, term, symbol, colour, (x, lane), columns)
    return sketch.figure


def route(
    sketch: Sketch,
    term: str,
    symbol: str,
    colour: str,
    place: tuple[float, float],
    columns: dict[str, float],
) -> None:
    """Draw one term's lane: an arrow or a bar under each network that it depends on, and what happens there."""
    lane = place[1]
    sketch.loss(6.0, lane, symbol, colour, width=0.7)
    for name, x in columns.items():
        fate = ROUTING[term][name]
        if not fate:
            sketch.small(x, lane, "–")
            continue
        words = {DESCENDS: "descends", ASCENDS: "ascends", STOPPED: "stopped"}[fate]
        weight = r"$\gamma\times$ " if (term, name) == ("likeness", "decoder") else ""
        sketch.gradient([(x + 0.6, lane), (x - 0.1, lane)], colour, stopped=fate == STOPPED)
        sketch.text(x + 0.1, lane - 0.24, weight + words, color=colour)
