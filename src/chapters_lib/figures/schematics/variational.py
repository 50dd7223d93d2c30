"""Drawings of the variational autoencoder and of the conditional one."""

from __future__ import annotations

from matplotlib.figure import Figure

from chapters_lib.figures.schematics.language import BLUE, GREEN, SYMBOLS, Sketch


def vae() -> Figure:
    """Draw the graphical model with its plate; beside it the reparameterised draw and the gradient's way back."""
    sketch = Sketch(3.6)
    sketch.heading(0.1, 3.42, "What the model says")
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
    y = 2.05
    sketch.heading(left, 3.42, "How a code is drawn, and how gradients pass")
    image = sketch.image(left + 0.25, y, "three", label="$x$", size=0.5)
    encoder = sketch.network(left + 1.0, y, "enc.", narrows=True, width=0.6)
    mu = sketch.code(left + 1.72, y + 0.32, r"$\mu$", radius=0.19)
    sigma = sketch.code(left + 1.72, y - 0.32, r"$\sigma$", radius=0.19)
    z = sketch.code(left + 2.45, y, "$z$")
    noise = sketch.noise(left + 2.45, y + 0.85, r"$\varepsilon$")
    decoder = sketch.network(left + 3.2, y, "dec.", narrows=False, width=0.6)
    again = sketch.image(left + 3.95, y, "three again", label=r"$\hat{x}$", size=0.5)
    sketch.arrow(image.right, encoder.left)
    for moment in (mu, sigma):
        sketch.arrow((encoder.right[0], y + (moment.y - y) / 2), moment.left)
        sketch.arrow(moment.right, z.left)
    sketch.arrow(noise.bottom, z.top, dashed=True)
    sketch.arrow(z.right, decoder.left)
    sketch.arrow(decoder.right, again.left)
    sketch.small(left + 1.45, y + 0.95, r"$z=\mu+\sigma\,\varepsilon$", fontsize=SYMBOLS - 1)
    kl = sketch.loss(left + 1.72, 0.95, "KL", BLUE, width=0.55)
    likelihood = sketch.loss(left + 3.6, 0.95, r"$-\log p(x\,|\,z)$", GREEN, width=1.25)
    sketch.arrow(again.bottom, (again.x, likelihood.top[1]))
    sketch.gradient([kl.left, (left + 1.0, 0.95), (left + 1.0, y - 0.36)], BLUE)
    low = 0.45
    sketch.gradient(
        [likelihood.bottom, (likelihood.x, low), (left + 0.8, low), (left + 0.8, y - 0.4)], GREEN
    )
    sketch.gradient([(left + 3.2, low), (left + 3.2, 0.75)], GREEN)
    sketch.gradient([(left + 2.85, y + 0.5), (left + 2.72, y + 0.66)], GREEN, stopped=True)


def c_vae() -> Figure:
    """Draw who is told the class: encoder and decoder in training; the decoder alone when images are drawn."""
    sketch = Sketch(3.6)
    y = 2.35
    sketch.heading(0.1, 3.42, "Training: encoder and decoder are told the class")
    image = sketch.image(0.55, y, "shirt", label="$x$", size=0.7)
    encoder = sketch.network(1.85, y, "encoder", narrows=True, width=1.0, height=0.9)
    z = sketch.code(3.15, y, "$z$")
    decoder = sketch.network(4.45, y, "decoder", narrows=False, width=1.0, height=0.9)
    again = sketch.image(5.8, y, "shirt again", label=r"$\hat{x}$", size=0.7)
    for start, end in ((image, encoder), (z, decoder), (decoder, again)):
        sketch.arrow(start.right, end.left)
    sketch.arrow(encoder.right, z.left, dashed=True)
    y_class = sketch.one_hot(3.15, y + 0.72, hot=6, label="$y$")
    for network in (encoder, decoder):
        sketch.arrow((y_class.x + (network.x - y_class.x) * 0.5, y_class.y), (network.x, y + 0.36))
    sketch.small(3.15, y - 0.5, "how it looks,\nnot what it is")
    sketch.line([0.1, 6.3], [1.5, 1.5])
    y = 0.6
    sketch.heading(0.1, 1.32, "Drawing: choose a class, draw a code")
    noise = sketch.noise(3.15, y - 0.12, "$z$")
    sketch.small(1.9, y - 0.12, r"$z\sim\mathcal{N}(0,I)$ for every class")
    chosen = sketch.one_hot(3.15, y + 0.38, hot=9, label="$y$")
    decoder = sketch.network(4.45, y, "decoder", narrows=False, width=1.0, height=0.9)
    sample = sketch.image(5.8, y, "boot again", size=0.7)
    sketch.arrow(noise.right, (decoder.left[0], y - 0.1))
    sketch.arrow(chosen.right, (decoder.left[0], y + 0.16))
    sketch.arrow(decoder.right, sample.left)
    return sketch.figure
