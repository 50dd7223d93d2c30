/* Two ways from one code to another: straight, and on the sphere. */
(function () {
  "use strict";
  const length = (z) => Math.hypot(...z);

  /** The code at the share t of the way from a to b, on the line between them. */
  const straight = (a, b, t) => Array.from(a, (v, i) => (1 - t) * v + t * b[i]);

  /** The same on an arc: direction and length change evenly, each by itself. */
  function arc(a, b, t) {
    const [la, lb] = [length(a), length(b)];
    const angle = Math.acos(play.clamp(a.reduce((sum, v, i) => sum + v * b[i], 0) / la / lb, -1, 1));
    if (angle < 1e-6) return straight(a, b, t);
    const [p, q] = [(1 - t) * angle, t * angle].map((part) => Math.sin(part) / Math.sin(angle));
    return Array.from(a, (v, i) => ((1 - t) * la + t * lb) * (p * v / la + q * b[i] / lb));
  }

  play.walks = { length, straight, arc };
})();
