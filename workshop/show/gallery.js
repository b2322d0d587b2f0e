// The arrow keys step through the pictures, Escape goes back to all of them. Everything else works without script.
document.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  const shown = document.querySelector("figure:target");
  const links = { ArrowLeft: "[rel=prev]", ArrowRight: "[rel=next]", Escape: ".close" };
  if (shown && links[event.key]) {
    event.preventDefault();
    location.replace(shown.querySelector(links[event.key]).href);
    const now = document.querySelector("figure:target .close") || shown.querySelector(".picture");
    now.focus({ preventScroll: event.key !== "Escape" });
    return;
  }
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  const pictures = [...document.querySelectorAll(".picture")];
  const at = pictures.indexOf(document.activeElement);
  if (!shown && step && at >= 0) {
    event.preventDefault();
    pictures[(at + step + pictures.length) % pictures.length].focus();
  }
});

// Where a picture cannot be loaded, say why. An error event does not bubble, so it is caught on its way down.
document.addEventListener("error", ({ target }) => {
  const ends = document.body.dataset.linksEnd;
  const notice = document.createElement("span");
  notice.className = "missing";
  notice.textContent = ends && Date.now() > Date.parse(ends)
    ? "The link to this picture has ended. Make the page again: emotions gallery"
    : "This picture could not be loaded. It was removed, or this computer is offline.";
  target.closest(".picture")?.append(notice);
}, true);
