/* Naive generation: the plane of a plain autoencoder beside that of a normalised one, and the same random numbers for both.

   <div class="play" data-play="naive" data-models="ae-mnist ae-normalized-mnist"></div> names pairs, the plain one first.
   The axes of a plane are equal: N(0, I) is round. The second model is loaded when it is asked for: see `size`. */
(function () {
  "use strict";
  const { element, button, number, pair } = play;
  const DRAWN = 12;

  /** One model: its plane, its image, and what it makes of the numbers drawn. */
  class Side {
    constructor(letter, say) {
      Object.assign(this, { draws: [], letter, say });
      this.plane = new play.Plane({
        equal: true, move: (z) => this.show(z),
        still: (c, plane) => {
          plane.scatter(c, this.model.codes, this.model.labels);
          plane.circles(c);
          plane.box(c, this.model.box);
        },
        moving: (c, plane) => plane.crosses(c, this.draws),
      });
      this.title = element("p", { class: "pl-title" });
      this.image = play.picture();
      this.readout = element("p", { class: "pl-readout" });
      this.strip = element("div", { class: "pl-strip", role: "group" });
      this.node = element("div", { class: "pl-half" }, this.title);
    }

    /** Say what it is, with a button that loads it. */
    offer(entry, act) {
      this.name(entry);
      this.node.append(play.loader(`Load ${this.letter}`, entry, act));
    }

    name(entry) {
      const name = `${this.letter}: ${entry.model}`;
      this.title.textContent = name[0].toUpperCase() + name.slice(1);
      return name;
    }

    async select(entry) {
      const model = await play.model(entry.name), name = this.name(entry);
      if (!this.model) {
        const focused = this.node.contains(document.activeElement);
        this.node.replaceChildren(this.title, this.plane.canvas, element("div", { class: "pl-beside" }, this.image, this.readout), this.strip);
        if (focused) this.plane.canvas.focus();
      }
      this.model = model;
      this.strip.setAttribute("aria-label", `What ${this.letter} makes of the drawn codes`);
      this.plane.show({ view: this.model.view, label: `Code plane of ${name}, on ${entry.dataset}. ` +
        "Drag, or use the arrow keys, with Shift for larger steps; Home goes to the origin." });
      this.plane.move(Array.from(this.model.codes.subarray(0, 2)));
    }

    draw(draws) {
      if (!this.model) return;
      this.draws = draws;
      play.strip(this.strip, draws.map((z) => ({
        pixels: play.decode(this.model, z), shape: this.model.shape,
        title: `z = ${pair(z)}`, label: `${this.letter}: go to the code ${pair(z)}`,
      })), (i) => this.plane.move(draws[i]));
      this.plane.redraw();
    }

    show(z) {
      const { codes, labels, classes, shape } = this.model;
      play.paint(this.image, play.decode(this.model, z), shape);
      const [nearest, away] = play.nearest(codes, z);
      const where = `nearest code: ${classes[labels[nearest]]}, ${number(away)} away`;
      this.readout.replaceChildren(element("b", {}, `z = ${pair(z)}`), element("br"), where);
      this.image.setAttribute("aria-label", `${this.letter}: the decoder's image of the code ${pair(z)}; ${where}`);
      this.say(`${this.letter}: code ${pair(z)}, ${where}`);
    }
  }

  /** From two standard normal and two uniform numbers to a code of a model. */
  const WAYS = {
    "N(0, I)": (model, normal) => normal,
    "the code box": ({ box }, _, even) => even.map((v, i) => box[0][i] + v * (box[1][i] - box[0][i])),
    "the normal fitted to the codes": ({ moments }, normal) => normal.map((v, i) => moments[0][i] + v * moments[1][i]),
  };

  play.define("naive", async (root) => {
    const wanted = root.dataset.models.split(/\s+/).filter(Boolean), index = await play.recorded(wanted);
    const pairs = wanted.flatMap((name, i) => i % 2 ? [] : [[name, wanted[i + 1]].map((one) =>
      index.find((entry) => entry.name === one))]).filter((both) => both.every(Boolean));
    if (!pairs.length) throw new Error(`These are not recorded yet: python -m chapters_lib train ${wanted.join(" ")}`);
    const sides = ["A", "B"].map((letter) => new Side(letter, (text) => say(text)));
    const here = () => sides.filter((side) => side.model);
    let drawn = "N(0, I)", chance, both, asked = false;
    const again = () => here().forEach((side) => side.draw(chance.map(([normal, even]) => WAYS[drawn](side.model, normal, even))));
    const draw = (way) => {
      drawn = way;
      chance = Array.from({ length: DRAWN }, () => [[play.normal(), play.normal()], [Math.random(), Math.random()]]);
      again();
    };
    const choose = async (dataset) => {
      both = pairs.find(([entry]) => entry.dataset === dataset);
      await Promise.all(sides.map((side, i) => (i && !asked ? side.name(both[i]) : side.select(both[i]))));
      again();
    };
    const ask = async () => {
      asked = true;
      await sides[1].select(both[1]);
      again();
    };
    const data = play.select("Data", pairs.map(([entry]) => entry.dataset), choose);
    const buttons = Object.keys(WAYS).map((name) => button({}, name, () => draw(name)));
    root.replaceChildren(play.bar(data, element("span", {}, `Draw ${DRAWN} codes from`), ...buttons),
      element("div", { class: "pl-halves" }, ...sides.map((side) => side.node)));
    const say = play.announcer(root);
    draw("N(0, I)");
    await choose(pairs[0][0].dataset);
    sides[1].offer(both[1], ask);
  });
})();
