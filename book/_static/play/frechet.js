/* Two Gaussians of the plane to drag, and the Fréchet distance between them: <div class="play" data-play="frechet"></div>. */
(function () {
  "use strict";
  const { element, button, number } = play;
  const COLOURS = [play.COLOURS[0], play.COLOURS[6]], NAMES = ["p", "q"], LEAST = 0.05; // of a deviation
  const GRIPS = NAMES.flatMap((name) => [`mean of ${name}`, `first axis of ${name}`, `second axis of ${name}`]);
  const START = [{ mean: [-0.8, 0.2], axes: [1, 0.6], angle: 0.5 }, { mean: [0.9, -0.3], axes: [0.8, 0.8], angle: 0 }];
  const copies = () => START.map((g) => ({ ...g, mean: [...g.mean], axes: [...g.axes] }));
  const direction = ({ angle }, axis) => [Math.cos(angle + axis * Math.PI / 2), Math.sin(angle + axis * Math.PI / 2)];

  function covariance(gaussian) {
    const [u, v] = [0, 1].map((axis) => direction(gaussian, axis)), [a, b] = gaussian.axes.map((s) => s * s);
    return [0, 1].map((i) => [0, 1].map((j) => a * u[i] * u[j] + b * v[i] * v[j]));
  }

  class Explorer {
    constructor(root) {
      Object.assign(this, { root, gaussians: copies(), grip: 3 });
      this.plane = new play.Plane({ view: [[-3, -3], [3, 3]], equal: true, label: "Two Gaussians. Drag a mean or the end " +
        "of an axis, or choose one in the list and use the arrow keys, with Shift for larger steps.",
        moving: (c, plane) => this.draw(c, plane), move: (z) => this.moved(z) });
      this.choice = play.select("Move the", GRIPS, (value) => this.take(GRIPS.indexOf(value)));
      this.readout = element("p", { class: "pl-readout" });
      this.shares = element("div", { class: "pl-shares", role: "img" }, element("span"), element("span"));
      const key = element("p", { class: "pl-key" },
        "Blue: p, orange: q; ellipses at one and two standard deviations. The bar: the term of the means (full colour) and that of the covariances (pale).");
      const cases = [["Start", copies], ["Same means", () => this.like("mean")], ["Same covariances", () => this.like("axes", "angle")]];
      const side = element("div", { class: "pl-side pl-told" }, this.readout, this.shares, key);
      root.replaceChildren(play.bar(this.choice), element("div", { class: "pl-main" }, this.plane.canvas, side),
        play.bar(...cases.map(([title, make]) => button({}, title, () => { this.gaussians = make(); this.take(this.grip); }))));
      this.say = play.announcer(root);
      // Before the plane itself hears of it; a finger's touchstart comes later, and would take a move back.
      this.plane.canvas.addEventListener("pointerdown", (event) => this.nearest(event), { capture: true });
      this.take(this.grip);
    }

    /** Let q have p's mean, or its covariance. */
    like(...keys) {
      const [p, q] = this.gaussians, changed = { ...q };
      for (const key of keys) changed[key] = Array.isArray(p[key]) ? [...p[key]] : p[key];
      return [p, changed];
    }

    /** Where a grip is: a mean, or the end of an axis. */
    place(grip) {
      const { mean, axes, ...rest } = this.gaussians[Math.floor(grip / 3)], axis = grip % 3 - 1;
      return axis < 0 ? [...mean] : direction(rest, axis).map((v, i) => mean[i] + axes[axis] * v);
    }

    take(grip) {
      this.grip = grip;
      this.choice.querySelector("select").value = GRIPS[grip];
      this.plane.move(this.place(grip));
    }

    nearest(event) {
      const { clientX, clientY } = event, box = this.plane.canvas.getBoundingClientRect();
      const far = GRIPS.map((_, grip) => {
        const [x, y] = this.plane.toPixel(this.place(grip));
        return Math.hypot(x + box.x - clientX, y + box.y - clientY);
      });
      this.grip = far.indexOf(Math.min(...far));
      this.choice.querySelector("select").value = GRIPS[this.grip];
      this.plane.z = this.place(this.grip);
    }

    /** Put what is held where it was moved to; an axis turns, or takes the length that its end now has. */
    moved(z) {
      const gaussian = this.gaussians[Math.floor(this.grip / 3)], axis = this.grip % 3 - 1;
      const [x, y] = z.map((v, i) => v - gaussian.mean[i]);
      if (axis < 0) gaussian.mean = [...z];
      if (axis === 0) Object.assign(gaussian, { angle: Math.atan2(y, x), axes: [Math.max(Math.hypot(x, y), LEAST), gaussian.axes[1]] });
      if (axis === 1) {
        const [u, v] = direction(gaussian, 1);
        gaussian.axes = [gaussian.axes[0], Math.max(x * u + y * v, LEAST)];
      }
      this.plane.z = this.place(this.grip);
      this.tell();
    }

    tell() {
      const [p, q] = this.gaussians.map((g) => ({ mean: g.mean, covariance: covariance(g) }));
      const { means, covariances } = playFrechet.terms(p, q), total = means + covariances;
      const words = `Distance ${number(total)} = ${number(means)} of the means + ${number(covariances)} of the covariances`;
      this.readout.replaceChildren(element("b", {}, `Fréchet distance ${number(total)}`), element("br"),
        `${number(means)} of the means`, element("br"), `+ ${number(covariances)} of the covariances`);
      [means, covariances].forEach((v, i) => { this.shares.children[i].style.width = `${Math.min(v, 20) * 5}%`; });
      this.shares.setAttribute("aria-label", words);
      this.say(words);
    }

    draw(c, plane) {
      this.gaussians.forEach((gaussian, which) => {
        const [x, y] = plane.toPixel(gaussian.mean), unit = plane.toPixel([1, 0])[0] - plane.toPixel([0, 0])[0];
        for (const times of [1, 2]) {
          const path = new Path2D();
          path.ellipse(x, y, times * gaussian.axes[0] * unit, times * gaussian.axes[1] * unit, -gaussian.angle, 0, 2 * Math.PI);
          Object.assign(c, { fillStyle: COLOURS[which], globalAlpha: 0.16 }).fill(path);
          c.globalAlpha = 1;
          Object.assign(c, { strokeStyle: COLOURS[which], lineWidth: 1.6 }).stroke(path);
        }
      });
      GRIPS.forEach((_, grip) => { // above both
        const [left, top] = plane.toPixel(this.place(grip)), dot = new Path2D();
        dot.arc(left, top, grip % 3 ? 4 : 5.5, 0, 2 * Math.PI);
        plane.outlined(c, dot, "ink", 1.5);
        Object.assign(c, { fillStyle: COLOURS[Math.floor(grip / 3)] }).fill(dot);
      });
    }
  }

  play.define("frechet", async (root) => {
    await play.load("../play/frechet-model.js");
    new Explorer(root);
  });
})();
