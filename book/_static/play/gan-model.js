/* Two small networks that play against each other: forward, backward, Adam, and one round of Algorithm 1.
   Plain loops over plain arrays; nothing here knows of the page. tests/explorers holds it to PyTorch's own steps. */
(function () {
  "use strict";

  const sigmoid = (v) => 1 / (1 + Math.exp(-v));
  const softplus = (v) => Math.max(v, 0) + Math.log1p(Math.exp(-Math.abs(v)));

  /** Each activation, and its slope written by its own output. */
  const ACTIVATIONS = {
    relu: { of: (v) => Math.max(v, 0), slope: (y) => (y > 0 ? 1 : 0) },
    tanh: { of: Math.tanh, slope: (y) => 1 - y * y },
    sigmoid: { of: sigmoid, slope: (y) => y * (1 - y) },
    identity: { of: (v) => v, slope: () => 1 },
  };

  /** Random numbers from a seed (mulberry32), and draws from N(0, 1) made of them. */
  function randomness(seed) {
    let state = seed >>> 0;
    const uniform = () => {
      state = (state + 0x6d2b79f5) >>> 0;
      let t = Math.imul(state ^ (state >>> 15), state | 1);
      t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
      return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
    const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
    return { uniform, normal, normals: (count) => Float64Array.from({ length: count }, normal) };
  }

  /** Fully connected layers, h ↦ f(W h + b). A batch is one array, row after row. */
  class Network {
    constructor(widths, activations, uniform = () => 0.5) {
      this.layers = activations.map((name, i) => {
        const [columns, rows] = [widths[i], widths[i + 1]], bound = 1 / Math.sqrt(columns); // as nn.Linear begins
        const array = (length) => Float64Array.from({ length }, () => bound * (2 * uniform() - 1));
        return { rows, columns, activation: ACTIVATIONS[name], weight: array(rows * columns), bias: array(rows) };
      });
      for (const layer of this.layers) {
        layer.weightSlope = new Float64Array(layer.weight.length);
        layer.biasSlope = new Float64Array(layer.rows);
      }
    }

    /** What the network makes of a batch; each layer keeps what it saw and what it gave. */
    forward(batch) {
      let h = batch;
      for (const layer of this.layers) {
        const { rows, columns, weight, bias, activation } = layer, count = h.length / columns;
        const out = new Float64Array(count * rows);
        for (let n = 0; n < count; n++) {
          for (let row = 0, at = 0; row < rows; row++) {
            let sum = bias[row];
            for (let c = n * columns; c < (n + 1) * columns; c++) sum += weight[at++] * h[c];
            out[n * rows + row] = activation.of(sum);
          }
        }
        Object.assign(layer, { input: h, output: out });
        h = out;
      }
      return h;
    }

    /** Add the loss's slopes by the weights to those kept, given its slope by the output; return that by the input. */
    backward(slope) {
      let above = slope;
      for (const layer of [...this.layers].reverse()) {
        const { rows, columns, weight, weightSlope, biasSlope, input, output, activation } = layer;
        const below = new Float64Array(input.length), count = input.length / columns;
        for (let n = 0; n < count; n++) {
          for (let row = 0, at = 0; row < rows; row++) {
            const s = above[n * rows + row] * activation.slope(output[n * rows + row]);
            if (s === 0) { at += columns; continue; }
            biasSlope[row] += s;
            for (let c = n * columns; c < (n + 1) * columns; c++, at++) {
              weightSlope[at] += s * input[c];
              below[c] += s * weight[at];
            }
          }
        }
        above = below;
      }
      return above;
    }

    clear() {
      for (const { weightSlope, biasSlope } of this.layers) { weightSlope.fill(0); biasSlope.fill(0); }
    }
  }

  /** Adam (Kingma and Ba, 2015), with the betas of the page's own loop. */
  class Adam {
    constructor(network, betas = [0.5, 0.999]) {
      const pairs = network.layers.flatMap((l) => [[l.weight, l.weightSlope], [l.bias, l.biasSlope]]);
      this.kept = pairs.map(([value, slope]) =>
        ({ value, slope, mean: new Float64Array(value.length), square: new Float64Array(value.length) }));
      Object.assign(this, { betas, steps: 0 });
    }

    step(rate) {
      const [b1, b2] = this.betas, t = ++this.steps;
      for (const { value, slope, mean, square } of this.kept) {
        for (let i = 0; i < value.length; i++) {
          mean[i] = b1 * mean[i] + (1 - b1) * slope[i];
          square[i] = b2 * square[i] + (1 - b2) * slope[i] ** 2;
          value[i] -= rate * mean[i] / (1 - b1 ** t) / (Math.sqrt(square[i] / (1 - b2 ** t)) + 1e-8);
        }
      }
    }
  }

  const average = (values, f) => values.reduce((sum, v) => sum + f(v), 0) / values.length;

  class Pair {
    constructor(generator, discriminator) {
      Object.assign(this, { generator, discriminator });
      this.adams = [new Adam(generator), new Adam(discriminator)];
    }

    /** −E[log D(x)] − E[log(1 − D(G(z)))], from the logits; one step of D against it. */
    stepOfD(real, noise, rate) {
      const { generator, discriminator: d } = this, fake = generator.forward(noise);
      d.clear();
      const onReal = d.forward(real);
      d.backward(onReal.map((a) => (sigmoid(a) - 1) / onReal.length));
      const onFake = d.forward(fake);
      d.backward(onFake.map((a) => sigmoid(a) / onFake.length));
      this.adams[1].step(rate);
      return average(onReal, (a) => softplus(-a)) + average(onFake, softplus);
    }

    /** One step of G through D, which stands still: min-max, E[log(1 − D)], or non-saturating, −E[log D]. */
    stepOfG(noise, rate, saturating) {
      const { generator, discriminator: d } = this;
      generator.clear();
      const logits = d.forward(generator.forward(noise));
      const slope = logits.map((a) => (saturating ? -sigmoid(a) : sigmoid(a) - 1) / logits.length);
      generator.backward(d.backward(slope)); // the next step of D clears what this leaves in D
      this.adams[0].step(rate);
      return average(logits, (a) => (saturating ? -softplus(a) : softplus(-a)));
    }

    /** Algorithm 1, once: k steps of D, then one of G. Returns both losses. */
    round({ real, noise }, { rates, k = 1, saturating = true }) {
      let ofD;
      for (let i = 0; i < k; i++) ofD = this.stepOfD(real(), noise(), rates[1]);
      return [ofD, this.stepOfG(noise(), rates[0], saturating)];
    }

    /** D(x), the probability of being real, of each point of a batch. */
    probability(points) {
      return this.discriminator.forward(points).map(sigmoid);
    }
  }

  // ---- Two worlds --------------------------------------------------------------------------------------

  const gauss = (x, mean, deviation) =>
    Math.exp(-0.5 * ((x - mean) / deviation) ** 2) / (deviation * Math.sqrt(2 * Math.PI));

  /** Eight Gaussians on a ring in the unit square, those of the chapter. */
  const RING = {
    noise: 4, size: 2, width: 32, batch: 64, deviation: 0.025, kernel: 0.02,
    centres: Array.from({ length: 8 }, (_, i) =>
      [0.5 + 0.35 * Math.cos(Math.PI * i / 4), 0.5 + 0.35 * Math.sin(Math.PI * i / 4)]),
    draw(random, count) {
      const points = new Float64Array(2 * count);
      for (let n = 0; n < count; n++) {
        const centre = RING.centres[Math.floor(8 * random.uniform())];
        for (const i of [0, 1]) points[2 * n + i] = centre[i] + RING.deviation * random.normal();
      }
      return points;
    },
    pair(random) {
      const d = new Network([2, RING.width, RING.width, 1], ["relu", "relu", "identity"], random.uniform);
      d.layers[0].weight.forEach((w, i, all) => { all[i] = 6 * w; }); // the square is small: look closely
      return new Pair(new Network([4, RING.width, RING.width, 2], ["relu", "relu", "sigmoid"], random.uniform), d);
    },
    /** How many centres have a fifth of their share of the samples within four standard deviations. */
    found(samples) {
      const counts = RING.centres.map(() => 0);
      for (let n = 0; n < samples.length; n += 2) {
        RING.centres.forEach(([x, y], i) => {
          counts[i] += Math.hypot(samples[n] - x, samples[n + 1] - y) < 4 * RING.deviation;
        });
      }
      return counts.filter((count) => count >= 0.2 * samples.length / 2 / 8).length;
    },
    /** The mean of the densities N(centre, deviation² I) at the middles of cells × cells squares, row by row from below. */
    mixture(centres, deviation, cells) {
      const out = new Float64Array(cells * cells), count = centres.length / 2, near = 5 * deviation;
      const first = (at) => Math.max(Math.ceil((at - near) * cells - 0.5), 0);
      const last = (at) => Math.min(Math.floor((at + near) * cells - 0.5), cells - 1);
      const along = Float64Array.from({ length: cells }, (_, i) => (i + 0.5) / cells), right = new Float64Array(cells);
      for (let n = 0; n < count; n++) {
        const [x, y] = [centres[2 * n], centres[2 * n + 1]], [from, to] = [first(x), last(x)];
        for (let i = from; i <= to; i++) right[i] = gauss(along[i], x, deviation) / count;
        for (let j = first(y); j <= last(y); j++) {
          const up = gauss(along[j], y, deviation);
          for (let i = from; i <= to; i++) out[j * cells + i] += up * right[i];
        }
      }
      return out;
    },
    /** p/(p + q) on such squares, NaN where neither is. p is known; q is estimated: both are seen through one kernel,
        that of the samples, so that equal densities give ½. */
    best(samples, cells) {
      const { kernel, deviation, centres, mixture } = RING, q = mixture(samples, kernel, cells);
      const p = mixture(centres.flat(), Math.hypot(deviation, kernel), cells);
      return p.map((v, i) => (v + q[i] > 0.1 ? v / (v + q[i]) : NaN));
    },
  };

  /** Where values on a square grid, row by row, cross a level: pieces of lines, [x, y, x, y], counted in cells from the
      middle of the first. Nothing is drawn beside a value that is not known. */
  function crossings(values, cells, level) {
    const pieces = [], turn = [[0, 0], [1, 0], [1, 1], [0, 1]];
    for (let at = 0; at < cells * (cells - 1); at++) {
      const x = at % cells, y = Math.floor(at / cells);
      const above = turn.map(([i, j]) => values[at + i + j * cells] - level), ups = above.filter((v) => v > 0).length;
      if (x === cells - 1 || ups === 0 || ups === 4 || above.some(Number.isNaN)) continue;
      const ends = turn.flatMap(([i, j], side) => {
        const next = (side + 1) % 4, part = above[side] / (above[side] - above[next]);
        if (above[side] > 0 === above[next] > 0) return [];
        return [[x + i + part * (turn[next][0] - i), y + j + part * (turn[next][1] - j)]];
      });
      for (let i = 0; i < ends.length; i += 2) pieces.push([...ends[i], ...ends[i + 1]]);
    }
    return pieces;
  }

  /** A density with two humps on the line, that of the chapter's second figure, and a generator of one noise unit. */
  const LINE = {
    noise: 1, size: 1, width: 16, batch: 128, humps: [[0.6, -1.2, 0.5], [0.4, 1.6, 0.6]],
    density: (x) => LINE.humps.reduce((sum, [share, mean, deviation]) => sum + share * gauss(x, mean, deviation), 0),
    draw(random, count) {
      return Float64Array.from({ length: count }, () => {
        const [, mean, deviation] = LINE.humps[random.uniform() < LINE.humps[0][0] ? 0 : 1];
        return mean + deviation * random.normal();
      });
    },
    pair(random) {
      const widths = (from) => [from, LINE.width, LINE.width, 1], bent = ["tanh", "tanh", "identity"];
      return new Pair(new Network(widths(1), bent, random.uniform), new Network(widths(1), bent, random.uniform));
    },
    /** The density of G(z) at the middles of equal bins from low to high: the noise's mass, carried over piece by piece. */
    drawn(generator, low, high, bins) {
      const pieces = 4000, ends = Float64Array.from({ length: pieces + 1 }, (_, i) => -5 + 10 * i / pieces);
      const places = generator.forward(ends), wide = (high - low) / bins, mass = new Float64Array(bins);
      for (let i = 0; i < pieces; i++) {
        const weight = gauss((ends[i] + ends[i + 1]) / 2, 0, 1) * 10 / pieces;
        const a = Math.min(places[i], places[i + 1]), span = Math.max(Math.abs(places[i + 1] - places[i]), 1e-9), b = a + span;
        const first = Math.max(Math.floor((a - low) / wide), 0), last = Math.min(Math.floor((b - low) / wide), bins - 1);
        for (let bin = first; bin <= last; bin++) {
          const inside = Math.min(b, low + (bin + 1) * wide) - Math.max(a, low + bin * wide);
          mass[bin] += weight * Math.max(inside / span, 0);
        }
      }
      return mass.map((m) => m / wide);
    },
  };

  globalThis.playGan = { Network, Adam, Pair, RING, LINE, randomness, crossings };
})();
