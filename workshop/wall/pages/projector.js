"use strict";
const $ = id => document.getElementById(id);
let callUntil = 0;
let address = null;
let lost = false;
let trouble = "";

function note() {
  $("note").textContent = lost || trouble ? "New pictures have to wait a moment." : "";
}

function place(parent, cards) {
  // Keeps the images that are there, so that nothing flickers; removes the others at once.
  const old = new Map([...parent.querySelectorAll("img")].map(image => [image.dataset.id, image]));
  const images = cards.map(card => {
    const there = old.get(card.id);
    if (there) return there;
    const image = picture(card);
    image.className = "arrives";
    return image;
  });
  parent.replaceChildren(...images);
}

function render(state) {
  const [newest, ...others] = state.cards;
  const count = Math.min(others.length, 18);
  const columns = count <= 3 ? 1 : count <= 8 ? 2 : 3;
  document.querySelector("main").classList.toggle("alone", others.length === 0);
  $("mosaic").style.setProperty("--columns", columns);
  $("mosaic").style.setProperty("--rows", Math.max(1, Math.ceil(count / columns)));
  if (newest) {
    place($("newest"), [newest]);
  } else {
    const words = document.createElement("p");
    words.className = "empty";
    words.textContent = state.covered ? "The pictures are covered. Soon …" : "Nobody yet. Be the first!";
    $("newest").replaceChildren(words);
  }
  place($("mosaic"), others.slice(0, count));
  $("tally").replaceChildren(...state.tally.map(([look, count]) => {
    const line = document.createElement("li");
    line.append(Object.assign(document.createElement("span"), { textContent: look }), String(count));
    return line;
  }));
  if (state.open && state.address !== address) {
    address = state.address;
    for (const id of ["qr", "big-qr"]) $(id).src = `/qr.svg?${Date.now()}`;
  }
  $("qr").hidden = !state.open;
  $("invitation").textContent = state.open ? "Scan and smile" : "The wall is closed";
  callUntil = state.open ? state.call_until * 1000 : 0;
  trouble = state.trouble;
  note();
  tick();
}

function tick() {
  const left = Math.ceil((callUntil - Date.now()) / 1000);
  $("call").hidden = left <= 0;
  $("seconds").textContent = Math.max(left, 0);
}

listen("projector", render, isLost => { lost = isLost; note(); });
setInterval(tick, 200);
addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const key = event.key.toLowerCase();
  if (key === "f") document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen();
  else if (key === "c") act("call");
  else if (key === "r") act("cover");
});
addEventListener("fullscreenchange", () => { $("hint").hidden = document.fullscreenElement !== null; });
setTimeout(() => { $("hint").hidden = true; }, 20000);
