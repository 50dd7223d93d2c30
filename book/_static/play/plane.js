/* The latent plane: drag a code over the plane of test codes, and see what the decoder makes of it.

   <div class="play" data-play="plane" data-models="ae-fashion-mnist ae-mnist"></div> */
(function () {
  "use strict";
  const { element, button, number, pair } = play;
  const DRAWN = 12, TRAIL = 240; // random codes a press of a button; positions kept

  class Explorer {
    constructor(root, index) {
      Object.assign(this, { root, index, highlighted: null, trail: [], draws: [] });
      this.plane = new play.Plane({
        still: (c, plane) => this.still(c, plane), moving: (c, plane) => this.moving(c, plane),
        move: (z) => this.show(z),
      });
      this.build();
    }

    build() {
      this.choices = {};
      for (const [key, title] of [["model", "Model"], ["dataset", "Data"]]) {
        const values = [...new Set(this.index.map((entry) => entry[key]))];
        this.choices[key] = play.select(title, values, () => this.choose(key));
      }
      this.image = play.picture();
      this.readout = element("p", { class: "pl-readout" });
      const side = element("div", { class: "pl-side" }, this.image, this.readout);
      const inBox = () => this.model.box[0].map((low, i) => low + Math.random() * (this.model.box[1][i] - low));
      const trail = element("input", { type: "checkbox", checked: "" });
      trail.addEventListener("change", () => { this.trail = trail.checked ? [] : null; this.plane.redraw(); });
      this.fromBox = button({}, `Draw ${DRAWN} from the code box`, () => this.draw(inBox));
      const controls = play.bar(
        button({}, `Draw ${DRAWN} codes from N(0, I)`, () => this.draw(() => [play.normal(), play.normal()])),
        this.fromBox, element("label", {}, trail, " Trail"));
      this.strip = element("div", { class: "pl-strip", role: "group", "aria-label": "Images of the drawn codes" });
      this.legend = element("div", { class: "pl-legend", role: "group", "aria-label": "Show one class" });
      const main = element("div", { class: "pl-main" }, this.plane.canvas, side);
      const sizes = [...new Set(this.index.map(play.size))].join(" or ");
      const each = element("span", { class: "pl-key" }, this.index.length > 1 ? `Each loads ${sizes} when it is chosen.` : "");
      this.root.replaceChildren(play.bar(...Object.values(this.choices), each), main, this.legend, controls, this.strip);
      this.say = play.announcer(this.root);
    }

    /** Take the reader's choice in one list; where there is no such pair, the other list gives way. */
    choose(key) {
      const has = (entry, k) => entry[k] === this.choices[k].control.value;
      const both = this.index.find((entry) => has(entry, "model") && has(entry, "dataset"));
      return this.select(both ?? this.index.find((entry) => has(entry, key)));
    }

    async select(entry) {
      this.name = entry.name;
      for (const [key, label] of Object.entries(this.choices)) label.control.value = entry[key];
      this.root.setAttribute("aria-busy", "true");
      const model = await play.model(entry.name).catch((error) => { this.readout.textContent = error.message; });
      if (this.name !== entry.name || !model) return; // the reader has chosen another meanwhile
      Object.assign(this, { model, highlighted: null, draws: [], trail: this.trail && [] });
      this.strip.replaceChildren();
      this.fromBox.hidden = !model.codes;
      this.plane.show({ view: model.view, label: `Code plane of the ${entry.model} on ${entry.dataset}. ` +
        "Drag, or use the arrow keys, with Shift for larger steps; Home goes to the origin." });
      this.legend.replaceChildren(...(model.codes ? model.classes : []).map((name, label) => {
        const style = `--pl-colour: ${play.COLOURS[label % play.COLOURS.length]}`;
        return button({ style, "aria-pressed": "false" }, name, () => this.highlight(label));
      }));
      this.root.removeAttribute("aria-busy");
      const [low, high] = this.plane.view; // the point stays where it was, if it can
      const inside = this.plane.z?.every((v, i) => v >= low[i] && v <= high[i]);
      this.plane.move(inside ? this.plane.z : Array.from(model.codes?.subarray(0, 2) ?? [0, 0]));
    }

    highlight(label) {
      this.highlighted = this.highlighted === label ? null : label;
      [...this.legend.children].forEach((node, i) => node.setAttribute("aria-pressed", i === this.highlighted));
      this.plane.redraw(true);
    }

    draw(code) {
      if (!this.model) return;
      this.draws = Array.from({ length: DRAWN }, code);
      play.strip(this.strip, this.draws.map((z) => ({
        pixels: play.decode(this.model, z), shape: this.model.shape,
        title: `z = ${pair(z)}`, label: `Go to the code ${pair(z)}`,
      })), (i) => this.plane.move(this.draws[i]));
      this.plane.redraw();
    }

    /** Decode the code; say where it is and which of the codes shown is next to it. */
    show(z) {
      const { codes, labels, classes, shape } = this.model;
      if (this.trail) this.trail = [...this.trail.slice(-TRAIL), z];
      play.paint(this.image, play.decode(this.model, z), shape);
      const [nearest, away] = codes ? play.nearest(codes, z) : [];
      const where = codes ? `nearest code shown: ${classes[labels[nearest]]}, ${number(away)} away`
        : `${number(Math.hypot(...z))} from the origin`;
      this.readout.replaceChildren(element("b", {}, `z = ${pair(z)}`), element("br"), where);
      this.image.setAttribute("aria-label", `The decoder's image of the code ${pair(z)}; ${where}`);
      this.say(`Code ${pair(z)}, ${where}`);
    }

    still(c, plane) {
      if (this.model.codes) plane.scatter(c, this.model.codes, this.model.labels, this.highlighted);
      plane.circles(c);
      if (this.model.codes) plane.box(c, this.model.box);
    }

    moving(c, plane) {
      plane.crosses(c, this.draws);
      Object.assign(c, { lineWidth: 1.5, strokeStyle: play.colour(plane.canvas, "ink") });
      (this.trail ?? []).map((z) => plane.toPixel(z)).forEach(([x, y], i, all) => {
        c.globalAlpha = i / all.length;
        if (i) c.stroke(new Path2D(`M${all[i - 1]}L${x},${y}`));
      });
      c.globalAlpha = 1;
    }
  }

  play.define("plane", async (root) => {
    const wanted = root.dataset.models.split(/\s+/).filter(Boolean), index = await play.recorded(wanted);
    if (!index.length) throw new Error(`No decoder is recorded yet: python -m chapters_lib train ${wanted.join(" ")}`);
    await new Explorer(root, index).select(index[0]);
  });
})();
