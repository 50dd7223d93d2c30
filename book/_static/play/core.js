/* What the explorers of this folder share. A page holds one line of HTML for each of them:

     <script src="../_static/play/core.js" defer></script><div class="play" data-play="plane" data-models="ae-mnist"></div>

   When the reader is near, core.js loads plane.js beside it, which calls play.define("plane", start);
   start(root) fills the block and may be asynchronous. One that holds a button of class pl-poster, with a still
   picture, waits until that is pressed. From `play` an explorer takes

     load(file)                     a script of the site's folder explorers/, once; fetch() fails on a page from disk
     recorded(names)                what of these runs is recorded: [{name, model, dataset, bytes}]
     model(name)                    a recorded model, its numbers unpacked; model.layers suits decode()
     dense(layers), numbers(packed) one's own records as chapters_lib.explorers.packing wrote them
     decode(model, u)               the image of a draw from N(0, I), row by row, in [0, 1]: image(model, code(model, u));
                                    without a flow, code and draw are the same. paint(canvas, pixels, [height, width])
     density(model, z)              log p(z) of a code: of the model's flow, or of N(0, I)
     size(entry)                    how much a recorded model is to load, in words
     element(tag, attributes, ...children), button(attributes, content, act), picture(attributes)
     loader(title, entry, act)      a button that says how much act() is going to load of a recorded model
     select(title, values, act)     <label> with a list; slider(title, {min, max, step, value, format}, act)
     bar(...nodes)                  a row of controls; strip(images, act) a row of small pictures to press
     announcer(root)                a function: its text is read aloud once it has not changed for half a second
     new Plane(options)             a canvas with axes and one point that mouse, finger and keys move; see there
     animate(step, seconds)         step(t) with t from 0 to 1; at once where less motion is asked for
     loop(root, step)               {run(), pause(), running}: step() a frame, as long as root is on the screen
     number, pair, clamp, normal    text of a number and of a point; one draw from N(0, 1)
     nearest(points, z)             which of these points is nearest, and how far
     COLOURS                        of the ten classes, those of the book's figures

   Colours of a canvas are those of play.css: colour(node, "ink"), also muted, line, paper, accent. */
