/* A decoder that is told the class: buttons for it, a plane of the two directions of z that change images most, and the
   same z in all classes.

   <div class="play" data-play="classes" data-models="cvae-fashion-mnist"></div> */
(function () {
  "use strict";
  const { element, button, pair } = play;

  play.define("classes", async (root) => {
    const index = await play.recorded(root.dataset.models.split(/\s+/));
    if (!index.length) throw new Error(`Not recorded yet: python -m chapters_lib train ${root.dataset.models}`);
    const model = await play.model(index[0].name), { latent, classes, directions, shape } = model;
    const directionOf = (k) => directions.subarray(k * latent, (k + 1) * latent);
    const dot = (a, b) => a.reduce((sum, v, i) => sum + v * b[i], 0);
    let chosen = 0, rest = new Array(latent).fill(0);

    /** The code at a place of the plane, and the class as ten numbers of which one is 1. */
    const input = (place, label) => [
      ...rest.map((v, i) => v + place[0] * directionOf(0)[i] + place[1] * directionOf(1)[i]),
      ...classes.map((_, i) => Number(i === label))];

    const image = play.picture(), readout = element("p", { class: "pl-readout" });
    const group = (kind, name) => element("div", { class: kind, role: "group", "aria-label": name });
    const strip = group("pl-strip pl-classes", "The same z in all classes");
    const legend = group("pl-legend", "The class that the decoder is told");
    const plane = new play.Plane({
      equal: true, view: [[-3.2, -3.2], [3.2, 3.2]],
      still: (c, plane) => plane.circles(c), move: (place) => show(place),
      label: "Plane of the two directions of z that change images most. " +
        "Drag, or use the arrow keys, with Shift for larger steps; Home goes to the origin.",
    });
    const show = (place) => {
      const images = classes.map((_, label) => play.decode(model, input(place, label)));
      play.paint(image, images[chosen], shape);
      readout.replaceChildren(element("b", {}, classes[chosen]), element("br"), `at ${pair(place)} of the plane`);
      image.setAttribute("aria-label", `The decoder's image of the class ${classes[chosen]} at ${pair(place)}`);
      if (strip.children.length) { // the buttons stay, so that one of them may keep the focus
        [...strip.querySelectorAll("canvas")].forEach((canvas, label) => play.paint(canvas, images[label], shape));
      } else {
        play.strip(strip, images.map((pixels, label) =>
          ({ pixels, shape, title: classes[label], label: `Show ${classes[label]}` })), choose);
      }
      for (const node of [legend, strip]) {
        [...node.children].forEach((item, i) => item.setAttribute("aria-pressed", i === chosen));
      }
      say(`${classes[chosen]} at ${pair(place)}`);
    };
    const choose = (label) => { chosen = label; plane.move(plane.z ?? [0, 0]); };

    /** Draw z from N(0, I), and keep of it what is at right angles to the plane. */
    const redraw = () => {
      const z = Array.from({ length: latent }, play.normal);
      const along = [0, 1].map((k) => dot(z, directionOf(k)));
      rest = z.map((v, i) => v - along[0] * directionOf(0)[i] - along[1] * directionOf(1)[i]);
      plane.move(along.map((v) => play.clamp(v, -3.2, 3.2)));
    };
    const zero = () => { rest = rest.map(() => 0); plane.move([0, 0]); };
    legend.append(...classes.map((name, label) => button({}, name, () => choose(label))));
    root.replaceChildren(legend,
      element("div", { class: "pl-main" }, plane.canvas, element("div", { class: "pl-side" }, image, readout)), strip,
      play.bar(button({}, "Draw z from N(0, I)", redraw), button({}, "z = 0", zero)));
    const say = play.announcer(root);
    choose(0);
  });
})();
