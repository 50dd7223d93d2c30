/* Several decoders side by side on the same walk between two draws from N(0, I): straight, on the sphere, and straight
   among the codes, which is another way where a flow makes codes of the draws.

   <div class="play" data-play="beside" data-models="vae-gaussian-mnist vae-realnvp-mnist gan-mnist"></div>
   The first is loaded at once, each other when it is asked for. */
(function () {
  "use strict";
  const { element, button, number } = play;
  const DRAWN = 8, STEPS = 10, SECONDS = 4; // draws to choose from; small images on a walk; of the way there when it is played

  /** What each way makes of two draws a and b for a model, at the share t: a code. */
  const WAYS = {
    "Straight": (model, a, b, t) => play.code(model, play.walks.straight(a, b, t)),
    "On the sphere": (model, a, b, t) => play.code(model, play.walks.arc(a, b, t)),
    "Straight among the codes": (model, a, b, t) => play.walks.straight(play.code(model, a), play.code(model, b), t),
  };

  /** One decoder: its image, what is to be read of the code there, and small images of the whole way. */
  class Column {
    constructor(entry, loaded) {
      Object.assign(this, { entry, loaded, title: entry.model[0].toUpperCase() + entry.model.slice(1) });
      this.load = play.loader("Load its decoder", entry, () => this.fetch());
      this.node = element("div", { class: "pl-half" }, element("p", { class: "pl-title" }, this.title), this.load);
    }

    async fetch() {
      this.model = await play.model(this.entry.name);
      this.image = play.picture({ tabindex: "-1" });
      this.readout = element("p", { class: "pl-readout" });
      this.strip = element("div", { class: "pl-strip pl-walk", role: "group", "aria-label": `${this.title}: the walk in ${STEPS} steps` });
      const focused = this.load === document.activeElement;
      this.load.replaceWith(element("div", { class: "pl-upright" }, this.image, this.readout), this.strip);
      if (focused) this.image.focus();
      this.loaded();
    }

    show(way, [a, b], t) {
      const z = WAYS[way](this.model, a, b, t);
      const long = number(play.walks.length(z), 1), likely = number(play.density(this.model, z), 1);
      play.paint(this.image, play.image(this.model, z), this.model.shape);
      this.readout.replaceChildren(element("b", {}, `‖z‖ = ${long}`), element("br"), `log p(z) = ${likely} nats`);
      const words = `code of length ${long}, log density ${likely}`;
      this.image.setAttribute("aria-label", `${this.title}: the image at ${number(t)} of the way, ${words}`);
      return `${this.title}: ${words}`;
    }

    steps(way, [a, b], go) {
      const places = Array.from({ length: STEPS }, (_, i) => i / (STEPS - 1));
      play.strip(this.strip, places.map((t) => ({
        pixels: play.image(this.model, WAYS[way](this.model, a, b, t)), shape: this.model.shape,
        title: `t = ${number(t)}`, label: `${this.title}: go to ${number(t)} of the way`,
      })), (i) => go(places[i]));
    }
  }

  class Explorer {
    constructor(root, index) {
      Object.assign(this, { root, way: Object.keys(WAYS)[0], chosen: [0, 1] });
      this.columns = index.map((entry) => new Column(entry, () => this.walk()));
      this.switches = Object.keys(WAYS).map((name) => button({ "aria-pressed": String(name === this.way) }, name, () => this.take(name)));
      const go = (t) => { this.slider.set(t); this.show(); };
      this.go = go;
      this.slider = play.slider("From the first draw to the second", { min: 0, max: 1, step: 0.01, value: 0.5 }, () => this.show());
      this.ends = ["First", "Second"].map((which) =>
        element("div", { class: "pl-strip pl-draws", role: "group", "aria-label": `${which} end, as the first decoder draws it` }));
      const rows = this.ends.map((strip, i) => element("div", { class: "pl-named" }, element("span", {}, ["First end", "Second end"][i]), strip));
      root.replaceChildren(
        play.bar(element("div", { class: "pl-switch", role: "group", "aria-label": "Way" }, ...this.switches),
          button({}, "Walk", () => play.animate(go, SECONDS)), button({}, "Other draws", () => this.draw())),
        ...rows, this.slider, element("div", { class: "pl-thirds" }, ...this.columns.map((column) => column.node)));
      this.say = play.announcer(root);
    }

    /** The decoders that are here. */
    get here() { return this.columns.filter((column) => column.model); }

    take(way) {
      this.way = way;
      this.switches.forEach((node) => node.setAttribute("aria-pressed", String(node.textContent === way)));
      this.walk();
    }

    draw() {
      const { model } = this.columns[0];
      this.draws = Array.from({ length: DRAWN }, () => Array.from({ length: model.latent }, play.normal));
      const images = this.draws.map((u, i) => ({ pixels: play.decode(model, u), shape: model.shape, title: `Draw ${i + 1}` }));
      this.ends.forEach((strip, end) => play.strip(strip,
        images.map((one, i) => ({ ...one, label: `${["Begin", "End"][end]} at draw ${i + 1}` })), (i) => this.choose(end, i)));
      this.walk();
    }

    choose(end, i) {
      this.chosen[end] = i;
      this.walk();
    }

    /** Another way, other ends, or another decoder. */
    walk() {
      if (!this.draws) return;
      this.ends.forEach((strip, end) => [...strip.children].forEach((node, i) => node.setAttribute("aria-pressed", String(i === this.chosen[end]))));
      this.between = this.chosen.map((i) => this.draws[i]);
      for (const column of this.here) column.steps(this.way, this.between, this.go);
      this.show();
    }

    show() {
      const t = this.slider.control.valueAsNumber;
      this.say(`${this.way}, at ${number(t)} of the way. ${this.here.map((column) => column.show(this.way, this.between, t)).join("; ")}`);
    }
  }

  play.define("beside", async (root) => {
    await play.load("../play/ways.js");
    const wanted = root.dataset.models.split(/\s+/).filter(Boolean), index = await play.recorded(wanted);
    if (!index.length) throw new Error(`Not recorded yet: python -m chapters_lib train ${wanted.join(" ")}`);
    const explorer = new Explorer(root, index);
    await explorer.columns[0].fetch();
    explorer.draw();
  });
})();
