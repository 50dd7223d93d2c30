/* A Gaussian–Bernoulli Boltzmann machine with σ = 1, and its Gibbs chain at a temperature: p ∝ exp(−E/T). */
(function () {
  "use strict";
  const { halves } = globalThis.playNetworks, sigmoid = (v) => 1 / (1 + Math.exp(-v));

  /** W is row after row, one row a pixel. */
  function read(record) {
    const [weight, visible, hidden] = ["weight", "visible", "hidden"].map((name) => halves(record[name]));
    return { weight, visible, hidden, images: record.images.map(halves), statistics: record.statistics };
  }

  /** α_j + Σ_i W_ij v_i, the logits of p(h_j = 1 | v) at temperature 1. */
  function logits({ weight, hidden }, v) {
    const out = Float64Array.from(hidden);
    for (let i = 0, at = 0; i < v.length; i++) for (let j = 0; j < out.length; j++) out[j] += weight[at++] * v[i];
    return out;
  }

  /** b_i + Σ_j W_ij h_j, the mean of p(v_i | h) at any temperature. */
  function mean({ weight, visible, hidden }, h) {
    const out = Float64Array.from(visible);
    for (let i = 0, at = 0; i < out.length; i++) for (let j = 0; j < hidden.length; j++) out[i] += weight[at++] * h[j];
    return out;
  }

  /** h ~ p(h | v): 1 where a uniform number is below the probability. */
  const sampleHidden = (machine, v, uniform, T = 1) =>
    logits(machine, v).map((logit) => (uniform() < sigmoid(logit / T) ? 1 : 0));

  /** v ~ p(v | h): the mean, and noise of variance T. */
  const sampleVisible = (machine, h, normal, T = 1) => mean(machine, h).map((m) => m + Math.sqrt(T) * normal());

  /** One Gibbs step h → v → h′. */
  const step = (machine, h, { uniform, normal }, T = 1) => sampleHidden(machine, sampleVisible(machine, h, normal, T), uniform, T);

  globalThis.playRbm = { read, logits, mean, sampleHidden, sampleVisible, step };
})();
