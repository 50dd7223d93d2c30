// The list of recorded runs: shows the runs and metrics whose names hold what was typed; opens the fold a link leads to.
(() => {
  const field = document.querySelector(".records-filter");
  const runs = [...document.querySelectorAll(".records details")];
  if (!field) return;
  field.parentElement.hidden = false;
  const tools = field.closest(".records-tools"), list = document.querySelector(".records");
  new ResizeObserver(() => list.style.setProperty("--tools", `${tools.offsetHeight}px`)).observe(tools);
  field.addEventListener("input", () => {
    const words = field.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    let any = false;
    for (const run of runs) {
      const rest = words.filter((word) => !run.dataset.run.toLowerCase().includes(word));
      let shown = 0;
      for (const row of run.querySelectorAll("tbody tr")) {
        row.hidden = !rest.every((word) => row.dataset.metric.toLowerCase().includes(word));
        shown += !row.hidden;
      }
      run.hidden = shown === 0;
      run.open = rest.length > 0 && shown > 0;
      any ||= !run.hidden;
    }
    document.querySelector(".records-none").hidden = any;
  });
  const reveal = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target?.matches(".records details")) {
      target.open = true;
      target.scrollIntoView();
    }
  };
  addEventListener("hashchange", reveal);
  reveal();
})();
