// Two prints side by side: overlays on and off, and one zoom and place for both, so that like is compared with like.
// The keyboard does what the mouse does. A file that is too large is told before it is sent.
"use strict";
for (const input of document.querySelectorAll("input[data-largest]")) {
  input.addEventListener("change", () => {
    const fits = [...input.files].every((file) => file.size <= Number(input.dataset.largest));
    input.setCustomValidity(fits ? "" : input.dataset.tooLarge);
    input.reportValidity();
  });
}
const prints = document.querySelector(".prints");
if (prints) {
  for (const box of document.querySelectorAll("[data-toggle]")) {
    box.addEventListener("change", () => prints.classList.toggle("hide-" + box.dataset.toggle, !box.checked));
  }
  const views = [...prints.querySelectorAll("svg")].map((svg) => {
    const [, , width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
    return { svg, width, height };
  });
  let scale = 1, x = 0.5, y = 0.5; // the middle of the view, as a share of each print
  const draw = () => {
    for (const { svg, width, height } of views) {
      const w = width / scale, h = height / scale;
      svg.setAttribute("viewBox", [x * width - w / 2, y * height - h / 2, w, h].join(" "));
    }
  };
  const zoom = (factor) => {
    scale = Math.min(8, Math.max(1, scale * factor));
    const margin = 0.5 / scale;
    x = Math.min(1 - margin, Math.max(margin, x));
    y = Math.min(1 - margin, Math.max(margin, y));
    prints.classList.toggle("zoomed", scale > 1);
    draw();
  };
  const keys = {
    "+": () => zoom(1.4), "=": () => zoom(1.4), "-": () => zoom(1 / 1.4), "0": () => zoom(1 / 8),
    ArrowLeft: () => { x -= 0.1 / scale; }, ArrowRight: () => { x += 0.1 / scale; },
    ArrowUp: () => { y -= 0.1 / scale; }, ArrowDown: () => { y += 0.1 / scale; },
  };
  for (const button of document.querySelectorAll("[data-zoom]")) {
    button.addEventListener("click", () => zoom(button.dataset.zoom === "in" ? 1.4 : 1 / 1.4));
  }
  for (const { svg } of views) {
    svg.setAttribute("tabindex", "0");
    svg.addEventListener("keydown", (event) => {
      const act = keys[event.key];
      if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
      if (scale === 1 && event.key.startsWith("Arrow")) return; // the whole print is in view: the page scrolls
      event.preventDefault();
      act();
      zoom(1);
    });
    svg.addEventListener("wheel", (event) => {
      if (scale === 1 && event.deltaY > 0) return; // nothing to zoom out of: the page scrolls on
      event.preventDefault();
      zoom(event.deltaY < 0 ? 1.15 : 1 / 1.15);
    }, { passive: false });
    svg.addEventListener("pointermove", (event) => {
      if (!event.buttons) return;
      x -= event.movementX / svg.clientWidth / scale;
      y -= event.movementY / svg.clientHeight / scale;
      zoom(1);
    });
  }
}
