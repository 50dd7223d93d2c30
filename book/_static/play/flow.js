/* A flow of two units to walk through: <div class="play" data-play="flow" data-model="vae-realnvp-2d-mnist"></div>.
   A point of the base space is dragged; beside it stands the plane behind as many couplings as the slider says. */
(function () {
  "use strict";
  const { element, number, pair } = play;
  const BASE = [[-3.2, -3.2], [3.2, 3.2]], LINES = 13, FINE = 60, CELLS = 44; // of the grid; points a line; of the density

  class Explorer {
    constructor(root, model) {
      Object.assign(this, { root, model, depth: model.couplings.length, kept: new Map() });
      this.plane = new play.Plane({ view: BASE, equal: true, label: "Base space. Drag the point, or use the arrow keys, " +
        "with Shift for larger steps; Home goes to the origin.",
        still: (c, plane) => this.base(c, plane), move: (z) => this.show(z) });
      this.after = new play.Plane({ view: model.view, equal: true, still: (c, plane) => this.bent(c, plane) });
      Object.entries({ role: "img", tabindex: "-1" }).forEach(([key, value]) => this.after.canvas.setAttribute(key, value));
      this.after.canvas.removeAttribute("aria-roledescription");
      this.after.canvas.style.pointerEvents = "none"; // it is moved by the other plane
      const layers = play.slider("Couplings", { min: 0, max: this.depth, step: 1, value: this.depth, format: String }, (depth) => {
        this.depth = depth;
        this.after.show({ view: this.view(depth) });
        this.show(this.plane.z);
      });
      this.image = play.picture({ class: "pl-image pl-small" });
      this.readout = element("p", { class: "pl-readout" });
      const titled = (title, canvas) => element("div", {}, element("p", { class: "pl-key" }, title), canvas);
      const dots = element("input", { type: "checkbox", checked: "" });
      dots.addEventListener("change", () => { this.dots = dots.checked; this.plane.redraw(true); this.after.redraw(true); });
      this.dots = true;
      this.title = element("p", { class: "pl-key" });
      root.replaceChildren(element("div", { class: "pl-pair" }, titled("Base space: N(0, I)", this.plane.canvas),
        element("div", {}, this.title, this.after.canvas)), element("div", { class: "pl-sliders" }, layers),
        element("div", { class: "pl-row" }, this.image, this.readout), play.bar(element("label", {}, dots, " Test codes")));
      this.say = play.announcer(root);
      this.after.show({ view: this.view(this.depth) });
      this.plane.move([0.6, -0.4]);
    }

    /** From the base's view to the codes': each stage has its own, so that what it holds fills it. */
    view(depth) {
      const share = depth / this.model.couplings.length;
      return BASE.map((corner, side) => corner.map((v, i) => v + share * (this.model.view[side][i] - v)));
    }

    /** Stage `depth` of each test code, the base point being what it came from. */
    codes(depth) {
      const { model } = this;
      this.paths ??= model.classes.map((_, i) =>
        playFlow.stages(model, playFlow.back(model, model.codes.subarray(2 * i, 2 * i + 2)).u));
      return this.paths.flatMap((path) => path[depth]);
    }

    base(c, plane) {
      this.grid(c, plane, 0);
      if (this.dots) plane.scatter(c, this.codes(0), this.model.classes);
      plane.circles(c);
    }

    /** The same grid behind the couplings, over the density there. */
    bent(c, plane) {
      c.save();
      const [low, high] = plane.view, [left, bottom] = plane.toPixel(low), [right, top] = plane.toPixel(high);
      c.beginPath();
      c.rect(left, top, right - left, bottom - top);
      c.clip();
      c.drawImage(this.density(low, high), left, top, right - left, bottom - top);
      this.grid(c, plane, this.depth);
      if (this.dots) plane.scatter(c, this.codes(this.depth), this.model.classes);
      c.restore();
    }

    /** A picture of the density behind the couplings, the deeper the denser. */
    density(low, high) {
      const shades = [1, 3, 5].map((at) => parseInt(play.colour(this.root, "accent").slice(at, at + 2), 16));
      const values = this.kept.get(this.depth) ?? Array.from({ length: CELLS * CELLS }, (_, i) => {
        const z = [0, 1].map((axis) => low[axis] + (high[axis] - low[axis]) *
          (axis ? 1 - (Math.floor(i / CELLS) + 0.5) / CELLS : (i % CELLS + 0.5) / CELLS));
        return playFlow.back(this.model, z, this.depth).logDensity;
      });
      this.kept.set(this.depth, values);
      const most = Math.max(...values), image = new ImageData(CELLS, CELLS), canvas = element("canvas", { width: CELLS, height: CELLS });
      values.forEach((v, i) => image.data.set([...shades, 190 * Math.exp(v - most) ** 0.3], 4 * i));
      canvas.getContext("2d").putImageData(image, 0, 0);
      return canvas;
    }

    grid(c, plane, depth) {
      this.lines ??= [0, 1].flatMap((axis) => Array.from({ length: LINES }, (_, line) => Array.from({ length: FINE + 1 }, (__, i) => {
        const across = -3 + 6 * line / (LINES - 1), along = -3 + 6 * i / FINE;
        return playFlow.stages(this.model, axis ? [across, along] : [along, across]);
      })));
      Object.assign(c, { strokeStyle: play.colour(this.root, "muted"), lineWidth: 0.8 });
      for (const line of this.lines) {
        const path = new Path2D();
        line.forEach((found, i) => path[i ? "lineTo" : "moveTo"](...plane.toPixel(found[depth])));
        c.stroke(path);
      }
    }

    show(u) {
      const { model, depth } = this, found = playFlow.stages(model, u), code = found.at(-1);
      this.title.textContent = depth === model.couplings.length ? "Code space" : `Behind ${depth} of ${model.couplings.length} couplings`;
      play.paint(this.image, playFlow.decode(model, code), [28, 28]);
      const density = playFlow.back(model, found[depth], depth).logDensity;
      const words = `u = ${pair(u)}, behind ${depth} couplings ${pair(found[depth])}, log density ${number(density)}`;
      this.readout.replaceChildren(element("b", {}, `u = ${pair(u)}`), element("br"), `behind ${depth} couplings ${pair(found[depth])}`,
        element("br"), `log density there ${number(density)} nats`, element("br"), `code ${pair(code)}, and its image`);
      this.image.setAttribute("aria-label", `The decoder's image of the code ${pair(code)}`);
      this.after.canvas.setAttribute("aria-label", `Plane behind ${depth} couplings: the grid of the base space, bent; the point is at ${pair(found[depth])}`);
      this.after.move(found[depth]);
      this.say(words);
    }
  }

  play.define("flow", async (root) => {
    await play.load("../play/networks.js");
    await play.load("../play/flow-model.js");
    const model = await play.model(root.dataset.model).catch(() => { throw new Error(`Not recorded yet: ${root.dataset.model}`); });
    new Explorer(root, playFlow.read(model));
  });
})();
