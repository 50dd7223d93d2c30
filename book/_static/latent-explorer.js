/* The latent plane: drag a code over the plane of test codes, and see what the decoder makes of it.

   <div class="latent-explorer" data-models="ae-fashion-mnist ae-mnist"></div> becomes one. What the decoders are
   is written by chapters_lib.explorers into explorers/ beside this file: index.js lists them, and each NAME.js
   registers one. They are loaded as scripts, since a page opened from disk may not fetch(), when the reader is near. */
(function () {
  "use strict";

  // ---- The decoder -----------------------------------------------------------------------------------

  const ACTIVATIONS = {
    silu: (v) => v / (1 + Math.exp(-v)),
    relu: (v) => Math.max(v, 0),
    tanh: Math.tanh,
    sine: Math.sin,
    sigmoid: (v) => 1 / (1 + Math.exp(-v)),
    identity: (v) => v,
  };

  function array(text, Type) {
    return new Type(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
  }

  /** Half-precision numbers (IEEE 754 binary16) as float32: browsers had no array of them until lately. */
  function halves(text) {
    return Float32Array.from(array(text, Uint16Array), (bits) => {
      const sign = bits & 0x8000 ? -1 : 1, exponent = (bits >> 10) & 31, fraction = bits & 1023;
      return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -24 * fraction);
    });
  }

  /** Turn a record's base64 into typed arrays: weights in float32, codes as [z1, z2, z1, z2, …]. */
  function unpack(record) {
    const layers = record.layers.map(({ weight, bias, activation }) =>
      ({ weight: halves(weight), bias: halves(bias), activation }));
    const [low, high] = record.view;
    const codes = Float32Array.from(array(record.codes, Uint16Array),
      (v, i) => low[i % 2] + (high[i % 2] - low[i % 2]) * v / 65535);
    return { ...record, layers, codes, labels: array(record.labels, Uint8Array) };
  }

  /** The image of a code, row by row, in [0, 1]. */
  function decode(model, z) {
    let h = Float32Array.from(z);
    for (const { weight, bias, activation } of model.layers) {
      const f = ACTIVATIONS[activation], columns = h.length, out = new Float32Array(bias.length);
      for (let row = 0, at = 0; row < out.length; row++) {
        let sum = bias[row];
        for (let column = 0; column < columns; column++) sum += weight[at++] * h[column];
        out[row] = f(sum);
      }
      h = out;
    }
    return h;
  }

  globalThis.latentExplorer = { unpack, decode };
  if (typeof document === "undefined") return; // under node

  // ---- The page --------------------------------------------------------------------------------------

  const FOLDER = new URL("explorers/", document.currentScript.src).href;
  const COLOURS = ["#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6",
    "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd"]; // those of chapters_lib.figures
  const PAD = { left: 34, right: 8, top: 8, bottom: 24 }; // room for the axes, in CSS pixels
  const DRAWN = 12, TRAIL = 240; // random codes a press of a button; positions kept

  const scripts = new Map();
  function load(file) {
    if (!scripts.has(file)) scripts.set(file, new Promise((resolve, reject) => {
      const script = element("script", { src: FOLDER + file });
      script.onload = resolve;
      script.onerror = reject;
      document.head.append(script);
    }));
    return scripts.get(file);
  }

  function element(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    node.append(...children);
    return node;
  }

  function button(attributes, content, act) {
    const node = element("button", { type: "button", ...attributes }, content);
    node.addEventListener("click", act);
    return node;
  }

  const number = (v) => v.toFixed(2).replace("-", "\u2212");
  const pair = ([a, b]) => `(${number(a)}, ${number(b)})`;
  const clamp = (v, low, high) => Math.min(Math.max(v, low), high);
  const normal = () => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());

  function paint(canvas, pixels, [height, width]) {
    Object.assign(canvas, { width, height });
    const image = new ImageData(width, height);
    pixels.forEach((v, i) => image.data.set([v * 255, v * 255, v * 255, 255], 4 * i));
    canvas.getContext("2d").putImageData(image, 0, 0);
  }

  class Explorer {
    constructor(root, index) {
      Object.assign(this, { root, index, models: {}, highlighted: null, trail: [], draws: [] });
      this.build();
      this.select(index[0]);
      const again = () => this.redraw(true);
      new ResizeObserver(again).observe(this.plane);
      new MutationObserver(again).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    }

    build() {
      this.choices = {};
      const bar = element("div", { class: "le-bar" });
      for (const [key, title] of [["model", "Model"], ["dataset", "Data"]]) {
        const values = [...new Set(this.index.map((entry) => entry[key]))];
        const select = element("select", {}, ...values.map((value) => element("option", { value }, value)));
        select.disabled = select.options.length < 2;
        select.addEventListener("change", () => this.choose(key));
        this.choices[key] = select;
        bar.append(element("label", {}, `${title} `, select));
      }

      this.plane = element("canvas", { class: "le-plane", tabindex: "0", role: "application",
        "aria-roledescription": "two-dimensional slider" });
      this.image = element("canvas", { class: "le-image", role: "img" });
      this.readout = element("p", { class: "le-readout" });
      this.spoken = element("p", { class: "le-spoken", "aria-live": "polite" });
      const side = element("div", { class: "le-side" }, this.image, this.readout, this.spoken);

      const inBox = () => this.model.box[0].map((low, i) => low + Math.random() * (this.model.box[1][i] - low));
      const show = element("input", { type: "checkbox", checked: "" });
      show.addEventListener("change", () => { this.trail = show.checked ? [this.z] : null; this.redraw(); });
      const controls = element("div", { class: "le-bar" },
        button({}, `Draw ${DRAWN} codes from N(0, I)`, () => this.draw(() => [normal(), normal()])),
        button({}, `Draw ${DRAWN} from the code box`, () => this.draw(inBox)),
        element("label", {}, show, " Trail"));
      this.strip = element("div", { class: "le-strip", role: "group", "aria-label": "Images of the drawn codes" });
      this.legend = element("div", { class: "le-legend", role: "group", "aria-label": "Show one class" });
      const main = element("div", { class: "le-main" }, this.plane, side);
      this.root.replaceChildren(bar, main, this.legend, controls, this.strip);

      const { plane } = this;
      plane.onpointerdown = plane.onpointermove = (event) => {
        if (event.type === "pointerdown") plane.setPointerCapture(event.pointerId);
        if (plane.hasPointerCapture(event.pointerId)) this.move(this.toCode(event));
      };
      plane.onkeydown = (event) => this.key(event);
    }

    /** Take the reader's choice in one list; where there is no such pair, the other list gives way. */
    choose(key) {
      const has = (entry, k) => entry[k] === this.choices[k].value;
      const both = this.index.find((entry) => has(entry, "model") && has(entry, "dataset"));
      this.select(both ?? this.index.find((entry) => has(entry, key)));
    }

    async select(entry) {
      this.name = entry.name;
      for (const [key, select] of Object.entries(this.choices)) select.value = entry[key];
      this.root.setAttribute("aria-busy", "true");
      await load(`${entry.name}.js`).catch(() => { this.readout.textContent = "The decoder could not be loaded."; });
      const record = globalThis.latentExplorerModels?.[entry.name];
      if (this.name !== entry.name || !record) return; // the reader has chosen another meanwhile
      this.model = this.models[entry.name] ??= unpack(record);
      Object.assign(this, { highlighted: null, draws: [], trail: this.trail && [] });
      this.strip.replaceChildren();
      this.plane.setAttribute("aria-label", `Code plane of the ${entry.model} on ${entry.dataset}. ` +
        "Drag, or use the arrow keys, with Shift for larger steps; Home goes to the origin.");
      this.legend.replaceChildren(...this.model.classes.map((name, label) => {
        const style = `--le-colour: ${COLOURS[label % COLOURS.length]}`;
        return button({ style, "aria-pressed": "false" }, name, () => this.highlight(label));
      }));
      this.root.removeAttribute("aria-busy");
      this.move(Array.from(this.model.codes.subarray(0, 2)));
      this.redraw(true);
    }

    highlight(label) {
      this.highlighted = this.highlighted === label ? null : label;
      [...this.legend.children].forEach((node, i) => node.setAttribute("aria-pressed", i === this.highlighted));
      this.redraw(true);
    }

    draw(code) {
      if (!this.model) return;
      this.draws = Array.from({ length: DRAWN }, code);
      this.strip.replaceChildren(...this.draws.map((z) => {
        const canvas = element("canvas");
        paint(canvas, decode(this.model, z), this.model.shape);
        const named = { title: `z = ${pair(z)}`, "aria-label": `Go to the code ${pair(z)}` };
        return button(named, canvas, () => this.move(z));
      }));
      this.redraw();
    }

    key(event) {
      const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] };
      const other = event.ctrlKey || event.metaKey || event.altKey; // the browser's own
      if (!this.model || other || (event.key !== "Home" && !steps[event.key])) return;
      event.preventDefault();
      const [low, high] = this.model.view, size = event.shiftKey ? 0.06 : 0.01;
      this.move(event.key === "Home" ? [0, 0] : this.z.map((v, i) =>
        clamp(v + steps[event.key][i] * size * (high[i] - low[i]), low[i], high[i])));
    }

    move(z) {
      if (!this.model || !z) return;
      this.z = z;
      if (this.trail) this.trail = [...this.trail.slice(-TRAIL), z];
      this.moved = true;
      this.redraw();
    }

    // ---- Drawing: many events may ask, each frame draws once -------------------------------------------

    redraw(everything = false) {
      this.stale ||= everything;
      this.frame ??= requestAnimationFrame(() => {
        this.frame = null;
        if (!this.model) return;
        if (this.moved) this.show();
        this.moved = false;
        if (this.stale || !this.still) this.still = this.drawStill();
        this.stale = false;
        this.drawMoving();
      });
    }

    /** Decode the code; say where it is and which of the codes shown is next to it. */
    show() {
      const { codes, labels, classes } = this.model, [a, b] = this.z;
      paint(this.image, decode(this.model, this.z), this.model.shape);
      let best = Infinity, nearest = 0;
      for (let i = 0; i < labels.length; i++) {
        const squared = (codes[2 * i] - a) ** 2 + (codes[2 * i + 1] - b) ** 2;
        if (squared < best) [best, nearest] = [squared, i];
      }
      const where = `nearest code shown: ${classes[labels[nearest]]}, ${number(Math.sqrt(best))} away`;
      this.readout.replaceChildren(element("b", {}, `z = ${pair(this.z)}`), element("br"), where);
      this.image.setAttribute("aria-label", `The decoder's image of the code ${pair(this.z)}; ${where}`);
      clearTimeout(this.pause); // a screen reader hears where the point came to rest
      this.pause = setTimeout(() => { this.spoken.textContent = `Code ${pair(this.z)}, ${where}`; }, 500);
    }

    toPixel(z) {
      const [low, high] = this.model.view, { clientWidth: w, clientHeight: h } = this.plane;
      return [PAD.left + (z[0] - low[0]) / (high[0] - low[0]) * (w - PAD.left - PAD.right),
        PAD.top + (high[1] - z[1]) / (high[1] - low[1]) * (h - PAD.top - PAD.bottom)];
    }

    toCode(event) {
      if (!this.model) return null;
      const [low, high] = this.model.view, rect = this.plane.getBoundingClientRect();
      const right = (event.clientX - rect.left - PAD.left) / (rect.width - PAD.left - PAD.right);
      const down = (event.clientY - rect.top - PAD.top) / (rect.height - PAD.top - PAD.bottom);
      return [low[0] + clamp(right, 0, 1) * (high[0] - low[0]), high[1] - clamp(down, 0, 1) * (high[1] - low[1])];
    }

    colour = (name) => getComputedStyle(this.root).getPropertyValue(`--le-${name}`).trim();

    /** What stays while the point moves: axes, test codes, code box, circles that hold half and 99 % of N(0, I). */
    drawStill() {
      const { model, plane } = this, ratio = devicePixelRatio || 1;
      const canvas = element("canvas"), c = canvas.getContext("2d"), [low, high] = model.view;
      canvas.width = plane.width = Math.round(plane.clientWidth * ratio);
      canvas.height = plane.height = Math.round(plane.clientHeight * ratio);
      c.scale(ratio, ratio);
      c.font = "11px system-ui, sans-serif";
      c.fillStyle = this.colour("muted");
      c.strokeStyle = this.colour("line");
      const [left, bottom] = this.toPixel(low), [right, top] = this.toPixel(high);
      c.strokeRect(left, top, right - left, bottom - top);
      for (const axis of [0, 1]) {
        const span = (high[axis] - low[axis]) / 5, power = 10 ** Math.floor(Math.log10(span));
        const step = power * [1, 2, 5, 10].find((m) => m * power >= span);
        for (let v = Math.ceil(low[axis] / step) * step; v <= high[axis]; v += step) {
          const at = this.toPixel([v, v])[axis], text = String(Number(v.toFixed(6))).replace("-", "\u2212");
          [c.textAlign, c.textBaseline] = axis ? ["right", "middle"] : ["center", "top"];
          c.fillText(text, axis ? left - 5 : at, axis ? at : bottom + 5);
        }
      }
      model.labels.forEach((label, i) => {
        const [x, y] = this.toPixel([model.codes[2 * i], model.codes[2 * i + 1]]);
        c.globalAlpha = this.highlighted === null ? 0.75 : label === this.highlighted ? 0.95 : 0.1;
        c.fillStyle = COLOURS[label % COLOURS.length];
        c.beginPath();
        c.arc(x, y, 1.8, 0, 2 * Math.PI);
        c.fill();
      });
      c.globalAlpha = 1;
      const [x0, y0] = this.toPixel(model.box[0]), [x1, y1] = this.toPixel(model.box[1]);
      const [x, y] = this.toPixel([0, 0]), [xOne, yOne] = this.toPixel([1, 1]), circles = new Path2D();
      for (const radius of [0.5, 0.99].map((share) => Math.sqrt(-2 * Math.log(1 - share)))) {
        circles.moveTo(x + radius * (xOne - x), y);
        circles.ellipse(x, y, radius * (xOne - x), radius * (y - yOne), 0, 0, 2 * Math.PI);
      }
      for (const [lineWidth, name] of [[3, "paper"], [1.2, "ink"]]) {
        Object.assign(c, { lineWidth, strokeStyle: this.colour(name) }).stroke(circles);
      }
      c.setLineDash([5, 4]);
      c.strokeRect(x0, y1, x1 - x0, y0 - y1);
      return canvas;
    }

    drawMoving() {
      const c = this.plane.getContext("2d"), ratio = this.still.width / this.plane.clientWidth;
      const [ink, paper, accent] = ["ink", "paper", "accent"].map(this.colour);
      c.setTransform(1, 0, 0, 1, 0, 0);
      c.clearRect(0, 0, this.plane.width, this.plane.height);
      c.drawImage(this.still, 0, 0);
      c.scale(ratio, ratio);
      const outlined = (path) => { // legible on any colour: a broad line of paper below a fine one
        for (const [lineWidth, strokeStyle] of [[4.5, paper], [2, accent]]) {
          Object.assign(c, { lineWidth, strokeStyle }).stroke(path);
        }
      };
      for (const [x, y] of this.draws.map((z) => this.toPixel(z))) {
        outlined(new Path2D(`M${x - 4} ${y - 4}l8 8M${x - 4} ${y + 4}l8 -8`));
      }
      Object.assign(c, { lineWidth: 1.5, strokeStyle: ink });
      (this.trail ?? []).map((z) => this.toPixel(z)).forEach(([x, y], i, all) => {
        c.globalAlpha = i / all.length;
        if (i) c.stroke(new Path2D(`M${all[i - 1]}L${x},${y}`));
      });
      c.globalAlpha = 1;
      const [x, y] = this.toPixel(this.z), point = new Path2D();
      point.arc(x, y, 6, 0, 2 * Math.PI);
      outlined(point);
      Object.assign(c, { fillStyle: accent }).fill(point);
    }
  }

  async function start(root) {
    if (root.dataset.started) return;
    root.dataset.started = "yes";
    const wanted = root.dataset.models.split(/\s+/).filter(Boolean);
    await load("index.js").catch(() => {}); // said below
    const recorded = globalThis.latentExplorerIndex ?? [];
    const index = wanted.flatMap((name) => recorded.filter((entry) => entry.name === name));
    if (index.length) new Explorer(root, index);
    else root.textContent = `No decoder is recorded yet: python -m chapters_lib train ${wanted.join(" ")}`;
  }

  const near = new IntersectionObserver((entries) => entries.forEach((entry) => {
    if (entry.isIntersecting) start(entry.target);
  }), { rootMargin: "200px" });
  for (const root of document.querySelectorAll(".latent-explorer")) {
    near.observe(root);
    for (const type of ["pointerdown", "focusin"]) root.addEventListener(type, () => start(root), { once: true });
  }
})();
