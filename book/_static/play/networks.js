/* Numbers in half precision, and stacks of linear layers, layer normalisation and SiLU, as chapters_lib.explorers.live writes them. */
(function () {
  "use strict";

  /** Half-precision numbers (IEEE 754 binary16) from base64: browsers had no array of them until lately. */
  function halves(text) {
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    return Float64Array.from(new Uint16Array(bytes.buffer), (bits) => {
      const sign = bits & 0x8000 ? -1 : 1, exponent = (bits >> 10) & 31, fraction = bits & 1023;
      return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -24 * fraction);
    });
  }

  const unpack = (layers) => layers.map((layer) =>
    (layer.weight ? { ...layer, weight: halves(layer.weight), bias: halves(layer.bias) } : layer));

  const KINDS = {
    linear(h, { weight, bias, columns }) {
      return bias.map((sum, row) => {
        for (let i = 0, at = row * columns; i < columns; i++) sum += weight[at++] * h[i];
        return sum;
      });
    },
    norm(h, { weight, bias, eps }) {
      const mean = h.reduce((sum, v) => sum + v, 0) / h.length;
      const scale = 1 / Math.sqrt(h.reduce((sum, v) => sum + (v - mean) ** 2, 0) / h.length + eps);
      return h.map((v, i) => weight[i] * (v - mean) * scale + bias[i]);
    },
    silu: (h) => h.map((v) => v / (1 + Math.exp(-v))),
  };

  /** What a stack makes of one input. */
  const run = (layers, input) => layers.reduce((h, layer) => KINDS[layer.kind](h, layer), Float64Array.from(input));

  globalThis.playNetworks = { halves, unpack, run };
})();
