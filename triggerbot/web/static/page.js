// Two things that pages do by themselves: relative times stay current, and the content is reloaded when the server says
// that it has changed. Everything else works without this script.
"use strict";

(() => {
  const main = document.getElementById("main");
  const news = document.getElementById("news");
  const state = document.getElementById("live");
  const address = document.body.dataset.live;

  // Confirm a request once only: a reload or a shared link must not show the confirmation again.
  const clean = new URL(location.href);
  if (clean.searchParams.has("asked")) {
    clean.searchParams.delete("asked");
    history.replaceState(history.state, "", clean);
  }

  // -- times ---------------------------------------------------------------------------------------------------

  const units = [[86400, "d"], [3600, "h"], [60, "min"]];

  function ago(seconds) {
    if (seconds < 10) return "just now";
    const [size, unit] = units.find(([least]) => seconds >= least) || [1, "s"];
    const rounded = size === 1 ? Math.floor(seconds) : Math.round((seconds / size) * 10) / 10;
    return `${rounded} ${unit} ago`;
  }

  function tick() {
    for (const time of document.querySelectorAll("time:not([data-still])")) {
      const seconds = (Date.now() - Date.parse(time.dateTime)) / 1000;
      if (seconds >= 0) time.textContent = ago(seconds);
    }
  }

  setInterval(tick, 30000);

  // -- what the reader is working with ------------------------------------------------------------------------

  const reached = "a[href], button, input:not([type=hidden]), select, summary, [tabindex]";

  // The place of an element, in terms that also hold for the next version of the page.
  function place(element) {
    const near = element.closest("[id]");
    if (near === null || !main.contains(near)) return null;
    return { id: near.id, number: [near, ...near.querySelectorAll(reached)].indexOf(element) };
  }

  function find(kept) {
    const near = kept && document.getElementById(kept.id);
    return near ? [near, ...near.querySelectorAll(reached)][kept.number] || near : null;
  }

  const top = (element) => element.getBoundingClientRect().top;
  const inside = (element) => top(element) >= 0 && top(element) < window.innerHeight;

  // What the reader looks at keeps its position: the focused element, or else the first one that begins in the window.
  function anchor(active) {
    const named = [...main.querySelectorAll("[id]")];
    const found = active && inside(active) ? active
      : named.find(inside) || named.find((element) => element.getBoundingClientRect().bottom > 0);
    return found ? [place(found), top(found)] : null;
  }

  function keep() {
    const active = main.contains(document.activeElement) && document.activeElement !== main
      ? document.activeElement : null;
    const typed = [...main.querySelectorAll("input[id]:not([type=hidden]), select[id]")]
      .filter((field) => field.tagName === "SELECT"
        ? [...field.options].some((option) => option.selected !== option.defaultSelected)
        : field.value !== field.defaultValue)
      .map((field) => [field.id, field.value]);
    return {
      focus: active && place(active),
      range: active && active.selectionStart != null ? [active.selectionStart, active.selectionEnd] : null,
      typed,
      open: [...main.querySelectorAll("details[id]")].map((one) => [one.id, one.open]),
      scrolls: [...main.querySelectorAll(".scroll")].map((one) => one.scrollLeft),
      anchor: window.scrollY > 0 ? anchor(active) : null,
    };
  }

  function restore(kept) {
    for (const [id, open] of kept.open) {
      const details = document.getElementById(id);
      if (details) details.open = open;
    }
    for (const [id, value] of kept.typed) {
      const field = document.getElementById(id);
      if (field) field.value = value;
    }
    [...main.querySelectorAll(".scroll")].forEach((one, number) => { one.scrollLeft = kept.scrolls[number] || 0; });
    const still = kept.anchor && find(kept.anchor[0]);
    if (still) window.scrollBy(0, top(still) - kept.anchor[1]);
    const focus = find(kept.focus);
    if (focus) {
      focus.focus({ preventScroll: true });
      if (kept.range && focus.setSelectionRange && focus.type !== "number") focus.setSelectionRange(...kept.range);
    }
  }

  // -- loading again ------------------------------------------------------------------------------------------

  const states = () => new Map([...main.querySelectorAll("[data-state]")].map((one) => [one.id, one.dataset.state]));

  function changes(before, after) {
    const ids = new Set([...before.keys(), ...after.keys()]);
    return [...ids].filter((id) => before.get(id) !== after.get(id)).length;
  }

  function say(number) {
    const what = main.querySelector(".pushes") ? ["push", "pushes"] : ["job", "jobs"];
    if (number > 0) news.textContent = `${number} ${what[number === 1 ? 0 : 1]} changed`;
  }

  const selects = () => {
    const selection = document.getSelection();
    return selection !== null && !selection.isCollapsed && main.contains(selection.anchorNode);
  };

  let loading = false;
  let due = false;

  async function load() {
    due = true;
    if (loading || document.hidden || selects()) return;
    loading = true;
    try {
      while (due) {
        due = false;
        const here = new URL(location.href);
        here.searchParams.delete("asked");
        here.searchParams.set("fragment", "1");
        here.hash = "";
        const answer = await fetch(here, { credentials: "same-origin", redirect: "error" });
        if (!answer.ok) throw new Error(`status ${answer.status}`);
        put(await answer.text());
      }
    } catch {
      due = true;
      setTimeout(load, 10000);
    } finally {
      loading = false;
    }
  }

  function put(text) {
    const fresh = new DOMParser().parseFromString(text, "text/html").body;
    const before = states();
    const kept = keep();
    main.replaceChildren(...fresh.childNodes);
    restore(kept);
    tick();
    say(changes(before, states()));
    const title = main.querySelector("[data-title]");
    if (title) document.title = `${title.dataset.title} · triggerbot`;
    main.dataset.loaded = String(Number(main.dataset.loaded || 0) + 1);
  }

  document.addEventListener("selectionchange", () => { if (due && !selects()) load(); });

  // -- listening ----------------------------------------------------------------------------------------------

  if (!address) return;
  let source = null;
  let lost = false;

  function show(on) {
    state.textContent = on ? "live" : "Reload";
    state.classList.toggle("on", on);
    state.title = on ? "This page shows what is new by itself" : "";
  }

  function listen() {
    source = new EventSource(address);
    source.addEventListener("open", () => {
      show(true);
      // Catch up with changes that were missed while the connection was down.
      if (lost) load();
      lost = false;
    });
    source.addEventListener("changed", load);
    source.addEventListener("error", () => {
      lost = true;
      show(false);
      if (source.readyState === EventSource.CLOSED) setTimeout(() => { if (!document.hidden) again(); }, 30000);
    });
  }

  function again() {
    if (source) source.close();
    listen();
  }

  // Browsers open only a few connections to one server, so a hidden page holds none.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      source.close();
      show(false);
    } else {
      lost = true;
      again();
    }
  });

  listen();
})();
