"use strict";
// What both pages share: the stream of states, and the desk's actions.

function listen(page, render, lost) {
  let last = Date.now();
  let source;
  const connect = () => {
    source = new EventSource(`/events/${page}`);
    source.onopen = () => { last = Date.now(); lost(false); };
    source.onmessage = event => { last = Date.now(); lost(false); render(JSON.parse(event.data)); };
    source.onerror = () => {
      lost(true);
      // A browser gives up for good if the server is gone; the server may come back.
      if (source.readyState === EventSource.CLOSED) { source.close(); setTimeout(connect, 1000); }
    };
  };
  connect();
  return () => last;
}

async function act(action, id = "") {
  try {
    const answer = await fetch("/do", {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Wall": "desk" },
      body: JSON.stringify({ action, id }),
    });
    return answer.ok ? (await answer.json()).said : "The wall did not understand this.";
  } catch {
    return "The wall does not answer. Is `emotions wall show` still running?";
  }
}

function picture(card) {
  const image = document.createElement("img");
  image.src = `/pictures/${card.id}`;
  let tries = 0;
  image.onerror = () => setTimeout(() => { // the network may be lost; for five minutes, or until the picture has left the page
    if (image.isConnected && ++tries <= 300) image.src = `/pictures/${card.id}?${tries}`;
  }, 1000);
  image.alt = card.words.length ? `Faces from the left: ${card.words.join(", ")}` : "";
  image.dataset.id = card.id;
  return image;
}
