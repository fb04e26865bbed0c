
"use strict";
(() => {
  const table = document.getElementById("rows");
  if (!table) return;
  const form = document.getElementById("chooser");
  const text = document.getElementById("text");
  const state = document.getElementById("state");
  const region = document.getElementById("region");
  const opener = document.getElementById("open");
  const count = document.getElementById("count");
  const none = document.getElementById("none");
  const groups = [...table.tBodies];
  const words = new WeakMap(); // what is searched in a row, read when it is first searched
  const written = (number) => number.toLocaleString("en");
  const SLICE_MS = 12; // what a step may take, so that keys and the pointer are answered in between
  const PAUSE_MS = 120; // after a key, for the next one

  const breathe = () => new Promise((resume) => setTimeout(resume));

  // Do `work` for each item, in slices; tells whether it came to its end, before the same job was begun anew.
  const turns = { choose: 0, open: 0 };
  async function each(job, items, work) {
    const mine = ++turns[job];
    let until = performance.now() + SLICE_MS;
    for (const item of items) {
      if (performance.now() > until) {
        await breathe();
        if (mine !== turns[job]) return false;
        until = performance.now() + SLICE_MS;
      }
      work(item);
    }
    return true;
  }

  function wordsOf(row) {
    let known = words.get(row);
    if (known === undefined) words.set(row, (known = row.textContent.toLowerCase()));
    return known;
  }

  // What a row counts as in the chosen Region, or anywhere; it is covered anywhere only if it is so everywhere.
  function fits(row, wanted, name, place) {
    const regions = [...row.cells].slice(1, -2);
    const anywhere = place === "" || regions[0].hasAttribute("colspan");
    const asked = anywhere ? [row, ...regions] : [regions[Number(place)]];
    const counts = (element) => element.classList.contains(name);
    let chosen = asked.some((element) => !element.classList.contains("none"));
    if (name) chosen = name === "covered" && anywhere ? counts(row) : asked.some(counts);
    return chosen && (wanted === "" || wordsOf(row).includes(wanted));
  }

  async function choose() {
    const wanted = text.value.trim().toLowerCase();
    const name = state.value;
    const place = region.value;
    let shown = 0;
    let all = 0;
    const done = await each("choose", groups, (group) => {
      let here = 0;
      for (const row of group.rows) {
        const fit = fits(row, wanted, name, place);
        if (row.hidden === fit) row.hidden = !fit;
        if (fit) here += 1;
      }
      group.style.setProperty("--shown", here);
      if (group.hidden !== (here === 0)) group.hidden = here === 0;
      shown += here;
      all += group.rows.length;
    });
    if (!done) return;
    none.hidden = shown > 0;
    count.textContent = shown === all ? `${written(all)} secrets` : `${written(shown)} of ${written(all)} secrets`;
  }

  let pause;
  text.addEventListener("input", () => {
    clearTimeout(pause);
    pause = setTimeout(choose, PAUSE_MS);
  });
  state.addEventListener("change", choose);
  region.addEventListener("change", choose);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(choose)); // the fields are emptied after this event

  opener.addEventListener("click", async () => {
    const open = opener.textContent === "Open findings";
    opener.textContent = open ? "Close findings" : "Open findings";
    await each("open", table.querySelectorAll("tr:not([hidden]) details"), (details) => { details.open = open; });
  });

  // Each number of the totals chooses the rows that it counts.
  for (const cell of document.querySelectorAll("#totals td[data-state]")) {
    if (!/[1-9]/.test(cell.textContent)) continue;
    const where = [...region.options].find((option) => option.text === cell.dataset.region && option.value !== "");
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = cell.textContent;
    const what = cell.dataset.state.replaceAll("_", " ");
    button.setAttribute("aria-label", `${cell.textContent} ${what}${where ? ` in ${where.text}` : ""}: show these`);
    button.addEventListener("click", () => {
      text.value = "";
      state.value = cell.dataset.state;
      region.value = where ? where.value : "";
      choose();
      document.getElementById("secrets").scrollIntoView();
      state.focus({ preventScroll: true });
    });
    cell.replaceChildren(button);
  }

  if (!CSS.supports("selector(::details-content)")) {
    addEventListener("beforeprint", () => {
      for (const details of table.querySelectorAll("details")) details.open = true;
    });
  }
  form.hidden = false;
})();
