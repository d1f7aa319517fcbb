"use strict";
// Overview, team and agent pages: charts in the page's colours, filters, sortable tables, rows that open.
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  // --- charts ---------------------------------------------------------------
  const style = () => getComputedStyle(document.documentElement);
  const resolved = (value, css) => {
    if (typeof value === "string" && value.startsWith("var(")) return css.getPropertyValue(value.slice(4, -1)).trim();
    if (Array.isArray(value)) return value.map((item) => resolved(item, css));
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, resolved(item, css)]));
    }
    return value;
  };
  const merged = (base, over) => {
    const out = { ...base };
    for (const [key, value] of Object.entries(over ?? {})) {
      const both = value && base[key] && [value, base[key]].every((v) => typeof v === "object" && !Array.isArray(v));
      out[key] = both ? merged(base[key], value) : value;
    }
    return out;
  };
  function axis(css) {
    const line = css.getPropertyValue("--line").trim();
    return { gridcolor: line, linecolor: line, zeroline: false, ticks: "", automargin: true, fixedrange: true, title: { standoff: 12, font: { size: 12 } } };
  }
  function themed(layout, css) {
    const colour = (name) => css.getPropertyValue(name).trim();
    const base = {
      font: { family: css.getPropertyValue("--font"), size: 13, color: colour("--muted") },
      margin: { l: 8, r: 12, t: 30, b: 8 },
      dragmode: false,
      hovermode: "closest",
      hoverlabel: { bgcolor: colour("--surface"), bordercolor: colour("--line-strong"), font: { family: css.getPropertyValue("--font"), size: 13, color: colour("--text") } },
      legend: { font: { size: 12 }, bgcolor: "rgba(0,0,0,0)", itemclick: false, itemdoubleclick: false },
      xaxis: axis(css),
      yaxis: axis(css),
    };
    const narrow = document.documentElement.clientWidth < 640;
    if (layout.polar) {
      const radial = { gridcolor: colour("--line"), linecolor: "rgba(0,0,0,0)", tickfont: { size: 10 } };
      base.polar = { bgcolor: "rgba(0,0,0,0)", radialaxis: radial, angularaxis: { gridcolor: colour("--line"), linecolor: colour("--line"), tickfont: { size: narrow ? 11 : 13, color: colour("--text") } } };
      const side = narrow ? 74 : 84;
      base.margin = { l: side, r: side, t: 30, b: 30 };
    }
    return merged(base, resolved(layout, css));
  }
  function chart(node) {
    const figure = JSON.parse(document.getElementById(node.dataset.figure).textContent);
    const css = style();
    if (figure.layout.height) node.dataset.tall = "";
    Plotly.react(node, resolved(figure.data, css), themed(figure.layout, css), { displayModeBar: false, responsive: true }).then(() => {
      if (node.dataset.ready) return;
      node.dataset.ready = "";
      node.on("plotly_click", (event) => {
        const link = event.points[0]?.customdata?.[0];
        if (typeof link === "string" && link.endsWith(".html")) location.href = link;
      });
    });
  }
  const charts = all(".chart");
  charts.forEach(chart);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => charts.forEach(chart));

  // --- rows that open ---------------------------------------------------------
  document.addEventListener("click", (event) => {
    const row = event.target.closest("[data-href]");
    if (row && !event.target.closest("a, button") && !String(getSelection())) location.href = row.dataset.href;
  });

  // --- filters ----------------------------------------------------------------
  const form = document.querySelector(".filters");
  function filter() {
    const wanted = Object.fromEntries(new FormData(form));
    const words = wanted.text.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = (row) =>
      (!wanted.team || row.dataset.team === wanted.team) &&
      (!wanted.agent || row.dataset.agent === wanted.agent) &&
      (!wanted.channel || row.dataset.channel === wanted.channel) &&
      (!wanted.reason || row.dataset.reasons.split(" ").includes(wanted.reason)) &&
      words.every((word) => row.dataset.text.toLowerCase().includes(word));
    for (const list of all("[data-filtered]")) {
      const rows = all(".row", list);
      let shown = 0;
      for (const row of rows) {
        row.hidden = !fits(row);
        shown += row.hidden ? 0 : 1;
      }
      const panel = list.closest(".panel");
      panel.querySelector("[data-count]").textContent = shown === rows.length ? String(shown) : `${shown} / ${rows.length}`;
      panel.querySelector("[data-none]").hidden = shown > 0;
    }
  }
  if (form) {
    form.addEventListener("input", filter);
    form.addEventListener("reset", () => setTimeout(filter));
    form.addEventListener("submit", (event) => event.preventDefault());
    filter(); // a browser may bring back what was typed before
  }

  // --- sortable tables --------------------------------------------------------
  for (const table of all("table.sortable")) {
    const heads = all("thead th", table);
    heads.forEach((head, column) => {
      const button = head.querySelector("button");
      if (!button) return;
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const body = table.tBodies[0];
        const value = (row) => row.cells[column].dataset.sort ?? row.cells[column].textContent.trim();
        const compare = (a, b) => {
          const [x, y] = [value(a), value(b)];
          const numbers = x !== "" && y !== "" && !Number.isNaN(Number(x)) && !Number.isNaN(Number(y));
          return numbers ? Number(x) - Number(y) : x.localeCompare(y, document.documentElement.lang);
        };
        const rows = [...body.rows].sort((a, b) => (down ? -compare(a, b) : compare(a, b)));
        body.append(...rows);
      });
    });
  }
})();
