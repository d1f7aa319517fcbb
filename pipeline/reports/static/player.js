"use strict";
// One page of an interaction: audio, transcript, timeline and scorecard in step. Works without audio as well.
(() => {
  const $ = (id) => document.getElementById(id);
  const all = (selector) => [...document.querySelectorAll(selector)];
  const player = $("player");
  const audio = $("audio");
  const transcript = $("transcript");
  const lanes = $("lanes");
  const turns = all(".turn[data-start]").map((node) => ({
    node, start: Number(node.dataset.start), end: Number(node.dataset.end),
  }));
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  let touched = 0; // when the reader last scrolled the transcript by hand
  let current = null;
  let waiting = null; // a second asked for before the audio was ready

  const clock = (seconds) => {
    const whole = Math.max(0, Math.floor(seconds));
    const parts = [Math.floor(whole / 60) % 60, whole % 60];
    const rest = String(parts[1]).padStart(2, "0");
    return whole >= 3600
      ? `${Math.floor(whole / 3600)}:${String(parts[0]).padStart(2, "0")}:${rest}` : `${parts[0]}:${rest}`;
  };
  const length = () => Number(player.dataset.length) || (audio && audio.duration) || 0;

  // --- the transcript -------------------------------------------------------
  function show(node, { page = false } = {}) {
    const inside = transcript.scrollHeight > transcript.clientHeight + 4 &&
      getComputedStyle(transcript).overflowY !== "visible";
    const behavior = calm ? "auto" : "smooth";
    if (inside) {
      const top = node.offsetTop - transcript.clientHeight / 3;
      transcript.scrollTo({ top, behavior });
    } else if (page) {
      node.scrollIntoView({ block: "start", behavior });
    }
  }
  function flash(node) {
    node.classList.remove("flash");
    void node.offsetWidth;
    node.classList.add("flash");
  }
  function follow(seconds) {
    let now = null;
    for (const turn of turns) {
      if (turn.start <= seconds + 0.05 && seconds < Math.max(turn.end, turn.start + 0.3)) now = turn.node;
    }
    if (now === current) return;
    if (current) current.classList.remove("now");
    current = now;
    if (!now) return;
    now.classList.add("now");
    if (Date.now() - touched > 4000) show(now);
  }
  for (const kind of ["wheel", "touchmove", "pointerdown"]) {
    transcript.addEventListener(kind, () => { touched = Date.now(); }, { passive: true });
  }

  // --- the audio ------------------------------------------------------------
  function draw() {
    if (!audio) return;
    const seconds = waiting ?? audio.currentTime;
    $("now").textContent = clock(seconds);
    $("playhead").style.left = `${Math.min(100, (100 * seconds) / (length() || 1))}%`;
    lanes.setAttribute("aria-valuenow", String(Math.floor(seconds)));
    lanes.setAttribute("aria-valuetext", clock(seconds));
    follow(seconds);
  }
  function tick() {
    draw();
    if (!audio.paused) requestAnimationFrame(tick);
  }
  function seek(seconds, { play = false } = {}) {
    if (!audio) return;
    const target = Math.max(0, seconds);
    if (audio.readyState === 0) waiting = target;
    else audio.currentTime = target;
    touched = 0;
    draw();
    if (play) audio.play().catch(() => {});
  }
  if (audio) {
    const button = $("play");
    audio.addEventListener("loadedmetadata", () => {
      if (waiting !== null) { audio.currentTime = waiting; waiting = null; }
      draw();
    });
    audio.addEventListener("play", () => {
      button.classList.add("playing");
      button.setAttribute("aria-label", button.dataset.pause);
      tick();
    });
    audio.addEventListener("pause", () => {
      button.classList.remove("playing");
      button.setAttribute("aria-label", button.dataset.play);
      draw();
    });
    audio.addEventListener("seeked", draw);
    audio.addEventListener("timeupdate", draw);
    button.addEventListener("click", () => { if (audio.paused) audio.play().catch(() => {}); else audio.pause(); });
    all("[data-step]").forEach((b) => b.addEventListener("click", () => seek(audio.currentTime + Number(b.dataset.step))));
    all("[data-rate]").forEach((b) => b.addEventListener("click", () => {
      audio.playbackRate = Number(b.dataset.rate);
      all("[data-rate]").forEach((other) => other.setAttribute("aria-pressed", String(other === b)));
    }));
    const at = (event) => {
      const box = lanes.getBoundingClientRect();
      return (Math.min(Math.max(event.clientX - box.left, 0), box.width) / box.width) * length();
    };
    lanes.addEventListener("pointerdown", (event) => {
      if (event.target.closest(".marker, .dot")) return;
      lanes.setPointerCapture(event.pointerId);
      seek(at(event));
    });
    lanes.addEventListener("pointermove", (event) => {
      if (lanes.hasPointerCapture(event.pointerId)) seek(at(event));
    });
  }

  // --- findings -------------------------------------------------------------
  function select(number) {
    all(".active").forEach((node) => node.classList.remove("active"));
    if (number === undefined) return;
    const row = $(`finding-${number}`);
    if (row) row.classList.add("active");
    all(`[data-findings~="${number}"], .chip[data-finding="${number}"], .marker[data-finding="${number}"]`)
      .forEach((node) => node.classList.add("active"));
  }
  function go({ finding, turn, second }, { play = true, row = false } = {}) {
    select(finding);
    if (second !== undefined) seek(Number(second), { play });
    const node = turn === undefined ? null : $(`turn-${turn}`);
    if (node) { show(node, { page: true }); flash(node); }
    if (row && finding !== undefined) {
      const box = $(`finding-${finding}`);
      const wide = matchMedia("(min-width: 901px)").matches;
      if (box && (wide || !node)) box.scrollIntoView({ block: "nearest", behavior: calm ? "auto" : "smooth" });
    }
  }
  document.addEventListener("click", (event) => {
    const mark = event.target.closest("mark[data-findings]");
    const from = mark
      ? document.querySelector(`.chip[data-finding="${mark.dataset.findings.split(" ")[0]}"][data-turn="${mark.closest(".turn").dataset.turn}"]`)
      : event.target.closest("[data-finding], [data-seek], .dot");
    if (!from) return;
    const { finding, turn, seek: second } = from.dataset;
    const begins = turn === undefined ? undefined : $(`turn-${turn}`)?.dataset.start;
    const inTranscript = Boolean(event.target.closest("#transcript"));
    go({ finding, turn, second: second ?? (from.classList.contains("dot") ? begins : undefined) }, {
      row: inTranscript || Boolean(event.target.closest("#lanes")),
    });
  });
  // Lost points in the order in which they can be heard; where nothing was lost, everything found.
  const stops = (() => {
    const rows = all(".finding.lost").length ? all(".finding.lost") : all(".finding");
    const found = rows.flatMap((row) => {
      const heard = [...row.querySelectorAll(".evidence button")];
      return heard.length ? heard : [row.querySelector(".finding-head")];
    });
    const order = (node) => Number(node.dataset.turn ?? 1e9) + Math.min(Number(node.dataset.seek ?? 0), 1e5) / 1e6;
    return found.sort((a, b) => order(a) - order(b));
  })();
  let stop = -1;
  function jump(step) {
    if (!stops.length) return;
    stop = stop < 0 && step < 0 ? stops.length - 1 : (stop + step + stops.length) % stops.length;
    const { finding, turn, seek: second } = stops[stop].dataset;
    go({ finding, turn, second }, { row: true });
  }
  $("next").addEventListener("click", () => jump(1));
  const toggle = $("only-lost");
  toggle.addEventListener("change", () => $("scorecard").classList.toggle("only-lost", toggle.checked));

  // --- keys -----------------------------------------------------------------
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
    const key = event.key.toLowerCase();
    if (key === "n") { jump(event.shiftKey ? -1 : 1); event.preventDefault(); }
    if (!audio) return;
    if (key === " " && !event.target.closest("button, a")) { $("play").click(); event.preventDefault(); }
    if (key === "arrowleft") { seek(audio.currentTime - 5); event.preventDefault(); }
    if (key === "arrowright") { seek(audio.currentTime + 5); event.preventDefault(); }
  });

  // --- where the link points: #f=criterion&t=seconds --------------------------
  function arrive() {
    const target = new URLSearchParams(location.hash.slice(1));
    const row = all(".finding").find((node) => node.dataset.criterion === target.get("f"));
    if (!row && !target.has("t")) return;
    const source = row?.querySelector(".evidence button, .finding-head");
    const second = target.get("t") ?? source?.dataset.seek;
    go({ finding: source?.dataset.finding, turn: source?.dataset.turn, second: second ?? undefined }, { play: false, row: true });
  }
  const fit = () => document.documentElement.style.setProperty("--player-height", `${player.offsetHeight}px`);
  addEventListener("resize", fit);
  addEventListener("hashchange", arrive);
  fit();
  draw();
  arrive();
})();
