/* A walk between two codes of a generator, drawn from N(0, I): straight, and on the sphere.

   <div class="play" data-play="walk" data-model="gan-fc-mnist"></div> */
(function () {
  "use strict";
  const { element, button, number } = play;
  const STEPS = 10, SECONDS = 4; // small images on a walk; of the way there when it is played

  /** One of the two ways: a large image, what is to be read of it, and small images of the whole way. */
  class Way {
    constructor(title, at) {
      Object.assign(this, { title, at, image: play.picture(), readout: element("p", { class: "pl-readout" }) });
      const named = `${title}: the walk in ${STEPS} steps`;
      this.strip = element("div", { class: "pl-strip pl-walk", role: "group", "aria-label": named });
      this.node = element("div", { class: "pl-half" }, element("p", { class: "pl-title" }, title),
        element("div", { class: "pl-beside" }, this.image, this.readout), this.strip);
    }

    show(model, [a, b], t) {
      const z = this.at(a, b, t), long = number(play.walks.length(z), 1);
      play.paint(this.image, play.decode(model, z), model.shape);
      this.readout.replaceChildren(element("b", {}, `‖z‖ = ${long}`), element("br"), `t = ${number(t)}`);
      this.image.setAttribute("aria-label", `${this.title}: the image at ${number(t)} of the way, length ${long}`);
      return `${this.title.toLowerCase()} ${long}`;
    }

    steps(model, [a, b], go) {
      const places = Array.from({ length: STEPS }, (_, i) => i / (STEPS - 1));
      play.strip(this.strip, places.map((t) => ({
        pixels: play.decode(model, this.at(a, b, t)), shape: model.shape,
        title: `t = ${number(t)}`, label: `${this.title}: go to ${number(t)} of the way`,
      })), (i) => go(places[i]));
    }
  }

  play.define("walk", async (root) => {
    await play.load("../play/ways.js");
    const { straight, arc } = play.walks;
    const [entry] = await play.recorded([root.dataset.model]);
    if (!entry) throw new Error(`Not recorded yet: python -m chapters_lib train ${root.dataset.model}`);
    const model = await play.model(entry.name);
    const ways = [new Way("Straight", straight), new Way("On the sphere", arc)];
    let ends;
    const show = (t) => {
      const lengths = ways.map((way) => way.show(model, ends, t));
      say(`At ${number(t)} of the way the code's length is ${lengths.join(", ")}`);
    };
    const range = { min: 0, max: 1, step: 0.01, value: 0.5 };
    const slider = play.slider("From the first code to the second", range, show);
    const go = (t) => { slider.set(t); show(t); };
    const anew = () => {
      ends = [0, 1].map(() => Array.from({ length: model.latent }, play.normal));
      for (const way of ways) way.steps(model, ends, go);
      show(slider.control.valueAsNumber);
    };
    const buttons = [button({}, "Draw two new codes", anew), button({}, "Walk", () => play.animate(go, SECONDS))];
    root.replaceChildren(play.bar(...buttons), slider, element("div", { class: "pl-halves" }, ...ways.map((way) => way.node)));
    const say = play.announcer(root);
    anew();
  });
})();
