/* How many labels does a probe need? <div class="play" data-play="labels"></div>: test errors of the recorded probes,
   read at the share of labelled images that the slider says; below them the first test images that each reader gets wrong. */
(function () {
  "use strict";
  const { element, number } = play;
  const ERRORS = [0.5, 1, 2, 5, 10, 20, 50], SIDE = 28;

  class Explorer {
    constructor(root, record) {
      Object.assign(this, { root, record, at: record.shares.indexOf(1) });
      const { shares } = record;
      const slider = play.slider("Labels", { min: 0, max: shares.length - 1, step: 1, value: this.at, format: (i) => `${shares[i]} %` },
        (i) => { this.at = i; this.tell(); });
      this.canvas = element("canvas", { class: "pl-plane pl-watched", role: "img" });
      this.list = element("dl", { class: "pl-list" });
      this.readout = element("p", { class: "pl-readout" });
      const key = element("p", { class: "pl-key" },
        "Test error in per cent over the share of training images with labels, both axes logarithmic.");
      const side = element("div", { class: "pl-side pl-told" }, this.readout, this.list, key);
      root.replaceChildren(element("div", { class: "pl-sliders" }, slider), element("div", { class: "pl-main" }, this.canvas, side), this.build());
      this.say = play.announcer(root);
      new ResizeObserver(() => this.draw()).observe(this.canvas);
      new MutationObserver(() => this.draw()).observe(document.documentElement, { attributeFilter: ["data-theme"] });
      this.tell();
    }

    /** A row for each reader whose mistakes are kept: a title, and pictures with what they were read as. */
    build() {
      this.rows = Object.keys(this.record.errors).filter((kind) => this.record.wrong[kind]).map((kind) => ({ kind, title: element("p", { class: "pl-key" }),
        strip: element("div", { class: "pl-wrong", role: "group" }) }));
      return element("div", {}, ...this.rows.flatMap(({ title, strip }) => [title, strip]));
    }

    mistakes({ kind, title, strip }) {
      const { wrong, pictures, shares } = this.record, found = wrong[kind][String(shares[this.at])];
      const colour = play.COLOURS[Object.keys(this.record.errors).indexOf(kind)];
      const kept = shares.filter((share) => wrong[kind][String(share)]).join(", ");
      title.replaceChildren(element("b", { style: `border-bottom: 3px solid ${colour}` }, kind), found
        ? `: its first ${found.length} mistakes among the test images, with what it read`
        : `: mistakes are recorded at ${kept} % of the labels only`);
      const words = (found ?? []).map(([at, said]) => `a ${pictures[at][1]} read as ${said}`);
      strip.setAttribute("aria-label", `Mistakes: ${kind}`);
      strip.replaceChildren(...(found ?? []).map(([at, said], i) => {
        const canvas = element("canvas", { title: words[i], role: "img", "aria-label": words[i] });
        play.paint(canvas, Float32Array.from(atob(pictures[at][0]), (c) => c.charCodeAt(0) / 255), [SIDE, SIDE]);
        return element("span", {}, canvas, element("span", { "aria-hidden": "true" }, String(said)));
      }));
    }

    /** The errors at the slider's share: of each kind, the mean over draws of labelled images and their deviation. */
    here() {
      const share = String(this.record.shares[this.at]);
      return Object.entries(this.record.errors).map(([kind, errors], i) => ({ kind, found: errors[share], colour: play.COLOURS[i] }));
    }

    tell() {
      const { shares, images, draws } = this.record, labelled = Math.round(images * shares[this.at] / 100).toLocaleString("en");
      const drawn = draws[this.at] > 1 ? `mean of ${draws[this.at]} draws of them, ± their standard deviation` : "one draw of them";
      this.readout.replaceChildren(element("b", {}, `${labelled} labelled images`), element("br"), drawn);
      const text = (found) => (found ? `${number(found[0], 1)} %${found[1] ? ` ± ${number(found[1], 1)}` : ""}` : "not recorded");
      this.list.replaceChildren(...this.here().flatMap(({ kind, found, colour }) =>
        [element("dt", { style: `--pl-colour: ${colour}` }, kind), element("dd", {}, text(found))]));
      const words = `${labelled} labelled images, test errors: ${this.here().map(({ kind, found }) => `${kind} ${text(found)}`).join(", ")}`;
      this.canvas.setAttribute("aria-label", words);
      this.rows.forEach((row) => this.mistakes(row));
      this.say(words);
      this.draw();
    }

    draw() {
      const { shares, errors } = this.record, axes = { x: [shares[0], shares.at(-1), shares], y: [ERRORS[0], ERRORS.at(-1), ERRORS] };
      const plot = playAxes.begin(this.canvas, this.root, axes);
      if (!plot) return;
      const { c, x, top, bottom } = plot;
      c.setLineDash([4, 4]);
      Object.assign(c, { strokeStyle: play.colour(this.root, "ink"), lineWidth: 1 });
      c.stroke(new Path2D(`M${x(shares[this.at])} ${top}V${bottom}`));
      c.setLineDash([]);
      Object.values(errors).forEach((each, i) => {
        const points = Object.entries(each).map(([share, [error]]) => [Number(share), error]).sort(([a], [b]) => a - b);
        plot.curve(points, play.COLOURS[i], 2);
        for (const [share, error] of points) plot.dot(share, error, share === shares[this.at] ? 6 : 3.2, play.COLOURS[i]);
      });
    }
  }

  play.define("labels", async (root) => {
    await play.load("../play/log-axes.js");
    const record = await play.model("label-shares").catch(() => { throw new Error("The probes are not recorded yet."); });
    new Explorer(root, record);
  });
})();
