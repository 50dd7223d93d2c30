// What every page does: names for its folds, boxes that scroll, progress through a long page, previews of what a link leads to.
(() => {
  "use strict";
  const each = (selector, act, root = document) => root.querySelectorAll(selector).forEach(act);
  const words = (node) => {
    const copy = node.cloneNode(true);
    each(".headerlink, button, svg", (part) => part.remove(), copy);
    return copy.textContent.replace(/\s+/g, " ").trim();
  };

  // ---- MathJax where there is no MathML ----------------------------------------------------------------
  function mathml() {
    const box = document.createElement("div");
    box.innerHTML = '<math><mspace width="77px" height="23px"></mspace></math>';
    document.body.append(box);
    const known = box.querySelector("mspace").getBoundingClientRect().width > 70;
    box.remove();
    return known;
  }
  const here = document.currentScript.src;
  if (document.querySelector("math") && !mathml()) {
    const script = document.createElement("script");
    window.MathJax = { options: { enableMenu: false } };
    script.src = new URL("mathjax/mml-chtml.js", here).href;
    document.head.append(script);
  }

  // ---- Folds: each button says what it shows -----------------------------------------------------------
  function nameFolds() {
    each("button.toggle-button", (button) => {
      const title = button.closest(".admonition-title");
      const text = title ? words(title) : "what is folded";
      button.setAttribute("aria-label", `Show ${text.replace(/^[A-Z](?=[a-z])/, (letter) => letter.toLowerCase())}`);
    });
  }

  // ---- Boxes that scroll: reached by Tab, but only where they do scroll ---------------------------------
  const SCROLLING = "div.math > .formula, .pst-scrollable-table-container, .bd-article pre, .records-table, .scroller";
  function fit() {
    const room = document.querySelector(".bd-article");
    if (!room) return;
    each("span.math.wide", (span) => span.classList.remove("wide"), room);
    // A formula's own box is never wider than its line; what is in it may be.
    const end = (node) => node.getBoundingClientRect().right;
    const wide = [...room.querySelectorAll("span.math")].filter((span) => {
      const block = span.closest("p, li, td, th, dd, figcaption, h1, h2, h3, h4") || room;
      return Math.max(...[...span.querySelectorAll("*")].map(end)) > end(block) + 6; // Chromium's roots seem wider than they are
    });
    wide.forEach((span) => span.classList.add("wide"));
    each(`${SCROLLING}, span.math.wide`, (box) => {
      const wide = box.scrollWidth > box.clientWidth + 1;
      box.classList.toggle("scrolls", wide);
      if (!wide) return ["tabindex", "role", "aria-label"].forEach((name) => box.dataset.scrolls && box.removeAttribute(name));
      box.dataset.scrolls = "yes";
      box.tabIndex = 0;
      if (box.tagName === "PRE") return;
      box.setAttribute("role", "group");
      box.setAttribute("aria-label", box.closest(".math") ? "Wide formula, scrolls" : "Wide table, scrolls");
    });
  }

  // ---- Progress through the page -----------------------------------------------------------------------
  function progress() {
    const article = document.querySelector(".bd-article");
    if (!article || article.scrollHeight < 4 * innerHeight) return;
    const bar = document.createElement("div");
    bar.className = "progress-line";
    bar.setAttribute("aria-hidden", "true");
    document.body.append(bar);
    const move = () => {
      const { top, height } = article.getBoundingClientRect();
      const share = Math.min(Math.max(-top / (height - innerHeight), 0), 1);
      bar.style.transform = `scaleX(${share})`;
    };
    addEventListener("scroll", () => requestAnimationFrame(move), { passive: true });
    move();
  }

  // ---- Previews: what a reference leads to, beside it ----------------------------------------------------
  const SHOWN = "div.math, figure, table, dt, .admonition, .proof, div.citation, .pst-scrollable-table-container";
  const SCRIPTS = new Map(), ROOT = new URL("..", here).href;
  /** What other pages show of a page, from a script: a page from the disk may not read another. */
  function told(name) {
    if (!SCRIPTS.has(name)) SCRIPTS.set(name, new Promise((over) => {
      const script = document.createElement("script");
      script.src = `${ROOT}_static/previews/${name.replace(/\.html$/, ".js")}`;
      script.onload = script.onerror = () => over(globalThis.previews?.[name] ?? {});
      document.head.append(script);
    }));
    return SCRIPTS.get(name);
  }
  function part(tag, ...children) {
    const node = document.createElement(tag);
    node.append(...children.map((child) => child.cloneNode(true)));
    return node;
  }
  /** What a label of this page stands at: the thing itself, an entry with what it says, a section's beginning. */
  function local(id) {
    const found = document.getElementById(id);
    if (!found) return null;
    if (found.matches("dt")) {
      let entry = found;
      while (entry?.matches("dt")) entry = entry.nextElementSibling;
      return part("dl", found, ...(entry ? [entry] : []));
    }
    const whole = found.matches(SHOWN) ? found : found.closest("figure, div.math, div.citation");
    if (whole) return whole.cloneNode(true);
    const section = found.matches("section") ? found : found.closest("section");
    const heading = section?.querySelector(":scope > :is(h2, h3, h4, h5)"), text = section?.querySelector(":scope > p:not(:has(> .kicker))");
    return heading && text ? part("div", heading, text) : null;
  }
  async function target(link) {
    const url = new URL(link.href), id = decodeURIComponent(url.hash.slice(1));
    if (!id) return null;
    if (url.pathname === location.pathname) return local(id);
    if (!url.href.startsWith(ROOT)) return null;
    const box = document.createElement("template");
    box.innerHTML = (await told(url.pathname.split("/").pop()))[id] ?? "";
    return box.content.childElementCount > 1 ? part("dl", ...box.content.children) : box.content.firstElementChild;
  }
  let shown = null, due = 0, still = 0;
  function hide() {
    clearTimeout(due);
    shown?.remove();
    shown = null;
  }
  async function show(link) {
    const copy = await target(link);
    if (!copy || !link.matches(":hover, :focus")) return;
    hide();
    copy.removeAttribute("id");
    each("[id]", (part) => part.removeAttribute("id"), copy);
    each(".headerlink, button, script", (part) => part.remove(), copy);
    each("[tabindex], a", (part) => { part.removeAttribute("tabindex"); part.removeAttribute("href"); }, copy);
    each("img", (part) => {
      part.loading = "eager";
      part.src = new URL(part.getAttribute("src"), link.href.split("#")[0]).href;
    }, copy);
    shown = document.createElement("div");
    shown.className = "preview bd-article";
    shown.setAttribute("aria-hidden", "true"); // the link itself leads there
    shown.append(copy);
    document.body.append(shown);
    const at = link.getBoundingClientRect(), { width, height } = shown.getBoundingClientRect();
    const above = at.top > height + 16 && at.bottom + height + 16 > innerHeight;
    shown.style.left = `${Math.max(8, Math.min(at.left, innerWidth - width - 8))}px`;
    shown.style.top = `${above ? at.top - height - 8 : at.bottom + 8}px`;
  }
  function previews() {
    const article = document.querySelector(".bd-article");
    if (!article) return;
    const links = 'a.reference.internal[href*="#"]';
    const soon = (event) => {
      const link = event.target.closest?.(links);
      const byKey = event.type === "focusin";
      if (!link || (byKey ? !link.matches(":focus-visible") : matchMedia("(hover: none)").matches)) return;
      clearTimeout(due);
      if (byKey) still = performance.now() + 400; // the page scrolls to the link first
      due = setTimeout(() => show(link), byKey ? 150 : 250);
    };
    article.addEventListener("mouseover", soon);
    article.addEventListener("focusin", soon);
    article.addEventListener("mouseout", hide);
    article.addEventListener("focusout", hide);
    addEventListener("scroll", () => performance.now() > still && hide(), { passive: true });
    addEventListener("keydown", (event) => event.key === "Escape" && hide());
  }

  // ---- Figures that a narrow page makes small: in full size, to be scrolled ------------------------------
  function enlarge(image) {
    const dialog = document.createElement("dialog"), close = document.createElement("button");
    const copy = image.cloneNode();
    copy.loading = "eager";
    close.textContent = "Close";
    dialog.className = "enlarged";
    dialog.setAttribute("aria-label", "Enlarged figure");
    const box = document.createElement("div");
    box.className = "scroller";
    box.tabIndex = 0;
    box.append(copy);
    dialog.append(close, box);
    close.addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => dialog.remove());
    document.querySelector("article").append(dialog);
    dialog.showModal();
  }
  function figures() {
    each(".bd-article figure img", (image) => {
      const small = image.clientWidth > 0 && image.clientWidth < 0.8 * image.getAttribute("width");
      const caption = image.closest("figure").querySelector("figcaption");
      const button = caption?.querySelector(".enlarge");
      if (!small) return button?.remove();
      if (!caption || button) return;
      const more = document.createElement("button");
      more.className = "enlarge";
      more.textContent = "Enlarge the figure";
      more.addEventListener("click", () => enlarge(image));
      caption.append(more);
      image.onclick = () => enlarge(image);
    });
  }

  const begin = () => {
    nameFolds();
    figures();
    fit();
    progress();
    previews();
    let wait = 0;
    const again = () => { clearTimeout(wait); wait = setTimeout(() => { fit(); figures(); }, 100); };
    each(".bd-article", (article) => new ResizeObserver(again).observe(article)); // a window, or a fold that was opened
    document.fonts?.ready.then(fit);
    if (document.readyState !== "complete") addEventListener("load", fit); // the whole style sheet is there
    document.documentElement.dataset.ready = "yes";
    addEventListener("beforeprint", () => each("img[loading]", (image) => { image.loading = "eager"; }));
  };
  if (document.readyState === "loading") addEventListener("DOMContentLoaded", begin);
  else begin();
})();
