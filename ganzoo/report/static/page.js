// The page of one or several runs: the slider of the samples, the curves, and news of a live page.
"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const data = JSON.parse($("data").textContent);
  const COLOURS = 8;
  const DASHES = [[], [6, 3], [2, 3], [8, 3, 2, 3]];
  let runs = data.runs;
  let groups = data.groups;
  let shownImages = null; // images seen at the frame that the slider shows
  let charts = []; // {chart, holder, plot, labels}

  // --------------------------------------------------------------------------
  // Words and colours.

  const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const whole = (value) => (value == null ? "" : value.toLocaleString("en"));
  const short = (value) => {
    const size = Math.abs(value);
    for (const [unit, letter] of [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]])
      if (size >= unit) return `${+(value / unit).toPrecision(4)}${letter}`;
    return `${+value.toPrecision(4)}`;
  };
  const number = (value) => (value == null ? "" : Math.abs(value) >= 1e5 ? short(value) : `${+value.toPrecision(4)}`);
  const colourKeys = () => {
    for (const key of document.querySelectorAll(".key")) {
      key.hidden = runs.length < 2;
      key.style.background = style(`--c${key.dataset.run % COLOURS}`);
    }
  };

  // --------------------------------------------------------------------------
  // Samples.

  const showStep = () => {
    const slider = $("step");
    if (!slider) return;
    const steps = JSON.parse(slider.dataset.steps);
    shownImages = steps[slider.value];
    $("at").textContent = whole(shownImages);
    slider.setAttribute("aria-valuetext", `${whole(shownImages)} images`);
    for (const run of document.querySelectorAll(".run")) {
      const frames = [...run.querySelectorAll(".frame")];
      const seen = frames.filter((frame) => frame.dataset.images <= shownImages);
      const chosen = seen.length ? seen[seen.length - 1] : frames[0];
      for (const frame of frames) frame.hidden = frame !== chosen;
    }
    for (const each of charts) each.plot.redraw(false);
  };

  const restoreStep = (images, atEnd) => {
    const slider = $("step");
    if (!slider || atEnd) return;
    const steps = JSON.parse(slider.dataset.steps);
    const later = steps.findIndex((each) => each >= images);
    slider.value = later < 0 ? steps.length - 1 : later;
  };

  // --------------------------------------------------------------------------
  // Curves.

  const collect = (chart) => {
    const tables = [];
    const series = [];
    runs.forEach((run, index) => {
      for (const table of Object.values(run.tables)) {
        const keys = chart.keys.filter((key) => table.columns[key]);
        if (!keys.length) continue;
        tables.push([table.x, ...keys.map((key) => table.columns[key])]);
        for (const key of keys) {
          const place = chart.keys.indexOf(key);
          const single = runs.length === 1;
          series.push({
            label: single ? key : chart.keys.length === 1 ? run.name : `${run.name} ${key}`,
            stroke: style(`--c${(single ? place : index) % COLOURS}`),
            dash: single ? [] : DASHES[place % DASHES.length],
            values: table.columns[key],
          });
        }
      }
    });
    const rows = tables.length === 1 ? tables[0] : tables.length ? uPlot.join(tables) : [[]];
    return { rows, series };
  };

  const describe = (chart, series) => {
    const parts = series.map(({ label, values }) => {
      const there = values.filter((value) => value != null);
      const [low, high] = there.reduce(([a, b], v) => [Math.min(a, v), Math.max(b, v)], [Infinity, -Infinity]);
      return `${label} from ${number(there[0])} to ${number(there[there.length - 1])}, between ${number(low)} and ${number(high)}`;
    });
    return `Curves by images seen: ${chart.title}. ${parts.join("; ")}.`;
  };

  const drawLine = (plot, images, colour, dash, label, row) => {
    const { ctx, bbox } = plot;
    const x = Math.round(plot.valToPos(images, "x", true));
    if (!(x >= bbox.left - 1 && x <= bbox.left + bbox.width + 1)) return;
    const ratio = devicePixelRatio;
    ctx.save();
    ctx.strokeStyle = ctx.fillStyle = colour;
    ctx.lineWidth = ratio;
    ctx.setLineDash(dash.map((each) => each * ratio));
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.font = `bold ${11 * ratio}px system-ui, sans-serif`;
    ctx.textAlign = x > bbox.left + bbox.width - 20 * ratio ? "right" : "left";
    ctx.fillText(label, x + (ctx.textAlign === "left" ? 3 : -3) * ratio, bbox.top + (11 + 12 * row) * ratio);
    ctx.restore();
  };

  const drawMarks = (plot) => {
    const taken = new Map(); // labels at one place stand below each other
    runs.forEach((run, index) => {
      for (const mark of run.marks) {
        const place = Math.round(plot.valToPos(mark.images, "x") / 16);
        const row = taken.get(place) || 0;
        taken.set(place, row + 1);
        const colour = style(runs.length > 1 ? `--c${index % COLOURS}` : `--${mark.severity}`);
        drawLine(plot, mark.images, colour, [4, 3], mark.label, row);
      }
    });
    if (shownImages != null) drawLine(plot, shownImages, style("--soft"), [1, 3], "", 0);
  };

  const draw = (chart, holder) => {
    const { rows, series } = collect(chart);
    const [ink, grid] = [style("--soft"), style("--line")];
    const lines = { stroke: grid, width: 1 };
    const options = {
      width: holder.clientWidth || 300,
      height: 190,
      cursor: { sync: { key: "images" } },
      scales: { x: { time: false } },
      axes: [
        { stroke: ink, grid: lines, ticks: lines, values: (plot, values) => values.map(short) },
        { stroke: ink, grid: lines, ticks: lines, values: (plot, values) => values.map(number), size: 58 },
      ],
      series: [
        { label: "images", value: (plot, value) => whole(value) },
        ...series.map(({ label, stroke, dash }) => ({
          label, stroke, dash, width: 1.5, spanGaps: true,
          points: { show: rows[0].length < 60, size: 5 },
          value: (plot, value) => number(value),
        })),
      ],
      hooks: { draw: [drawMarks] },
    };
    holder.setAttribute("aria-label", describe(chart, series));
    return { chart, holder, plot: new uPlot(options, rows, holder), labels: series.map((each) => each.label).join() };
  };

  const renew = (each) => {
    const { rows, series } = collect(each.chart);
    if (series.map((one) => one.label).join() !== each.labels) {
      each.plot.destroy();
      return Object.assign(each, draw(each.chart, each.holder));
    }
    const { min, max } = each.plot.scales.x;
    const before = each.plot.data[0];
    const whole = min <= before[0] && max >= before[before.length - 1];
    each.plot.setData(rows, whole);
    if (!whole) each.plot.setScale("x", { min, max });
    each.holder.setAttribute("aria-label", describe(each.chart, series));
  };

  const resized = new ResizeObserver((entries) => {
    for (const { target, contentRect } of entries) {
      const each = charts.find(({ holder }) => holder === target);
      if (each && contentRect.width && each.plot.width !== contentRect.width)
        each.plot.setSize({ width: contentRect.width, height: each.plot.height });
    }
  });

  const fill = (details, group) => {
    const inside = details.lastChild;
    if (!details.open || inside.childNodes.length) return;
    for (const chart of group.charts) {
      const figure = document.createElement("figure");
      const caption = document.createElement("figcaption");
      const holder = document.createElement("div");
      caption.textContent = chart.title;
      holder.setAttribute("role", "img");
      figure.append(caption, holder);
      inside.append(figure);
      charts.push(draw(chart, holder));
      resized.observe(holder);
    }
  };

  const build = () => {
    for (const { plot } of charts) plot.destroy();
    charts = [];
    resized.disconnect();
    const opened = new Map([...$("charts").children].map((each) => [each.dataset.title, each.open]));
    $("charts").replaceChildren();
    for (const group of groups) {
      const details = document.createElement("details");
      const summary = document.createElement("summary");
      const title = document.createElement("h3");
      const inside = document.createElement("div");
      title.textContent = details.dataset.title = group.title;
      inside.className = "charts";
      summary.append(title);
      details.append(summary, inside);
      details.open = opened.get(group.title) ?? group.open;
      details.addEventListener("toggle", () => fill(details, group));
      $("charts").append(details);
      fill(details, group);
    }
  };

  // --------------------------------------------------------------------------
  // News of a live page.

  const replace = (section, html) => {
    const inside = section.querySelector(".inside");
    const opened = [...inside.querySelectorAll("details[open]")].map((each) => each.id);
    const focused = inside.contains(document.activeElement) ? document.activeElement.id : "";
    inside.innerHTML = html;
    for (const id of opened) if ($(id)) $(id).open = true;
    if (focused && $(focused)) $(focused).focus({ preventScroll: true });
  };

  const last = {};
  const update = (state) => {
    const slider = $("step");
    const atEnd = !slider || slider.value === slider.max;
    for (const [name, html] of Object.entries(state.sections)) {
      if (last[name] !== html) replace($(name), html);
      last[name] = html;
      const hidden = !html && name !== "curves";
      $(name).hidden = document.querySelector(`nav a[href="#${name}"]`).hidden = hidden;
    }
    restoreStep(shownImages, atEnd);
    const same = JSON.stringify(groups) === JSON.stringify(state.groups) && runs.length === state.runs.length;
    runs = state.runs;
    groups = state.groups;
    document.title = document.querySelector("h1").textContent = state.title;
    colourKeys();
    if (same) charts.forEach(renew);
    else build();
    showStep();
  };

  let text = "";
  const poll = async () => {
    let wait = 2;
    try {
      if (!document.hidden) {
        const answer = await fetch("state", { cache: "no-cache" });
        if (!answer.ok) throw new Error(answer.statusText);
        wait = +answer.headers.get("X-Wait") || wait;
        const now = await answer.text();
        if (now !== text) update(JSON.parse(now));
        text = now;
        $("news").textContent = "live";
      }
    } catch {
      $("news").textContent = "ganzoo watch has ended: this is what it showed last";
      wait = 10;
    }
    setTimeout(poll, 1000 * wait);
  };

  document.addEventListener("input", (event) => event.target.id === "step" && showStep());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => (colourKeys(), build()));
  colourKeys();
  build();
  showStep();
  if (data.live) poll();
})();
