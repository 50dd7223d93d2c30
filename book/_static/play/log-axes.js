/* A canvas with two logarithmic axes: begin(canvas, root, {x: [low, high, ticks], y: …}) clears it and returns where to draw. */
(function () {
  "use strict";

  function begin(canvas, root, axes) {
    const ratio = devicePixelRatio || 1, [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (!width) return null;
    Object.assign(canvas, { width: Math.round(width * ratio), height: Math.round(height * ratio) });
    const c = canvas.getContext("2d"), [muted, line] = ["muted", "line"].map((name) => play.colour(root, name));
    const share = (v, [low, high]) => Math.log(play.clamp(v, low, high) / low) / Math.log(high / low);
    const x = (v) => 52 + (width - 74) * share(v, axes.x), y = (v) => 10 + (height - 40) * (1 - share(v, axes.y));
    c.scale(ratio, ratio);
    Object.assign(c, { font: "11px system-ui, sans-serif", strokeStyle: line, fillStyle: muted, lineWidth: 0.6 });
    for (const v of axes.y[2]) {
      Object.assign(c, { textAlign: "right", textBaseline: "middle" });
      c.stroke(new Path2D(`M52 ${y(v)}H${width - 8}`));
      c.fillText(String(v), 47, y(v));
    }
    Object.assign(c, { textAlign: "center" });
    for (const v of axes.x[2]) c.fillText(String(v), x(v), height - 12);

    const dot = (u, v, radius, fillStyle) => {
      const path = new Path2D();
      path.arc(x(u), y(v), radius, 0, 2 * Math.PI);
      Object.assign(c, { strokeStyle: play.colour(root, "paper"), lineWidth: 1.6, fillStyle }).stroke(path);
      c.fill(path);
    };
    const curve = (points, strokeStyle, lineWidth) => {
      const path = new Path2D();
      points.forEach(([u, v], i) => path[i ? "lineTo" : "moveTo"](x(u), y(v)));
      Object.assign(c, { strokeStyle, lineWidth }).stroke(path);
    };
    return { c, x, y, dot, curve, top: 10, bottom: height - 30 };
  }

  globalThis.playAxes = { begin };
})();
