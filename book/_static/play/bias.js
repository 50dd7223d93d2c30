/* Two sets of draws from one N(0, I): how far apart they read, and what the formula foresees.
   <div class="play" data-play="bias"></div> */
(function () {
  "use strict";
  const { element, button, number } = play;
  const COUNTS = [100, 200, 500, 1000, 2000, 5000], SIZES = [2, 5, 10, 20, 50], DRAWS = 5;
  const LOW = 1e-4, HIGH = 100; // of the axis

  class Explorer {
    constructor(root) {
      Object.assign(this, { root, d: 10, n: 500, found: [] });
      const scale = (values) => ({ min: 0, max: values.length - 1, step: 1, format: (i) => String(values[i]) });
      const size = play.slider("Features, d", { ...scale(SIZES), value: 2 }, (i) => { this.d = SIZES[i]; this.tell(); });
      const count = play.slider("Draws a set, n", { ...scale(COUNTS), value: 2 }, (i) => { this.n = COUNTS[i]; this.tell(); });
      this.canvas = element("canvas", { class: "pl-plane pl-watched", role: "img" });
      this.readout = element("p", { class: "pl-readout" });
      const key = element("p", { class: "pl-key" },
        "Both axes logarithmic: n to the right, the distance upwards. Lines: the formula; dots: distances of two sets that you drew. The true distance is 0.");
      const side = element("div", { class: "pl-side pl-told" }, this.readout, key);
      root.replaceChildren(element("div", { class: "pl-main" }, this.canvas, side), element("div", { class: "pl-sliders" }, size, count),
        play.bar(button({ class: "pl-run" }, `Draw ${DRAWS} times two sets`, () => this.measure()),
          button({}, "Draw at every n", () => COUNTS.forEach((n) => this.measure(n))),
          button({}, "Clear", () => { this.found = []; this.tell(); })));
      this.say = play.announcer(root);
      const again = () => this.draw();
      new ResizeObserver(again).observe(this.canvas);
      new MutationObserver(again).observe(document.documentElement, { attributeFilter: ["data-theme"] });
      this.tell();
    }

    measure(n = this.n) {
      const { d } = this, set = () => playFrechet.moments(Float64Array.from({ length: n * d }, play.normal), d);
      for (let i = 0; i < DRAWS; i++) this.found.push({ d, n, ...playFrechet.terms(set(), set()) });
      this.tell();
    }

    tell() {
      const { d, n } = this, { means, covariances } = playFrechet.bias(d, n);
      const here = this.found.filter((one) => one.d === d && one.n === n), lines = [];
      const average = here.reduce((sum, one) => sum + (one.means + one.covariances) / here.length, 0);
      lines.push(`2d/n = ${number(means, 3)} of the means, (d² + d)/2n = ${number(covariances, 3)} of the covariances`);
      lines.push(here.length ? `Drawn: ${number(average, 3)}, the mean of ${here.length}` : "Nothing drawn here yet");
      this.readout.replaceChildren(element("b", {}, `Foreseen: ${number(means + covariances, 3)}`),
        ...lines.flatMap((line) => [element("br"), line]));
      const words = `${d} features, ${n} draws a set. Foreseen ${number(means + covariances, 3)}. ${lines[1]}.`;
      this.canvas.setAttribute("aria-label", `Distance over the number of draws. ${words}`);
      this.say(words);
      this.draw();
    }

    draw() {
      const decades = [1e-4, 1e-3, 0.01, 0.1, 1, 10, 100], axes = { x: [COUNTS[0], COUNTS.at(-1), COUNTS], y: [LOW, HIGH, decades] };
      const plot = playAxes.begin(this.canvas, this.root, axes);
      if (!plot) return;
      const foreseen = (d, n) => playFrechet.bias(d, n).means + playFrechet.bias(d, n).covariances;
      SIZES.forEach((d, i) => {
        plot.curve(COUNTS.map((n) => [n, foreseen(d, n)]), play.COLOURS[i], d === this.d ? 3 : 1.2);
        const [paper, shade] = ["paper", d === this.d ? "ink" : "muted"].map((name) => play.colour(this.root, name));
        const place = [`d = ${d}`, plot.x(COUNTS[0]) + 4, plot.y(foreseen(d, COUNTS[0])) - 8];
        Object.assign(plot.c, { textAlign: "left", strokeStyle: paper, lineWidth: 3, fillStyle: shade }).strokeText(...place);
        plot.c.fillText(...place);
        for (const one of this.found.filter((each) => each.d === d)) plot.dot(one.n, one.means + one.covariances, 3.2, play.COLOURS[i]);
      });
      const { c, x, y } = plot, ring = new Path2D();
      ring.arc(x(this.n), y(foreseen(this.d, this.n)), 7, 0, 2 * Math.PI);
      Object.assign(c, { strokeStyle: play.colour(this.root, "ink"), lineWidth: 2 }).stroke(ring);
    }
  }

  play.define("bias", async (root) => {
    await Promise.all(["frechet-model", "log-axes"].map((name) => play.load(`../play/${name}.js`)));
    new Explorer(root);
  });
})();
