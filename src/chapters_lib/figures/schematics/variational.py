"""Drawings of the variational autoencoder and of the conditional one."""

from __future__ import annotations

from matplotlib.figure import Figure

from chapters_lib.figures.schematics.language import BLUE, GREEN, SYMBOLS, Box, Sketch


def vae() -> Figure:
    """Draw the graphical model with its plate; beside it the reparameterised draw and the gradient's way back."""
    sketch = Sketch(3.6)
    sketch.heading(0.1, 3.42, "The model")
    z = sketch.code(0.95, 2.35, "$z$", fill="#ffffff")
    x = sketch.code(0.95, 1.2, "$x$", fill="#d9dee3")
    sketch.arrow(z.bottom, x.top)
    sketch.arrow(
        (x.x - 0.2, x.top[1] - 0.08), (z.x - 0.2, z.bottom[1] + 0.08), dashed=True, bend=-0.5
    )
    sketch.frame(0.2, 0.72, 1.6, 2.72, "each image")
    sketch.text(1.24, 1.82, r"$p_\theta$", fontsize=SYMBOLS)
    sketch.text(0.4, 1.82, r"$q_\phi$", fontsize=SYMBOLS)
    sketch.small(0.95, 2.98, r"$p(z)=\mathcal{N}(0,I)$")
    sketch.small(0.95, 0.4, "grey: seen\nwhite: hidden")
    sketch.line([1.95, 1.95], [0.2, 3.4])
    reparameterisation(sketch, 2.15)
    return sketch.figure


def reparameterisation(sketch: Sketch, left: float) -> None:
    """Draw encoder, noise, code and decoder, and under them which way gradients go."""
    y = 2.3
    sketch.heading(left, 3.42, "How a code is drawn, how gradients pass")
    image = sketch.image(left + 0.25, y, "three", label="$x$", size=0.5)
    encoder = sketch.network(left + 1.0, y, "enc.", narrows=True, width=0.62)
    mu, sigma = (
        sketch.code(left + 1.72, y + side, symbol, radius=0.2)
        for side, symbol in ((0.3, r"$\mu$"), (-0.3, r"$\sigma$"))
    )
    z = sketch.code(left + 2.42, y, "$z$", radius=0.21)
    noise = sketch.noise(left + 2.42, y + 0.75, r"$\varepsilon$", radius=0.21)
    decoder = sketch.network(left + 3.13, y, "dec.", narrows=False, width=0.62)
    again = sketch.image(left + 3.88, y, "three again", size=0.5)
    sketch.text(again.x, y + 0.45, r"$\hat{x}$", fontsize=SYMBOLS)
    sketch.arrow(image.right, encoder.left)
    for moment in (mu, sigma):
        sketch.arrow((encoder.right[0], y + (moment.y - y) / 2), moment.left)
        sketch.arrow(moment.right, z.left)
    sketch.arrow(noise.bottom, z.top, dashed=True)
    sketch.arrow(z.right, decoder.left)
    sketch.arrow(decoder.right, again.left)
    sketch.text(left + 1.4, y + 0.76, r"$z=\mu+\sigma\,\varepsilon$", fontsize=SYMBOLS)
    ways_back(sketch, encoder, sigma, z, decoder, again)


def ways_back(sketch: Sketch, encoder: Box, sigma: Box, z: Box, decoder: Box, again: Box) -> None:
    """Draw both losses and their gradients: into decoder, code and encoder, and not into the noise."""
    high, low = 1.2, 0.5
    likelihood = sketch.loss(again.x - 0.2, high, r"$-\log p(x|z)$", GREEN, width=1.05)
    kl = sketch.loss(sigma.x, low, r"KL$(q\,\Vert\,p)$", BLUE, width=0.85)
    sketch.arrow(again.bottom, (again.x, likelihood.top[1]))
    mu_top, bottom = sigma.top[1] + 0.66, sigma.bottom[1] - 0.06  # µ stands above σ
    sketch.frame(sigma.x - 0.26, bottom, sigma.x + 0.26, mu_top)
    sketch.arrow((sigma.x, bottom), kl.top)
    sketch.gradient(
        [likelihood.left, (decoder.x, high), (encoder.x + 0.1, high)], GREEN, head=False
    )
    sketch.gradient([(decoder.x, high), (decoder.x, decoder.bottom[1] + 0.05)], GREEN)
    sketch.gradient([(z.x, high), (z.x, z.bottom[1])], GREEN, head=False)
    sketch.gradient([(encoder.x + 0.1, high), (encoder.x + 0.1, encoder.bottom[1] + 0.1)], GREEN)
    sketch.gradient(
        [kl.left, (encoder.x - 0.12, low), (encoder.x - 0.12, encoder.bottom[1] + 0.04)], BLUE
    )
    x = z.x + 0.16
    sketch.gradient([(x, z.top[1] - 0.04), (x, z.top[1] + 0.2)], GREEN, stopped=True)
    sketch.small(z.x + 0.95, z.y + 0.75, "none into\nthe noise", color=GREEN)


def c_vae() -> Figure:
    """Draw who is told the class: encoder and decoder in training; the decoder alone when images are drawn."""
    sketch = Sketch(3.7)
    y = 2.4
    sketch.heading(0.1, 3.52, "Training: encoder and decoder are told the class")
    image = sketch.image(0.55, y, "shirt", label="$x$", size=0.75)
    encoder, z, decoder, again = conditional(sketch, y)
    sketch.arrow(image.right, encoder.left)
    sketch.arrow(encoder.right, z.left, dashed=True)
    told = sketch.one_hot(3.15, y + 0.75, hot=6)
    sketch.text(3.15, y + 0.49, "class $y$")
    for network, end in ((encoder, told.left), (decoder, told.right)):
        sketch.arrow(end, (network.x, y + 0.4))
    sketch.small(3.15, y - 0.48, "need not\nhold the class")
    sketch.text(again.x, y - 0.54, r"$\hat{x}$", fontsize=SYMBOLS)
    sketch.line([0.1, 6.3], [1.6, 1.6])
    y = 0.62
    sketch.heading(0.1, 1.4, "Drawing: choose the class, draw the code")
    conditional(sketch, y, drawn=True)
    sketch.small(2.82, y - 0.14, r"$z\sim\mathcal{N}(0,I)$, for every class the same", ha="right")
    return sketch.figure


def conditional(sketch: Sketch, y: float, *, drawn: bool = False) -> tuple[Box, Box, Box, Box]:
    """Draw encoder, code, decoder and image; of a drawing only noise, class, decoder and sample."""
    decoder = sketch.network(4.5, y, "decoder", narrows=False, width=1.05, height=0.95)
    again = sketch.image(5.85, y, "boot again" if drawn else "shirt again", size=0.75)
    sketch.arrow(decoder.right, again.left)
    if drawn:
        noise = sketch.noise(3.15, y - 0.14, "$z$")
        sketch.arrow(noise.right, (decoder.left[0], y - 0.12))
        chosen = sketch.one_hot(3.15, y + 0.3, hot=9)
        sketch.text(chosen.left[0] - 0.12, y + 0.3, "class $y$", ha="right")
        sketch.arrow(chosen.right, (decoder.left[0], y + 0.17))
        return noise, chosen, decoder, again
    z = sketch.code(3.15, y, "$z$")
    encoder = sketch.network(1.8, y, "encoder", narrows=True, width=1.05, height=0.95)
    sketch.arrow(z.right, decoder.left)
    return encoder, z, decoder, again
