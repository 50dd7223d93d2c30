/* A flow of two units, coupling by coupling: where a base point goes, where a code comes from, and how dense it is there. */
(function () {
  "use strict";
  const { halves, unpack, run } = globalThis.playNetworks;

  function read(record) {
    return { ...record, couplings: record.couplings.map((one) => ({ ...one, net: unpack(one.net) })),
      decoder: unpack(record.decoder), codes: halves(record.codes) };
  }

  /** log-scale s and shift t of the unit that moves. */
  function scaleAndShift({ net, bound }, kept) {
    const [r, t] = run(net, [kept]);
    return [bound * Math.tanh(r), t];
  }

  function forward(coupling, u) {
    const [s, t] = scaleAndShift(coupling, u[coupling.kept]), z = [...u];
    z[1 - coupling.kept] = u[1 - coupling.kept] * Math.exp(s) + t;
    return z;
  }

  /** A base point, then what it has become after each coupling. */
  function stages({ couplings }, u) {
    const found = [[...u]];
    for (const coupling of couplings) found.push(forward(coupling, found.at(-1)));
    return found;
  }

  /** The base point of what stands behind the first `depth` couplings, and log p there: log N(u) − Σ s. */
  function back({ couplings }, z, depth = couplings.length) {
    let u = [...z], logDet = 0;
    for (const coupling of couplings.slice(0, depth).reverse()) {
      const [s, t] = scaleAndShift(coupling, u[coupling.kept]), moved = 1 - coupling.kept;
      u[moved] = (u[moved] - t) * Math.exp(-s);
      logDet -= s;
    }
    return { u, logDensity: -Math.log(2 * Math.PI) - (u[0] ** 2 + u[1] ** 2) / 2 + logDet };
  }

  /** The decoder's mean image of a code. */
  const decode = ({ decoder }, z) => run(decoder, z).map((v) => 1 / (1 + Math.exp(-v)));

  globalThis.playFlow = { read, stages, back, decode };
})();
