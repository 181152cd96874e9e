"use strict";
(() => {
  const table = document.getElementById("findings");
  const filters = document.getElementById("filters");
  if (!table || !filters) { return; }
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const texts = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
  const search = filters.querySelector("input");
  const selects = [...filters.querySelectorAll("select")];
  const toggles = [...filters.querySelectorAll("button[data-severity]")];
  const shown = filters.querySelector("output");
  const headers = [...table.querySelectorAll("th[data-key]")];

  const matches = (row, words, off) =>
    !off.has(row.dataset.severity) &&
    selects.every((one) => !one.value || row.dataset[one.name] === one.value) &&
    words.every((word) => texts.get(row).includes(word));

  const apply = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const off = new Set(toggles.filter((one) => one.getAttribute("aria-pressed") === "false").map((one) => one.dataset.severity));
    let count = 0;
    for (const row of rows) {
      row.hidden = !matches(row, words, off);
      count += row.hidden ? 0 : 1;
    }
    shown.textContent = `${count} of ${rows.length} shown`;
  };

  const value = (row, key) => {
    const text = row.dataset[key] ?? "";
    return key === "rank" ? Number(text) : text;
  };

  const sort = (header, direction) => {
    const key = header.dataset.key;
    const sign = direction === "ascending" ? 1 : -1;
    rows.sort((a, b) => {
      const [left, right] = [value(a, key), value(b, key)];
      return sign * (left < right ? -1 : left > right ? 1 : 0);
    });
    for (const one of headers) { one.removeAttribute("aria-sort"); }
    header.setAttribute("aria-sort", direction);
    body.append(...rows);
  };

  const remember = () => {
    const state = new URLSearchParams();
    if (search.value) { state.set("q", search.value); }
    for (const one of selects) { if (one.value) { state.set(one.name, one.value); } }
    const off = toggles.filter((one) => one.getAttribute("aria-pressed") === "false");
    if (off.length) { state.set("without", off.map((one) => one.dataset.severity).join(",")); }
    const sorted = headers.find((one) => one.hasAttribute("aria-sort"));
    if (sorted) { state.set("sort", `${sorted.dataset.key},${sorted.getAttribute("aria-sort")}`); }
    history.replaceState(null, "", `#${state}`);
  };

  const recall = () => {
    const state = new URLSearchParams(location.hash.slice(1));
    search.value = state.get("q") ?? "";
    for (const one of selects) { one.value = state.get(one.name) ?? ""; }
    const off = (state.get("without") ?? "").split(",");
    for (const one of toggles) { one.setAttribute("aria-pressed", String(!off.includes(one.dataset.severity))); }
    const [key, direction] = (state.get("sort") ?? "").split(",");
    const header = headers.find((one) => one.dataset.key === key);
    if (header) { sort(header, direction === "descending" ? "descending" : "ascending"); }
    apply();
  };

  for (const header of headers) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...header.childNodes);
    header.append(button);
    button.addEventListener("click", () => {
      sort(header, header.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending");
      remember();
    });
  }
  for (const one of toggles) {
    one.addEventListener("click", () => {
      one.setAttribute("aria-pressed", String(one.getAttribute("aria-pressed") === "false"));
      apply();
      remember();
    });
  }
  for (const one of [search, ...selects]) {
    one.addEventListener("input", () => { apply(); remember(); });
  }
  filters.hidden = false;
  recall();
})();
