// What makes pages quicker to use. All of them work without: links are links, forms are forms.
"use strict";

// Times: "5 min ago" stays true while the page is open. What is further away than a day keeps its date.
const DAY = 86400;
function tell(time) {
  const seconds = (Date.parse(time.dateTime) - Date.now()) / 1000;
  const span = Math.abs(seconds);
  if (Number.isNaN(span) || span >= DAY) return;
  const whole = seconds < 0 ? Math.floor : Math.round;
  const size = span < 3600 ? `${whole(span / 60)} min` : `${whole(span / 3600)} h`;
  time.textContent = seconds < 0 ? (span < 60 ? "just now" : `${size} ago`) : span < 60 ? "in a moment" : `in ${size}`;
}
function tellAll(root) {
  root.querySelectorAll("time[datetime]:not([data-exact])").forEach(tell);
}
setInterval(() => tellAll(document), 30000);

// Copying. The clipboard is only there on localhost and behind TLS; elsewhere the old way still works.
async function copy(button) {
  const source = document.getElementById(button.dataset.copy);
  if (!source) return;
  let done = true;
  try {
    await navigator.clipboard.writeText(source.textContent);
  } catch {
    getSelection().selectAllChildren(source);
    done = document.execCommand("copy");
  }
  const words = button.innerHTML;
  button.textContent = done ? "Copied" : "Press Ctrl+C";
  button.setAttribute("aria-live", "polite");
  setTimeout(() => { button.innerHTML = words; }, 2000);
}

// Dialogs: a page with a form, shown over the one that leads to it. Sent, the form is a form as ever.
let opener = null;
async function openDialog(link) {
  let sheet = null;
  try {
    const answer = await fetch(link.href, { headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    sheet = answer.ok && page.querySelector(".sheet");
  } catch { /* shown as a page below */ }
  if (!sheet) { location.assign(link.href); return; }
  const dialog = document.createElement("dialog");
  const title = sheet.querySelector("h1");
  if (title) { title.id = "dialog-title"; dialog.setAttribute("aria-labelledby", title.id); }
  dialog.append(document.adoptNode(sheet));
  document.body.append(dialog);
  opener = link;
  dialog.addEventListener("close", () => { dialog.remove(); if (opener) opener.focus(); });
  wake(dialog);
  dialog.showModal();
  const first = dialog.querySelector("input:not([type=hidden]), select, textarea, button.danger, button[type=submit]");
  if (first) first.focus();
}

// Live parts: all elements with data-live and an id are asked for again by one request, while somebody looks.
// What did not change is left alone. A failure makes the next wait longer; being sent to sign in is the end.
const LIVE_EVERY = 1500;
const LIVE_MAX = 60000;
const live = new Map();
let liveWait = LIVE_EVERY;
let liveTimer = 0;

async function refresh() {
  liveTimer = 0;
  if (document.hidden) return;
  if (!document.querySelector("dialog[open]")) {
    const began = Date.now();
    try {
      const headers = { Accept: "text/html", "Aerostack-Live": "1" };
      const answer = await fetch(location.href, { headers, redirect: "manual", cache: "no-store" });
      if (answer.type === "opaqueredirect" || (answer.status >= 400 && answer.status < 500)) return;
      if (!answer.ok) throw new Error("refused for now");
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      live.forEach((shown, part) => renew(part, shown, page.getElementById(part.id)));
      liveWait = Math.max(LIVE_EVERY, 4 * (Date.now() - began));
    } catch {
      liveWait = Math.min(LIVE_MAX, 2 * liveWait);
    }
  }
  liveTimer = setTimeout(refresh, liveWait);
}

// Where somebody types or marks words, nothing is taken from under their hands.
function renew(part, shown, fresh) {
  const text = fresh && fresh.innerHTML;
  const marked = getSelection();
  const focused = part.contains(document.activeElement) ? document.activeElement : null;
  if (!fresh || text === shown || (focused && focused.matches("input, select, textarea"))) return;
  if (!marked.isCollapsed && part.contains(marked.anchorNode)) return;
  const open = [...part.querySelectorAll("details[id][open]")].map((details) => {
    const box = details.querySelector(".rolls");
    return [details.id, box ? box.scrollTop : 0];
  });
  const place = focused && [...part.querySelectorAll(focused.tagName)].indexOf(focused);
  live.set(part, text);
  part.replaceChildren(...document.adoptNode(fresh).childNodes);
  open.forEach(([id, top]) => {
    const details = document.getElementById(id);
    if (!details) return;
    details.open = true;
    details.querySelectorAll(".rolls").forEach((box) => { box.scrollTop = top; });
  });
  wake(part);
  if (!focused) return;
  const like = [...part.querySelectorAll(focused.tagName)];
  const same = like.find((other) => (focused.id && other.id === focused.id) || (focused.href && other.href === focused.href));
  (same || like[place] || document.getElementById("main")).focus({ preventScroll: true });
}

function wake(root) {
  tellAll(root);
  root.querySelectorAll("button[data-copy]").forEach((button) => { button.hidden = false; });
}

document.addEventListener("click", (event) => {
  if (event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const copying = event.target.closest("button[data-copy]");
  if (copying) { copy(copying); return; }
  const dialog = event.target.closest("dialog");
  if (dialog && (event.target === dialog || event.target.closest("a[data-close]"))) {
    event.preventDefault();
    dialog.close();
    return;
  }
  const link = event.target.closest("a[data-dialog]");
  if (link) { event.preventDefault(); openDialog(link); return; }
  document.querySelectorAll("details.menu[open]").forEach((menu) => {
    if (!menu.contains(event.target)) menu.open = false;
  });
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  document.querySelectorAll("details.menu[open]").forEach((menu) => {
    menu.open = false;
    menu.querySelector("summary").focus();
  });
});

// A form that was sent waits for its answer: a second press does not send it again.
document.addEventListener("submit", (event) => {
  if (event.target.dataset.sent) { event.preventDefault(); return; }
  if (event.target.method === "post") event.target.dataset.sent = "yes";
});
addEventListener("pageshow", () => {
  document.querySelectorAll("form[data-sent]").forEach((form) => { delete form.dataset.sent; });
});

// Filters take effect when they are chosen.
document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-auto]");
  if (form) form.requestSubmit();
});

// On paper everything folded away is shown.
let folded = [];
addEventListener("beforeprint", () => {
  folded = [...document.querySelectorAll(".chart details:not([open])")];
  folded.forEach((details) => { details.open = true; });
});
addEventListener("afterprint", () => folded.forEach((details) => { details.open = false; }));

document.querySelectorAll("[data-live][id]").forEach((part) => live.set(part, part.innerHTML));
wake(document);
if (live.size) {
  liveTimer = setTimeout(refresh, liveWait);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden || liveTimer) return;
    liveWait = LIVE_EVERY;
    refresh();
  });
}