(function () {
  "use strict";
  if (globalThis.play) return; // a page may name this script once for each explorer

  // ---- Numbers, as chapters_lib.explorers.packing writes them -----------------------------------------

  const BASE = 251, FINE = 1583, HALF = 31500; // levels of a small number, of a middling one; of a large one, a side

  /** The whole numbers from 0 to 63000 that a text holds, one a character: surrogates are left out. */
  function units(text) {
    return Uint16Array.from(text, (_, i) => text.charCodeAt(i) - 93 - (text.charCodeAt(i) >= 0xe000 ? 0x800 : 0));
  }

  /** Sixteen-bit numbers: level × peak / 31500. */
  function numbers({ peak, text }) {
    return Float32Array.from(units(text), (unit) => (unit - HALF) / HALF * peak);
  }

  /** Eight-bit levels from −125 to 125, two a character, `count` of them. */
  function levels(text, count) {
    const out = new Int8Array(count), pairs = units(text);
    for (let i = 0; i < count; i++) {
      out[i] = (i % 2 ? pairs[i >> 1] % BASE : Math.floor(pairs[i >> 1] / BASE)) - 125;
    }
    return out;
  }

  /** Levels from −791 to 791, three in two characters. */
  function fineLevels(text, count) {
    const out = new Int16Array(count), pairs = units(text);
    for (let i = 0; i < count; i++) {
      const at = 2 * Math.floor(i / 3), whole = pairs[at] * 2 * HALF + pairs[at + 1];
      out[i] = Math.floor(whole / [FINE * FINE, FINE, 1][i % 3]) % FINE - 791;
    }
    return out;
  }

  /** Layers with weights in float32, row by row: of whole levels and a peak a row, or of sixteen bits. */
  function dense(layers) {
    return layers.map((layer) => {
      const bias = numbers(layer.bias), norm = layer.norm && [numbers(layer.norm.scale), numbers(layer.norm.shift)];
      if (!layer.levels) return { ...layer, weight: numbers(layer.weight), bias, norm };
      const peaks = numbers(layer.peaks), { columns, most } = layer, count = bias.length * columns;
      const weight = Float32Array.from(most === 125 ? levels(layer.levels, count) : fineLevels(layer.levels, count),
        (level, i) => level / most * peaks[Math.floor(i / columns)]);
      return { ...layer, weight, bias, norm };
    });
  }

  const ACTIVATIONS = {
    silu: (v) => v / (1 + Math.exp(-v)),
    relu: (v) => Math.max(v, 0),
    tanh: Math.tanh,
    sine: Math.sin,
    sigmoid: (v) => 1 / (1 + Math.exp(-v)),
    identity: (v) => v,
  };

  /** Layer normalisation: mean 0 and variance 1 over the units, then a scale and a shift a unit. */
  function normalised(h, [scale, shift]) {
    const mean = h.reduce((sum, v) => sum + v, 0) / h.length;
    const variance = h.reduce((sum, v) => sum + (v - mean) ** 2, 0) / h.length;
    return h.map((v, i) => (v - mean) / Math.sqrt(variance + 1e-5) * scale[i] + shift[i]);
  }

  /** h ↦ activation(W h + b), layer by layer; before that, normalisation and an activation where there are any. */
  function run(layers, z) {
    let h = Float32Array.from(z);
    for (const { weight, bias, activation, norm, before = "identity", adds } of layers) {
      let seen = norm ? normalised(h, norm) : h;
      if (before !== "identity") seen = seen.map(ACTIVATIONS[before]);
      const f = ACTIVATIONS[activation], columns = h.length, out = new Float32Array(bias.length);
      for (let row = 0, at = 0; row < out.length; row++) {
        let sum = bias[row];
        for (let column = 0; column < columns; column++) sum += weight[at++] * seen[column];
        out[row] = f(sum) + (adds ? h[row] : 0);
      }
      h = out;
    }
    return h;
  }

  /** The code that a point of a flow's base space becomes: each coupling keeps some units and moves the others. */
  function flow(couplings, u) {
    const z = Float32Array.from(u);
    for (const { kept, moved, bound, layers } of couplings) {
      const out = run(layers, kept.map((place) => z[place]));
      moved.forEach((place, i) => {
        z[place] = z[place] * Math.exp(bound[i] * Math.tanh(out[i])) + out[moved.length + i];
      });
    }
    return z;
  }

  /** The code that a draw from N(0, I) is to a model; the image of a code; and both, one after the other. */
  const code = (model, u) => (model.couplings ? flow(model.couplings, u) : u);
  const image = (model, z) => run(model.layers, z);
  const decode = (model, u) => image(model, code(model, u));

  /** log p(z): the density of N(0, I) where the code comes from, less what the couplings stretch on the way. */
  function density({ couplings = [] }, z) {
    const u = Float32Array.from(z);
    let stretched = 0;
    for (const { kept, moved, bound, layers } of [...couplings].reverse()) {
      const out = run(layers, kept.map((place) => u[place]));
      moved.forEach((place, i) => {
        const scale = bound[i] * Math.tanh(out[i]);
        u[place] = (u[place] - out[moved.length + i]) * Math.exp(-scale);
        stretched += scale;
      });
    }
    return u.reduce((sum, v) => sum - (v * v + Math.log(2 * Math.PI)) / 2, 0) - stretched;
  }

  /** A record's numbers as arrays. */
  function unpack(record) {
    const found = { ...record };
    if (found.layers) found.layers = dense(found.layers);
    found.couplings &&= found.couplings.map((one) => // a flow to walk through has its own form: flow-model.js
      (one.layers ? { ...one, bound: numbers(one.bound), layers: dense(one.layers) } : one));
    for (const [key, packed] of Object.entries(found.numbers ?? {})) found[key] = numbers(packed);
    if (found.labels) found.labels = units(found.labels);
    return found;
  }

  const clamp = (v, low, high) => Math.min(Math.max(v, low), high);
  const number = (v, digits = 2) => v.toFixed(digits).replace("-", "\u2212");
  const pair = ([a, b]) => `(${number(a)}, ${number(b)})`;
  const normal = () => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());

  /** Which of the points [x, y, x, y, …] is nearest to z, and how far away. */
  function nearest(points, z) {
    let best = Infinity, at = 0;
    for (let i = 0; 2 * i < points.length; i++) {
      const squared = (points[2 * i] - z[0]) ** 2 + (points[2 * i + 1] - z[1]) ** 2;
      if (squared < best) [best, at] = [squared, i];
    }
    return [at, Math.sqrt(best)];
  }

  const play = { units, numbers, levels, dense, unpack, code, image, decode, density, clamp, number, pair, normal, nearest };
  globalThis.play = play;
  if (typeof document === "undefined") return; // under node

  // ---- Files -----------------------------------------------------------------------------------------

  const HERE = new URL(".", document.currentScript.src).href, kinds = {}, scripts = new Map();

  function script(url) {
    if (!scripts.has(url)) scripts.set(url, new Promise((resolve, reject) => {
      const node = element("script", { src: url });
      Object.assign(node, { onload: resolve, onerror: () => reject(new Error(`${url} could not be loaded.`)) });
      document.head.append(node);
    }));
    return scripts.get(url);
  }

  const load = (file) => script(new URL(`../explorers/${file}`, HERE).href);

  async function recorded(names) {
    await load("index.js").catch(() => {}); // nothing is recorded, then
    const index = play.index ?? [];
    return names.flatMap((name) => index.filter((entry) => entry.name === name));
  }

  const size = ({ bytes }) => `${number(bytes / 1e6, 1)} MB`;

  const unpacked = new Map();
  async function model(name) {
    await load(`${name}.js`);
    if (!unpacked.has(name)) unpacked.set(name, unpack(play.models[name]));
    return unpacked.get(name);
  }

  // ---- Controls --------------------------------------------------------------------------------------

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

  function loader(title, entry, act) {
    let busy = false;
    const node = button({ class: "pl-load" }, `${title} (${size(entry)})`, async () => {
      if (busy) return;
      busy = true;
      try { await act(); } catch (error) { node.textContent = error.message; }
      busy = false;
    });
    return node;
  }

  /** A list to choose from; `.value` of the <select> inside, which is the label's property `control`. */
  function select(title, values, act) {
    const control = element("select", {}, ...values.map((value) => element("option", { value }, value)));
    control.disabled = values.length < 2;
    control.addEventListener("change", () => act(control.value));
    return element("label", {}, `${title} `, control);
  }

  /** A slider that shows its value in words; `change` is called with the number. */
  function slider(title, { min, max, step = "any", value, format = number }, change) {
    const input = element("input", { type: "range", min, max, step, value }), output = element("output");
    const say = () => {
      output.textContent = format(input.valueAsNumber);
      input.setAttribute("aria-valuetext", output.textContent);
    };
    input.addEventListener("input", () => { say(); change(input.valueAsNumber); });
    say();
    const node = element("label", { class: "pl-slider" }, element("span", {}, title), input, output);
    return Object.assign(node, { set(v) { input.value = v; say(); } });
  }

  const bar = (...nodes) => element("div", { class: "pl-bar" }, ...nodes);
  const picture = (attributes = {}) => element("canvas", { class: "pl-image", role: "img", ...attributes });

  /** A row of small pictures: images is [{pixels, shape, title, label}], act(i) what a press does. */
  function strip(node, images, act) {
    node.replaceChildren(...images.map(({ pixels, shape, title, label }, i) => {
      const canvas = element("canvas");
      paint(canvas, pixels, shape);
      return button({ title, "aria-label": label }, canvas, () => act(i));
    }));
  }

  function paint(canvas, pixels, [height, width]) {
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const image = new ImageData(width, height);
    pixels.forEach((v, i) => image.data.set([v * 255, v * 255, v * 255, 255], 4 * i));
    canvas.getContext("2d").putImageData(image, 0, 0);
  }

  /** What is said comes to rest first: a dragged point would not let a screen reader finish a sentence. */
  function announcer(root) {
    const node = element("p", { class: "pl-spoken", "aria-live": "polite" });
    let pause;
    root.append(node);
    return (text) => {
      clearTimeout(pause);
      pause = setTimeout(() => { node.textContent = text; }, 500);
    };
  }

  const COLOURS = ["#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6",
    "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd"]; // those of chapters_lib.figures
  const colour = (node, name) => getComputedStyle(node).getPropertyValue(`--pl-${name}`).trim();

  // ---- Motion ----------------------------------------------------------------------------------------

  const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

  function animate(step, seconds) {
    if (calm()) return step(1);
    const begun = performance.now();
    requestAnimationFrame(function frame(now) {
      const t = clamp((now - begun) / 1000 / seconds, 0, 1);
      step(t);
      if (t < 1) requestAnimationFrame(frame);
    });
  }

  function loop(root, step) {
    let seen = false, asked = null;
    const state = { running: false, run() { state.running = true; ask(); }, pause() { state.running = false; } };
    const frame = () => { asked = null; if (state.running && seen) { step(); ask(); } };
    const ask = () => { if (state.running && seen) asked ??= requestAnimationFrame(frame); };
    new IntersectionObserver((entries) => { seen = entries.at(-1).isIntersecting; ask(); }).observe(root);
    return state;
  }

  // ---- The plane -------------------------------------------------------------------------------------

  const PAD = { left: 34, right: 8, top: 8, bottom: 24 }; // room for the axes, in CSS pixels
  const NEAR = 36, TAP = 10; // of a finger to the point it wants to drag; and how far a tap may slip

  /** A canvas with axes and a point. Many events may ask for it to be drawn; each frame draws once.

      options: label, for screen readers; view, [[left, bottom], [right, top]]; equal, whether a unit is to be as
      long upwards as to the right (the view is then widened); still(c, plane) draws what stays while the point
      moves, moving(c, plane) what does not, below the point; move(z) hears of each place of the point.
      A mouse drags from anywhere. A finger drags the point; elsewhere a tap brings it, and a swipe scrolls the page.
      Arrow keys move it, with Shift further; Home takes it to the origin. */
  class Plane {
    constructor(options) {
      Object.assign(this, { options, view: options.view ?? [[-3, -3], [3, 3]], z: null });
      this.canvas = element("canvas", { class: "pl-plane", tabindex: "0", role: "application",
        "aria-roledescription": "two-dimensional slider", "aria-label": options.label ?? "" });
      this.listen(this.canvas);
      const again = () => this.redraw(true);
      new ResizeObserver(again).observe(this.canvas);
      new MutationObserver(again).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    }

    /** Show another view, or another label; then the point is to be moved to where it may be. */
    show({ view = this.view, label }) {
      this.view = this.options.equal ? squared(view) : view;
      if (label) this.canvas.setAttribute("aria-label", label);
      this.redraw(true);
    }

    listen(canvas) {
      let from = null;
      const reach = (event) => Math.hypot(...this.toPixel(this.z).map((v, i) =>
        v - [event.clientX, event.clientY][i] + [canvas.getBoundingClientRect().x, canvas.getBoundingClientRect().y][i]));
      const drags = (event) => this.z && reach(event) <= NEAR;
      canvas.addEventListener("touchstart", (event) => {
        if (event.touches.length === 1 && drags(event.touches[0])) event.preventDefault(); // not to be a swipe
      }, { passive: false });
      canvas.onpointerdown = (event) => {
        from = [event.clientX, event.clientY];
        if (event.pointerType === "touch" && !drags(event)) return;
        canvas.setPointerCapture(event.pointerId);
        from = null;
        this.move(this.toCode(event));
      };
      canvas.onpointermove = (event) => {
        if (from === null && canvas.hasPointerCapture(event.pointerId)) this.move(this.toCode(event));
      };
      canvas.onpointerup = (event) => {
        if (from && Math.hypot(event.clientX - from[0], event.clientY - from[1]) <= TAP) this.move(this.toCode(event));
        from = null;
      };
      canvas.onpointercancel = () => { from = null; };
      canvas.onkeydown = (event) => this.key(event);
    }

    key(event) {
      const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] };
      const other = event.ctrlKey || event.metaKey || event.altKey; // the browser's own
      if (!this.z || other || (event.key !== "Home" && !steps[event.key])) return;
      event.preventDefault();
      const [low, high] = this.view, size = event.shiftKey ? 0.06 : 0.01;
      this.move(event.key === "Home" ? [0, 0] : this.z.map((v, i) =>
        clamp(v + steps[event.key][i] * size * (high[i] - low[i]), low[i], high[i])));
    }

    move(z) {
      this.z = z;
      this.moved = true;
      this.redraw();
    }

    redraw(everything = false) {
      this.stale ||= everything;
      this.frame ??= requestAnimationFrame(() => {
        this.frame = null;
        if (!this.z || !this.canvas.clientWidth) return;
        if (this.moved) this.options.move?.(this.z);
        this.moved = false;
        if (this.stale || !this.layer) this.layer = this.drawStill();
        this.stale = false;
        this.drawMoving();
      });
    }

    toPixel(z) {
      const [low, high] = this.view, { clientWidth: w, clientHeight: h } = this.canvas;
      return [PAD.left + (z[0] - low[0]) / (high[0] - low[0]) * (w - PAD.left - PAD.right),
        PAD.top + (high[1] - z[1]) / (high[1] - low[1]) * (h - PAD.top - PAD.bottom)];
    }

    toCode(event) {
      const [low, high] = this.view, rect = this.canvas.getBoundingClientRect();
      const right = (event.clientX - rect.left - PAD.left) / (rect.width - PAD.left - PAD.right);
      const down = (event.clientY - rect.top - PAD.top) / (rect.height - PAD.top - PAD.bottom);
      return [low[0] + clamp(right, 0, 1) * (high[0] - low[0]), high[1] - clamp(down, 0, 1) * (high[1] - low[1])];
    }

    drawStill() {
      const ratio = devicePixelRatio || 1, layer = element("canvas"), c = layer.getContext("2d");
      layer.width = this.canvas.width = Math.round(this.canvas.clientWidth * ratio);
      layer.height = this.canvas.height = Math.round(this.canvas.clientHeight * ratio);
      c.scale(ratio, ratio);
      this.axes(c);
      this.options.still?.(c, this);
      return layer;
    }

    axes(c) {
      const [low, high] = this.view, [left, bottom] = this.toPixel(low), [right, top] = this.toPixel(high);
      c.font = "11px system-ui, sans-serif";
      c.fillStyle = colour(this.canvas, "muted");
      c.strokeStyle = colour(this.canvas, "line");
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
    }

    /** Points with colours by label; of all but the highlighted one the colour is faint. */
    scatter(c, points, labels, highlighted = null) {
      for (let i = 0; i < labels.length; i++) {
        const [x, y] = this.toPixel([points[2 * i], points[2 * i + 1]]);
        c.globalAlpha = highlighted === null ? 0.75 : labels[i] === highlighted ? 0.95 : 0.1;
        c.fillStyle = COLOURS[labels[i] % COLOURS.length];
        c.beginPath();
        c.arc(x, y, 1.8, 0, 2 * Math.PI);
        c.fill();
      }
      c.globalAlpha = 1;
    }

    /** The circles that hold half and 99 % of N(0, I), legible on points of any colour. */
    circles(c) {
      const [x, y] = this.toPixel([0, 0]), [one, up] = this.toPixel([1, 1]), path = new Path2D();
      for (const radius of [0.5, 0.99].map((share) => Math.sqrt(-2 * Math.log(1 - share)))) {
        path.moveTo(x + radius * (one - x), y);
        path.ellipse(x, y, radius * (one - x), radius * (y - up), 0, 0, 2 * Math.PI);
      }
      this.outlined(c, path, "ink", 1.2);
    }

    /** A dashed rectangle between two corners. */
    box(c, [low, high]) {
      const [x0, y0] = this.toPixel(low), [x1, y1] = this.toPixel(high);
      c.setLineDash([5, 4]);
      Object.assign(c, { lineWidth: 1.2, strokeStyle: colour(this.canvas, "ink") }).strokeRect(x0, y1, x1 - x0, y0 - y1);
      c.setLineDash([]);
    }

    /** A cross at each of these points. */
    crosses(c, points) {
      for (const [x, y] of points.map((z) => this.toPixel(z))) {
        this.outlined(c, new Path2D(`M${x - 4} ${y - 4}l8 8M${x - 4} ${y + 4}l8 -8`));
      }
    }

    /** A line in a colour of play.css, on a broader one of paper. */
    outlined(c, path, name = "accent", width = 2) {
      for (const [lineWidth, shade] of [[width + 2, "paper"], [width, name]]) {
        Object.assign(c, { lineWidth, strokeStyle: colour(this.canvas, shade) }).stroke(path);
      }
    }

    drawMoving() {
      const c = this.canvas.getContext("2d"), ratio = this.layer.width / this.canvas.clientWidth;
      c.setTransform(1, 0, 0, 1, 0, 0);
      c.clearRect(0, 0, this.canvas.width, this.canvas.height);
      c.drawImage(this.layer, 0, 0);
      c.scale(ratio, ratio);
      this.options.moving?.(c, this);
      const [x, y] = this.toPixel(this.z), point = new Path2D();
      point.arc(x, y, 6, 0, 2 * Math.PI);
      this.outlined(c, point);
      Object.assign(c, { fillStyle: colour(this.canvas, "accent") }).fill(point);
    }
  }

  /** Widen a view's shorter side about its middle: the canvas is square, but for the room of its axes. */
  function squared([low, high]) {
    const half = Math.max(high[0] - low[0], high[1] - low[1]) / 2;
    const middle = [0, 1].map((i) => (low[i] + high[i]) / 2);
    return [middle.map((v) => v - half), middle.map((v) => v + half)];
  }

  // ---- Start when near ---------------------------------------------------------------------------------

  function define(kind, start) { kinds[kind] = start; }

  async function begin(root) {
    if (root.dataset.started) return;
    root.dataset.started = "yes";
    root.setAttribute("aria-busy", "true");
    try {
      await script(`${HERE}${root.dataset.play}.js`);
      await kinds[root.dataset.play](root);
    } catch (error) {
      root.textContent = error.message;
    }
    root.removeAttribute("aria-busy");
  }

  Object.assign(play, { load, recorded, size, model, element, button, loader, select, slider, bar, picture, strip, paint, announcer,
    animate, loop, calm, colour, COLOURS, Plane, define });
  document.head.append(element("link", { rel: "stylesheet", href: `${HERE}play.css` }));
  const near = new IntersectionObserver((entries) => entries.forEach((entry) => {
    if (entry.isIntersecting) begin(entry.target);
  }), { rootMargin: "300px" });
  for (const root of document.querySelectorAll(".play")) {
    const poster = root.querySelector(".pl-poster");
    if (poster) {
      const touched = async () => {
        poster.disabled = true;
        await begin(root);
        root.querySelector("canvas[tabindex]")?.focus({ preventScroll: true });
      };
      poster.addEventListener("click", touched, { once: true });
      continue;
    }
    near.observe(root);
    for (const type of ["pointerdown", "focusin"]) root.addEventListener(type, () => begin(root), { once: true });
  }
})();
