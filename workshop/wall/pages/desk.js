"use strict";
const $ = id => document.getElementById(id);
let state = null;
let sure = "";

function strip(list, cards, ...actions) {
  list.replaceChildren(...cards.map(card => {
    const item = document.createElement("li");
    const buttons = document.createElement("div");
    buttons.className = "buttons";
    for (const [label, action] of actions) {
      const button = document.createElement("button");
      const words = action === "forget" && sure === card.id ? "Really forget" : label;
      button.textContent = words;
      button.setAttribute("aria-label", `${words}: ${card.words.join(", ")}`);
      button.onclick = () => perform(action, card.id);
      buttons.append(button);
    }
    item.append(picture(card), buttons);
    return item;
  }));
}

function render(now) {
  state = now;
  const [card] = state.waiting;
  $("trouble").textContent = state.trouble;
  const until = state.until ? new Date(state.until).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }) : "";
  $("door").textContent = state.open ? `Open until ${until}, ${state.taken} of ${state.limit} photos` : state.until
    ? `Closed, ${state.taken} of ${state.limit} photos` : "Never opened: emotions wall open --until 22:30";
  $("first-title").textContent = state.waiting.length ? `Waiting for approval: ${state.waiting.length}` : "Nothing waits for approval";
  const shown = $("candidate").firstElementChild;
  if (!card) $("candidate").replaceChildren();
  else if (!shown || shown.dataset.id !== card.id) $("candidate").replaceChildren(picture(card));
  $("words").textContent = card ? card.words.join(", ") : state.approval ? "" : "Pictures appear without approval (--no-approval).";
  for (const id of ["approve", "hide", "forget"]) $(id).disabled = !card;
  $("forget").textContent = card && sure === card.id ? "Really forget: remove everything" : "Forget …";
  $("shown-title").textContent = `On the wall: ${state.shown.length}`;
  strip($("shown"), state.shown, ["Hide", "hide"], ["Forget", "forget"]);
  $("hidden-title").textContent = `Hidden: ${state.hidden.length}`;
  strip($("hidden"), state.hidden, ["Show", "approve"], ["Forget", "forget"]);
  $("close").disabled = !state.open;
  $("call").disabled = !state.open;
  $("cover").textContent = state.covered ? "Reveal the pictures" : "Cover the pictures";
  const counts = [["Photos sent", state.taken], ["Being analysed", state.in_work], ["On the wall", state.shown.length],
    ["Not shown: may be under 18", state.minors], ["Failed", state.failed]];
  $("counts").replaceChildren(...counts.flatMap(([name, count]) => [
    Object.assign(document.createElement("dt"), { textContent: name }),
    Object.assign(document.createElement("dd"), { textContent: count, className: name === "Failed" && count ? "bad" : "" }),
  ]));
  if (state.failed && !$("said").textContent) {
    $("said").textContent = "Failed photos are in the dead-letter queue: `emotions check 5` says why, `emotions redrive` tries again.";
  }
}

async function perform(action, id = "") {
  if (action === "forget" && sure !== id) {
    sure = id;
    render(state);
    return;
  }
  sure = "";
  $("said").textContent = await act(action, id);
}

const first = () => state && state.waiting.length ? state.waiting[0].id : null;
const onFirst = action => { const id = first(); if (id) perform(action, id); };
for (const action of ["approve", "hide", "forget"]) $(action).onclick = () => onFirst(action);
for (const action of ["undo", "open", "close", "call", "cover"]) $(action).onclick = () => perform(action);
addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  const key = event.key.toLowerCase();
  // Space on a button presses that button.
  if (key === " " && event.target.tagName !== "BUTTON") { event.preventDefault(); onFirst("approve"); }
  else if (key === "x") onFirst("hide");
  else if (key === "u") perform("undo");
  else if (key === "c") perform("call");
});
listen("desk", render, lost => { if (lost) $("trouble").textContent = "The wall does not answer. Is `emotions wall show` still running?"; else if (state) $("trouble").textContent = state.trouble; });
