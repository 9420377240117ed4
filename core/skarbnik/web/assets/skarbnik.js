// What a page does better with scripts. Everything works without this file.
"use strict";

// One press of a button sends a form once, and the button shows that it is being sent.
addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) { event.preventDefault(); return; }
  if (form.method === "post") {
    form.dataset.sent = "yes";
    form.setAttribute("aria-busy", "true");
  }
});
addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach((form) => {
  delete form.dataset.sent;
  form.removeAttribute("aria-busy");
}));

// A page that only leads on does so by itself.
document.querySelectorAll("form[data-goes-on]").forEach((form) => form.requestSubmit());

// The sum of what is ticked, written while one ticks. Amounts are whole grosze.
const NBSP = "\u00a0";
function zloty(grosze) {
  const whole = String(Math.floor(grosze / 100)).replace(/\B(?=(\d{3})+$)/g, NBSP);
  return `${whole},${String(grosze % 100).padStart(2, "0")}${NBSP}zł`;
}
document.querySelectorAll("form[data-sums]").forEach((form) => {
  const shown = form.querySelector("[data-sum]"), all = form.querySelector("[data-all]");
  if (!shown) return;
  const boxes = [...form.querySelectorAll("input[type=checkbox][data-grosze]")];
  const count = () => {
    const ticked = boxes.filter((box) => box.checked);
    shown.textContent = zloty(ticked.reduce((sum, box) => sum + Number(box.dataset.grosze), 0));
    if (all) { all.checked = ticked.length === boxes.length; all.indeterminate = ticked.length > 0 && !all.checked; }
  };
  if (all) all.addEventListener("change", () => { boxes.forEach((box) => { box.checked = all.checked; }); count(); });
  form.addEventListener("change", count);
  count();
});

// The office by keyboard: Ctrl-K to search; arrows walk the rows of a table, Enter opens.
addEventListener("keydown", (event) => {
  const search = document.querySelector("[data-search]");
  if (search && (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    search.focus();
    search.select();
    return;
  }
  const link = event.target.closest && event.target.closest("table[data-walk] tbody a");
  if (!link || !["ArrowDown", "ArrowUp", "Home", "End"].includes(event.key)) return;
  const rows = [...link.closest("tbody").rows].map((row) => row.querySelector("a")).filter(Boolean);
  const here = rows.findIndex((each) => each.closest("tr") === link.closest("tr"));
  const to = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: rows.length - 1 }[event.key];
  if (rows[to]) { event.preventDefault(); rows[to].focus(); }
});

// Whom one acts for: the list closes by Escape, and by a press beside it.
const chooser = document.querySelector("details.switch");
if (chooser) {
  addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !chooser.open) return;
    chooser.open = false;
    chooser.querySelector("summary").focus();
  });
  addEventListener("click", (event) => { if (!chooser.contains(event.target)) chooser.open = false; });
}

// After a form that was not accepted the reading begins at what is wrong with it.
const wrong = document.getElementById("errors");
if (wrong) wrong.focus();

// A question before what cannot be taken back. Without scripts the button leads to a page that asks.
document.querySelectorAll("[data-opens]").forEach((button) => {
  const dialog = document.getElementById(button.dataset.opens);
  if (dialog && dialog.showModal) button.addEventListener("click", (event) => { event.preventDefault(); dialog.showModal(); });
});
document.querySelectorAll("dialog [data-closes]").forEach((button) => {
  button.addEventListener("click", () => button.closest("dialog").close());
});
document.querySelectorAll("[data-prints]").forEach((button) => button.addEventListener("click", () => print()));


// An address to be sent on: copied with one press, and marked for who copies by hand.
document.querySelectorAll("[data-copies]").forEach((button) => button.addEventListener("click", async () => {
  const field = document.getElementById(button.dataset.copies);
  field.select();
  try { await navigator.clipboard.writeText(field.value); } catch { return; /* it is marked */ }
  document.querySelectorAll("[data-said]").forEach((place) => { place.textContent = place.dataset.said; });
}));

// A page that waits for something renews itself without a jump; what changed is read out by its live regions.
// It asks more and more slowly and stops after ten minutes: a tab left open must not keep a session alive.
let pause = 4000;
const until = Date.now() + 600000;
async function renew() {
  pause = Math.min(pause * 1.15, 30000);
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (answer.redirected) return;
    if (answer.ok) {
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      document.querySelectorAll("[data-renewed]").forEach((part) => {
        const next = fresh.querySelector(`[data-renewed=${part.dataset.renewed}]`);
        if (next && next.innerHTML !== part.innerHTML) part.innerHTML = next.innerHTML;
      });
    }
  } catch { /* no line: the next look may have one */ }
  if (document.querySelector("[data-waits]") && Date.now() < until) setTimeout(renew, pause);
}
if (document.querySelector("[data-waits]")) setTimeout(renew, pause);

if ("serviceWorker" in navigator && isSecureContext && document.querySelector("link[rel=manifest]")) navigator.serviceWorker.register("/sw.js");
