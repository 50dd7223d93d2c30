/* Train a generator and a discriminator in the page: <div class="play" data-play="gan"></div>.
   What is trained, and how, is in gan-model.js; here it is shown and its rates are moved. */
(function () {
  "use strict";
  const { element, button, number } = play;
  const SHOWN = 600, DRAWN = 2000, CELLS = 36, FINE = 80, BINS = 120; // samples seen, and those of q; of D's surface; of q
  const MILLISECONDS = 12; // of a frame, to train
  const GOOD = [1e-3, 3e-3], BAD = [1e-2, 1e-4], CHANCE = 2 * Math.log(2), KEPT = 240;
  const LOSSES = ["min-max", "non-saturating"], WORLDS = ["ring of eight", "line"];
  const [BLUE, ORANGE] = play.COLOURS;
  const view = (world) => (world === playGan.RING ? [0, 1] : [-4, 4]);
  const RATES = [1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2];

  class Explorer {
    constructor(root) {
      Object.assign(this, { root, seed: 1, rates: [...GOOD], k: 1, saturating: true });
      this.world = playGan.RING;
      this.build();
      this.begin();
      this.loop = play.loop(root, () => this.frame());
      const again = () => this.draw();
      new ResizeObserver(again).observe(this.canvas);
      new MutationObserver(again).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    }

    build() {
      const scale = { min: 0, max: RATES.length - 1, step: 1, format: (i) => String(RATES[i]) };
      this.sliders = ["Rate of G", "Rate of D"].map((title, i) => play.slider(title,
        { ...scale, value: RATES.indexOf(this.rates[i]) }, (v) => { this.rates[i] = RATES[v]; }));
      const steps = play.slider("Steps of D a round", { min: 1, max: 5, step: 1, value: 1, format: String },
        (v) => { this.k = v; });
      this.best = element("input", { type: "checkbox", checked: "" });
      this.best.addEventListener("change", () => this.draw());
      this.option = element("label", {}, this.best, " Where p/(p + q) is ½");
      const world = play.select("Data", WORLDS, (value) => {
        this.world = value === WORLDS[0] ? playGan.RING : playGan.LINE;
        this.option.hidden = this.world !== playGan.RING; // on the line it is drawn anyway
        this.begin();
      });
      const loss = play.select("Loss of G", LOSSES, (value) => { this.saturating = value === LOSSES[0]; });
      this.canvas = element("canvas", { class: "pl-plane pl-watched", role: "img" });
      this.curve = element("canvas", { class: "pl-curve", role: "img" });
      this.readout = element("p", { class: "pl-readout" });
      this.key = element("p", { class: "pl-key" });
      this.runs = button({ class: "pl-run" }, "Train", () => this.toggle());
      const rounds = button({}, "100 rounds", () => { this.train(100); this.draw(); });
      const presets = [["Rates that collapse", BAD], ["Rates that cure", GOOD]].map(([title, rates]) =>
        button({}, title, () => this.setRates(rates)));
      const anew = button({}, "New pair", () => { this.seed += 1; this.begin(); });
      const side = element("div", { class: "pl-side pl-told" }, this.curve, this.readout, this.key);
      this.root.replaceChildren(play.bar(world, loss, this.option), element("div", { class: "pl-main" }, this.canvas, side),
        play.bar(this.runs, rounds, anew, ...presets), element("div", { class: "pl-sliders" }, ...this.sliders, steps));
      this.say = play.announcer(this.root);
    }

    setRates(rates) {
      this.rates = [...rates];
      this.sliders.forEach((slider, i) => slider.set(RATES.indexOf(rates[i])));
    }

    toggle() {
      if (this.loop.running) this.loop.pause();
      else this.loop.run();
      this.runs.textContent = this.loop.running ? "Pause" : "Train";
    }

    begin() {
      const { world } = this, random = playGan.randomness(this.seed);
      this.pair = world.pair(random);
      this.source = { real: () => world.draw(random, world.batch), noise: () => random.normals(world.batch * world.noise) };
      this.shown = playGan.randomness(0).normals(DRAWN * world.noise);
      Object.assign(this, { rounds: 0, losses: [] });
      this.draw();
    }

    /** Play so many rounds, or as many as a frame has time for; keep the mean losses of them. */
    train(count = Infinity) {
      const begun = performance.now(), sums = [0, 0];
      let played = 0;
      while (played < count && (count < Infinity || performance.now() - begun < MILLISECONDS)) {
        this.pair.round(this.source, this).forEach((loss, i) => { sums[i] += loss; });
        played += 1;
      }
      this.rounds += played;
      this.losses = [...this.losses.slice(1 - KEPT), sums.map((sum) => sum / played)];
    }

    frame() {
      this.train();
      this.frames = (this.frames ?? 0) + 1;
      if (!play.calm() || this.frames % 30 === 0) this.draw(); // where less motion is asked for, two pictures a second
    }

    // ---- What is seen ------------------------------------------------------------------------------------

    context(canvas) {
      const ratio = devicePixelRatio || 1, [width, height] = [canvas.clientWidth, canvas.clientHeight];
      if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
      if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
      const c = canvas.getContext("2d");
      c.setTransform(ratio, 0, 0, ratio, 0, 0);
      c.clearRect(0, 0, width, height);
      return { c, width, height };
    }

    draw() {
      if (!this.canvas.clientWidth) return;
      const where = this.world === playGan.RING ? this.drawRing() : this.drawLine();
      this.drawCurve();
      const of = this.losses.at(-1), losses = of ? `Loss of D ${number(of[0])}, of G ${number(of[1])}.` : "";
      this.readout.replaceChildren(element("b", {}, `Round ${this.rounds}. ${where}`), element("br"), losses);
      this.canvas.setAttribute("aria-label", `${where} ${losses}`);
      this.say(`Round ${this.rounds}. ${where} ${losses}`);
    }

    drawRing() {
      const { c, width, height } = this.context(this.canvas), { generator } = this.pair, { centres, found } = playGan.RING;
      const grid = new Float64Array(2 * CELLS * CELLS);
      for (let i = 0; i < CELLS * CELLS; i++) {
        grid[2 * i] = (i % CELLS + 0.5) / CELLS;
        grid[2 * i + 1] = 1 - (Math.floor(i / CELLS) + 0.5) / CELLS;
      }
      const surface = element("canvas", { width: CELLS, height: CELLS }), image = new ImageData(CELLS, CELLS);
      const orange = [1, 3, 5].map((at) => parseInt(ORANGE.slice(at, at + 2), 16));
      this.pair.probability(grid).forEach((d, i) => image.data.set([...orange, 220 * d], 4 * i));
      surface.getContext("2d").putImageData(image, 0, 0);
      c.drawImage(surface, 0, 0, width, height);
      const drawn = generator.forward(this.shown), samples = drawn.subarray(0, 2 * SHOWN), [ink, paper] = this.colours("ink", "paper");
      for (const [radius, shade] of [[2.6, paper], [1.9, BLUE]]) {
        c.fillStyle = shade;
        for (let n = 0; n < samples.length; n += 2) {
          c.beginPath();
          c.arc(samples[n] * width, (1 - samples[n + 1]) * height, radius, 0, 2 * Math.PI);
          c.fill();
        }
      }
      for (const [x, y] of centres.map(([a, b]) => [a * width, (1 - b) * height])) {
        const cross = new Path2D(`M${x - 5} ${y - 5}l10 10M${x - 5} ${y + 5}l10 -10`);
        for (const [lineWidth, strokeStyle] of [[4, paper], [2, ink]]) Object.assign(c, { lineWidth, strokeStyle }).stroke(cross);
      }
      if (this.best.checked) this.drawBest(c, drawn, width, height);
      this.name("Crosses: centres of the real points. Blue: samples. The deeper the orange, the surer D that a point there is real. " +
        (this.best.checked ? `Line: where the best D, p/(p + q), is ½. An estimate: p is known, q is that of ${DRAWN.toLocaleString("en")} samples; ` +
          `both are seen through a Gaussian kernel of width ${playGan.RING.kernel}.` : ""));
      return `${found(samples)} of 8 centres found.`;
    }

    /** Where p/(p + q) is ½, as far as the samples tell. */
    drawBest(c, samples, width, height) {
      const path = new Path2D(), [ink, paper] = this.colours("ink", "paper");
      for (const ends of playGan.crossings(playGan.RING.best(samples, FINE), FINE, 0.5)) {
        [0, 2].forEach((i) => path[i ? "lineTo" : "moveTo"]((ends[i] + 0.5) / FINE * width, (1 - (ends[i + 1] + 0.5) / FINE) * height));
      }
      for (const [lineWidth, strokeStyle] of [[3.4, paper], [1.5, ink]]) Object.assign(c, { lineWidth, strokeStyle }).stroke(path);
    }

    drawLine() {
      const { LINE } = playGan, { c, width, height } = this.context(this.canvas), [low, high] = view(LINE);
      const x = Float64Array.from({ length: BINS }, (_, i) => low + (high - low) * (i + 0.5) / BINS);
      const p = x.map(LINE.density), q = LINE.drawn(this.pair.generator, low, high, BINS);
      const d = this.pair.probability(x), best = x.map((_, i) => p[i] / (p[i] + q[i]));
      const known = (i) => p[i] + q[i] > 1e-3; // elsewhere neither real nor drawn points come
      const [ink, line] = this.colours("ink", "line"), half = height / 2 - 8;
      const draw = (values, top, scale, strokeStyle, dash = [], shown = () => true) => {
        const path = new Path2D();
        values.forEach((v, i) => {
          const at = [(i + 0.5) / BINS * width, top + half * (1 - Math.min(v / scale, 1))];
          if (shown(i)) path[i && shown(i - 1) ? "lineTo" : "moveTo"](...at);
        });
        c.setLineDash(dash);
        Object.assign(c, { lineWidth: 2, strokeStyle }).stroke(path);
        c.setLineDash([]);
      };
      Object.assign(c, { strokeStyle: line, lineWidth: 1 });
      for (const top of [4, half + 12]) c.strokeRect(0.5, top, width - 1, half);
      draw(p, 4, 0.8, ink);
      draw(q, 4, 0.8, BLUE);
      draw(d, half + 12, 1, ORANGE);
      draw(best, half + 12, 1, ink, [6, 4], known);
      this.name("Above: the real density p (dark) and that of the samples, q (blue). Below, from 0 to 1: D (orange) and p/(p + q) (dashed).");
      const gap = x.reduce((sum, _, i) => sum + 0.5 * (p[i] + q[i]) * Math.abs(d[i] - best[i] || 0), 0) * (high - low) / BINS;
      const apart = x.reduce((sum, _, i) => sum + 0.5 * Math.abs(p[i] - q[i]), 0) * (high - low) / BINS;
      return `D is off p/(p + q) by ${number(gap, 3)}; ${number(100 * apart, 0)} % of the mass of q lies wrong.`;
    }

    drawCurve() {
      const { c, width, height } = this.context(this.curve), [muted, line] = this.colours("muted", "line");
      const [low, high] = [-1.5, 3], y = (v) => height * (1 - (play.clamp(v, low, high) - low) / (high - low));
      Object.assign(c, { strokeStyle: muted, lineWidth: 1, fillStyle: muted, font: "11px system-ui, sans-serif" });
      c.setLineDash([2, 3]);
      c.stroke(new Path2D(`M0 ${y(CHANCE)}H${width}`));
      c.setLineDash([]);
      c.fillText("2 log 2", 4, y(CHANCE) - 4);
      c.strokeStyle = line;
      c.strokeRect(0.5, 0.5, width - 1, height - 1);
      [[0, ORANGE], [1, BLUE]].forEach(([which, strokeStyle]) => {
        const path = new Path2D();
        this.losses.forEach((losses, i) => path[i ? "lineTo" : "moveTo"](i / KEPT * width, y(losses[which])));
        Object.assign(c, { strokeStyle, lineWidth: 1.6 }).stroke(path);
      });
      this.curve.setAttribute("aria-label", "Losses so far: of D in orange, of G in blue; dotted, twice the logarithm of 2");
    }

    colours(...names) { return names.map((name) => play.colour(this.root, name)); }

    name(text) { if (this.key.textContent !== text) this.key.textContent = text; }
  }

  play.define("gan", async (root) => {
    await play.load("../play/gan-model.js");
    new Explorer(root);
  });
})();
