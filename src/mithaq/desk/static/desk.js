// Two prints side by side: overlays on and off, and one zoom and place for both, so that like is compared with like.
"use strict";
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
    draw();
  };
  for (const button of document.querySelectorAll("[data-zoom]")) {
    button.addEventListener("click", () => zoom(button.dataset.zoom === "in" ? 1.4 : 1 / 1.4));
  }
  for (const { svg } of views) {
    svg.addEventListener("wheel", (event) => {
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
