// The search: sections that hold all the words asked for, the best first, each with the lines in which they stand.
(() => {
  "use strict";
  const fold = (text) => text.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase()
    .replace(/[\u2010-\u2015\u2212]/g, "-").replace(/[\u2018\u2019]/g, "'").replace(/\u2223/g, "|");
  const SMALL = new Set("a an and as at by for from in is it of on or that the to was what which with".split(" "));
  const stem = (word) => (word.length > 4 ? word.replace(/(?:ies|es|s)$/, "") : word);
  const escape = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

  /** The pattern of a word: at a word's beginning; formulas may have spaces between any two characters. */
  function pattern(word) {
    const formula = /[()|=^_]/.test(word);
    const text = formula ? [...word].map(escape).join("\\s*") : escape(stem(word)).replace(/-/g, "[-\\s]?");
    return new RegExp(formula ? text : `(?<![\\p{L}\\p{N}])${text}`, "gu");
  }

  /** The words of a query; what stands in quotes, and a formula with its spaces, is one. */
  function asked(query) {
    return (fold(query).match(/"[^"]+"|\S+/g) || []).map((word) => word.replace(/^"|"$/g, "")).filter(Boolean);
  }

  const count = (text, find) => (text.match(find) || []).length;

  /** Score sections: a term that a section is known for counts most, then words in the heading then the phrase as a whole, then how often and how densely. */
  function search(sections, query) {
    const all = asked(query), some = all.filter((word) => !SMALL.has(word));
    const terms = some.length ? some : all, finds = terms.map(pattern), whole = all.join(" ");
    if (!terms.length) return [];
    const phrase = terms.length > 1 ? pattern(terms.join(" ")) : null;
    const folded = sections.map(([, page, , heading, text, known]) =>
      ({ page: fold(page), heading: fold(heading), text: fold(text), known: fold(known || "").split("\n") }));
    const rarity = finds.map((find) => Math.log(1 + sections.length
      / (1 + folded.filter(({ heading, text }) => count(heading, find) + count(text, find)).length)));
    const hits = [];
    folded.forEach(({ page, heading, text, known }, i) => {
      const meant = known.includes(whole);
      let score = meant ? 40 : 0;
      for (const [n, find] of finds.entries()) {
        const inHeading = count(heading, find), inText = count(text, find), inPage = count(page, find);
        if (!inHeading && !inText && !meant) return;
        const exact = new RegExp(`(?<![\\p{L}\\p{N}])${escape(terms[n])}(?![\\p{L}\\p{N}])`, "u");
        score += rarity[n] * (4 * Math.min(inHeading, 1) + (exact.test(heading) ? 2 : 0) + Math.min(inPage, 1)
          + 3 * inText / (inText + 1 + text.length / 1500));
      }
      if (phrase) score += 6 * Math.min(count(heading, phrase), 1) + 3 * Math.min(count(text, phrase), 2);
      hits.push({ score, section: sections[i], term: meant ? (sections[i][5].split("\n"))[known.indexOf(whole)] : "" });
    });
    return hits.sort((a, b) => b.score - a.score);
  }

  /** Text with the places of the query between marks, as nodes. */
  function marked(text, finds) {
    const places = [];
    const low = [...text].map((c) => fold(c) || " ").map((c) => (c.length === 1 ? c : c[0])).join("");
    const plain = [...text];
    for (const find of finds) for (const hit of low.matchAll(find)) places.push([hit.index, hit.index + hit[0].length]);
    places.sort((a, b) => a[0] - b[0]);
    const out = [];
    let at = 0;
    for (const [from, to] of places) {
      if (from < at) continue;
      out.push(plain.slice(at, from).join(""));
      const mark = document.createElement("mark");
      let end = to;
      while (end < plain.length && /[\p{L}\p{N}]/u.test(plain[end]) && /[\p{L}\p{N}]/u.test(plain[end - 1])) end++;
      mark.textContent = plain.slice(from, end).join("");
      out.push(mark);
      at = end;
    }
    out.push(plain.slice(at).join(""));
    return out;
  }

  /** The part of a text around the place where most of the words stand together. */
  function excerpt(text, finds, width = 220) {
    const low = fold(text);
    const places = finds.flatMap((find, n) => [...low.matchAll(find)].map((hit) => [hit.index, n]));
    if (!places.length) return text.slice(0, width) + (text.length > width ? " …" : "");
    let best = 0, most = 0;
    for (const [from] of places) {
      const near = new Set(places.filter(([at]) => at >= from && at < from + width - 40).map(([, n]) => n)).size;
      if (near > most) { most = near; best = from; }
    }
    let from = Math.max(0, best - 60);
    if (from) from = text.indexOf(" ", from) + 1;
    const part = text.slice(from, from + width);
    return `${from ? "… " : ""}${part}${from + width < text.length ? " …" : ""}`;
  }

  globalThis.bookSearch = { search, asked, pattern, excerpt };
  if (typeof document === "undefined") return; // under node

  function element(tag, attributes, ...children) {
    const node = document.createElement(tag);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    node.append(...children);
    return node;
  }

  function show(query) {
    const place = document.getElementById("search-results");
    const hits = search(globalThis.searchSections, query), finds = asked(query).map(pattern);
    const many = hits.length === 1 ? "1 section" : `${hits.length} sections`;
    const status = element("p", { role: "status" }, query.trim() ? (hits.length ? `${many} with “${query}”`
      : `No section has all of “${query}”.`) : "");
    const list = element("ol", { class: "found" });
    for (const { term, section: [page, label, anchor, heading, text] } of hits.slice(0, 40)) {
      const link = element("a", { href: `${page}?highlight=${encodeURIComponent(query)}#${anchor}` }, ...marked(heading, finds));
      const where = heading === label.replace(/^(\d+)\./, "$1") ? "" : label;
      const known = term ? [" ", element("mark", {}, term)] : [];
      list.append(element("li", {}, link, ...known, element("span", { class: "found-page" }, where),
        element("p", {}, ...marked(excerpt(text, finds), finds))));
    }
    place.replaceChildren(status, list);
  }

  const field = document.querySelector(".bd-search-container form.bd-search input");
  const query = new URLSearchParams(location.search).get("q") || "";
  document.querySelectorAll("form.bd-search input").forEach((input) => { input.value = query; });
  field?.focus();
  field?.addEventListener("input", () => show(field.value));
  show(query);
})();
