/* A Gibbs chain to watch and to disturb: <div class="play" data-play="rbm" data-model="rbm-kmnist-64"></div>.
   The picture is the mean image of the hidden units' state; each hidden unit is a button. */
(function () {
  "use strict";
  const { element, button, number } = play;
  const SIDE = 28, ACROSS = 8, PEN = 1.3, PACE = [1, 3, 10, 30]; // pixels; units a row; of the pen; steps a second
  const random = { uniform: Math.random, normal: play.normal };

  class Explorer {
    constructor(root, machine) {
      Object.assign(this, { root, machine, temperature: 1, pace: 10, steps: 0, last: 0 });
      this.build();
      this.loop = play.loop(root, () => this.tick());
      this.start(machine.images[0]);
    }

    build() {
      const { machine } = this;
      this.image = play.picture();
      this.filter = play.picture({ class: "pl-image pl-small" });
      this.readout = element("p", { class: "pl-readout" });
      this.units = Array.from(machine.hidden, (_, j) => {
        const node = button({ "aria-pressed": "false", "aria-label": `Hidden unit ${j + 1}`, tabindex: j ? "-1" : "0" }, "", () => this.flip(j));
        node.addEventListener("focus", () => this.look(j));
        node.addEventListener("pointerenter", () => this.look(j));
        return node;
      });
      const group = element("div", { class: "pl-units", role: "group", "aria-label": "Hidden units: arrow keys go from one to the next, Enter switches one" }, ...this.units);
      group.addEventListener("keydown", (event) => this.walk(event));
      this.runs = button({ class: "pl-run" }, "Run", () => this.toggle());
      this.draws = button({ "aria-pressed": "false" }, "Draw an image", () => this.drawing(!this.canvas));
      const noise = button({}, "Start from noise", () => this.start(null));
      const strip = element("div", { class: "pl-strip pl-ten", role: "group", "aria-label": "Start from a test image" });
      play.strip(strip, machine.images.map((pixels, i) => ({ pixels, shape: [SIDE, SIDE], title: `Start from test image ${i + 1}`,
        label: `Start from test image ${i + 1}` })), (i) => this.start(machine.images[i]));
      const heat = play.slider("Temperature", { min: 0.1, max: 3, step: 0.1, value: 1, format: (v) => number(v, 1) }, (v) => { this.temperature = v; });
      const pace = play.slider("Steps a second", { min: 0, max: PACE.length - 1, step: 1, value: PACE.indexOf(this.pace), format: (i) => String(PACE[i]) },
        (i) => { this.pace = PACE[i]; });
      const side = element("div", { class: "pl-side pl-told" }, this.readout, group,
        element("div", { class: "pl-row" }, this.filter, element("p", { class: "pl-key" }, "What the unit under the pointer, or with the focus, adds to the picture: light where it adds, dark where it takes away.")));
      this.root.replaceChildren(element("div", { class: "pl-main pl-even" }, this.image, side),
        play.bar(this.runs, button({}, "One step", () => this.step()), noise, this.draws), strip, element("div", { class: "pl-sliders" }, heat, pace));
      this.say = play.announcer(this.root);
      this.look(0);
      this.pen();
    }

    /** Begin a chain: from pixels in [0, 1], or from noise. */
    start(pixels) {
      const [mean, deviation] = this.machine.statistics;
      const v = Float64Array.from({ length: SIDE * SIDE }, (_, i) => (pixels ? (pixels[i] - mean) / deviation : play.normal()));
      this.drawing(false);
      this.h = playRbm.sampleHidden(this.machine, v, Math.random, this.temperature);
      this.steps = 0;
      this.show();
    }

    step() {
      this.h = playRbm.step(this.machine, this.h, random, this.temperature);
      this.steps += 1;
      this.show();
    }

    /** As many steps a second as asked for; fewer, and not more than one, where less motion is. */
    tick() {
      const pace = play.calm() ? 1 : this.pace;
      if (performance.now() - this.last < 1000 / pace) return;
      this.last = performance.now();
      this.step();
    }

    toggle(run = !this.loop.running) {
      if (run) this.drawing(false);
      if (run) this.loop.run();
      else this.loop.pause();
      this.runs.textContent = this.loop.running ? "Pause" : "Run";
    }

    flip(j) {
      this.h = this.h.map((on, i) => (i === j ? 1 - on : on));
      this.show();
    }

    walk(event) {
      const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -ACROSS, ArrowDown: ACROSS }, by = steps[event.key];
      if (!by) return;
      event.preventDefault();
      const at = this.units.indexOf(document.activeElement), to = play.clamp(at + by, 0, this.units.length - 1);
      this.units.forEach((node, j) => node.setAttribute("tabindex", j === to ? "0" : "-1"));
      this.units[to].focus();
    }

    look(j) {
      const { weight, hidden } = this.machine, column = Float64Array.from({ length: SIDE * SIDE }, (_, i) => weight[i * hidden.length + j]);
      const most = Math.max(...column.map(Math.abs));
      play.paint(this.filter, column.map((w) => 0.5 + w / most / 2), [SIDE, SIDE]);
      this.filter.setAttribute("aria-label", `Weights of hidden unit ${j + 1}, as an image`);
    }

    show() {
      const [mean, deviation] = this.machine.statistics, on = this.h.reduce((sum, v) => sum + v, 0);
      const pixels = playRbm.mean(this.machine, this.h).map((v) => play.clamp(mean + deviation * v, 0, 1));
      play.paint(this.image, pixels, [SIDE, SIDE]);
      this.units.forEach((node, j) => node.setAttribute("aria-pressed", this.h[j] === 1));
      this.readout.replaceChildren(element("b", {}, `Step ${this.steps}`), element("br"), `${on} of ${this.h.length} hidden units are on`);
      const words = `Mean image after ${this.steps} steps, ${on} of ${this.h.length} hidden units on`;
      this.image.setAttribute("aria-label", words);
      this.say(words);
    }

    // ---- An image drawn by hand ----------------------------------------------------------------------------

    /** Turn the picture into a sheet to draw on, or back. While it is one, a finger on it draws and does not scroll. */
    drawing(on) {
      if (on) this.toggle(false);
      this.draws.setAttribute("aria-pressed", on);
      this.draws.textContent = on ? "Start from the drawing" : "Draw an image";
      this.image.style.touchAction = on ? "none" : "";
      this.image.style.cursor = on ? "crosshair" : "";
      const drawn = this.canvas;
      this.canvas = on ? new Float64Array(SIDE * SIDE) : null;
      if (on) play.paint(this.image, this.canvas, [SIDE, SIDE]);
      else if (drawn?.some((v) => v > 0)) this.start(drawn);
    }

    pen() {
      const { image } = this;
      let last = null;
      const at = (event) => {
        const box = image.getBoundingClientRect();
        return [(event.clientX - box.x) / box.width * SIDE, (event.clientY - box.y) / box.height * SIDE];
      };
      const dab = ([x, y]) => this.canvas.forEach((v, i) => {
        const far = Math.hypot(i % SIDE + 0.5 - x, Math.floor(i / SIDE) + 0.5 - y);
        this.canvas[i] = Math.max(v, play.clamp(PEN + 0.5 - far, 0, 1));
      });
      const stroke = (event) => {
        const [from, to] = [last, at(event)], pieces = Math.ceil(2 * Math.hypot(to[0] - from[0], to[1] - from[1])) || 1;
        for (let i = 0; i <= pieces; i++) dab([0, 1].map((axis) => from[axis] + (to[axis] - from[axis]) * i / pieces));
        last = to;
        play.paint(image, this.canvas, [SIDE, SIDE]);
      };
      image.addEventListener("pointerdown", (event) => {
        if (!this.canvas) return;
        image.setPointerCapture(event.pointerId);
        last = at(event);
        stroke(event);
      });
      image.addEventListener("pointermove", (event) => { if (this.canvas && last) stroke(event); });
      for (const type of ["pointerup", "pointercancel"]) image.addEventListener(type, () => { last = null; });
    }
  }

  play.define("rbm", async (root) => {
    await play.load("../play/networks.js");
    await play.load("../play/rbm-model.js");
    const record = await play.model(root.dataset.model).catch(() => { throw new Error(`Not recorded yet: ${root.dataset.model}`); });
    new Explorer(root, playRbm.read(record));
  });
})();
