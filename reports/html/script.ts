/**
 * What a browser that runs scripts adds to a page: values under the pointer and by arrow keys, series that a click hides, the section in
 * sight marked in the contents, and everything unfolded for printing. The page lacks nothing without it.
 */
export const script = `
"use strict";
for (const figure of document.querySelectorAll("figure.chart")) {
  const hidden = new Set();
  const names = [...figure.querySelectorAll(".legend > li")].map((item) => item.textContent);

  const items = figure.querySelectorAll(".legend > li");
  if (items.length > 1) for (const item of items) {
    const series = Number(item.dataset.series);
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-pressed", "true");
    button.append(...item.childNodes);
    item.append(button);
    button.addEventListener("click", () => {
      const isHidden = hidden.has(series);
      if (isHidden) hidden.delete(series); else hidden.add(series);
      button.setAttribute("aria-pressed", String(isHidden));
      for (const mark of figure.querySelectorAll("svg.plot .s" + series)) mark.classList.toggle("off", !isHidden);
    });
  }

  for (const plots of figure.querySelectorAll(".plots")) {
    const svgs = [...plots.querySelectorAll("svg.plot")];
    const hits = svgs.flatMap((svg) => svg.dataset.hits.split("\\n").filter(Boolean).map((line) => {
      const [x, y, series, ...text] = line.split(" ");
      return { svg, x: Number(x), y: Number(y), series: Number(series), text: text.join(" ") };
    }));
    if (hits.length === 0) continue;
    const tip = document.createElement("div");
    tip.className = "tip";
    tip.setAttribute("role", "status");
    const ring = document.createElement("div");
    ring.className = "ring";
    ring.hidden = true;
    plots.append(ring, tip);
    plots.tabIndex = 0;
    plots.setAttribute("role", "group");
    plots.setAttribute("aria-label", figure.querySelector("figcaption strong").textContent + ": arrow keys go from value to value");
    let current = null;

    const place = (hit) => {
      const box = hit.svg.getBoundingClientRect();
      const outer = plots.getBoundingClientRect();
      const scale = box.width / hit.svg.viewBox.baseVal.width;
      return { x: box.left - outer.left + hit.x * scale, y: box.top - outer.top + hit.y * scale, width: outer.width };
    };
    const show = (hit) => {
      current = hit;
      const name = document.createElement("b");
      name.textContent = names[hit.series] + " ";
      tip.replaceChildren(name, hit.text);
      const { x, y, width } = place(hit);
      ring.hidden = false;
      ring.style.transform = "translate(" + x + "px, " + y + "px)";
      const left = Math.max(0, Math.min(width - tip.offsetWidth, x - tip.offsetWidth / 2));
      const above = y - tip.offsetHeight - 12;
      tip.style.transform = "translate(" + left + "px, " + (above < 0 ? y + 12 : above) + "px)";
    };
    const hide = () => { tip.replaceChildren(); ring.hidden = true; };
    const visible = () => hits.filter(({ series }) => !hidden.has(series));

    plots.addEventListener("pointermove", (event) => {
      const outer = plots.getBoundingClientRect();
      let best = null;
      let least = 48 * 48;
      for (const hit of visible()) {
        const { x, y } = place(hit);
        const distance = (x - (event.clientX - outer.left)) ** 2 + (y - (event.clientY - outer.top)) ** 2;
        if (distance < least) { least = distance; best = hit; }
      }
      if (best === null) hide(); else if (best !== current || ring.hidden) show(best);
    });
    plots.addEventListener("pointerleave", hide);
    plots.addEventListener("blur", hide);
    plots.addEventListener("keydown", (event) => {
      const shown = visible();
      if (event.key === "Escape") hide();
      if (shown.length === 0 || !["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"].includes(event.key)) return;
      event.preventDefault();
      const from = shown.includes(current) ? current : null;
      if (from === null) return show(shown[0]);
      const own = shown.filter(({ series }) => series === from.series);
      const at = own.indexOf(from);
      if (event.key === "Home") return show(own[0]);
      if (event.key === "End") return show(own.at(-1));
      if (event.key === "ArrowLeft") return show(own[Math.max(0, at - 1)]);
      if (event.key === "ArrowRight") return show(own[Math.min(own.length - 1, at + 1)]);
      const others = [...new Set(shown.map(({ series }) => series))];
      const step = event.key === "ArrowDown" ? 1 : -1;
      const series = others[(others.indexOf(from.series) + step + others.length) % others.length];
      const candidates = shown.filter((hit) => hit.series === series);
      show(candidates.reduce((best, hit) => Math.abs(hit.x - from.x) < Math.abs(best.x - from.x) ? hit : best));
    });
  }
}

const links = new Map([...document.querySelectorAll("nav a")].map((link) => [link.hash.slice(1), link]));
const seen = new Set();
const observer = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) if (isIntersecting) seen.add(target.id); else seen.delete(target.id);
  let isFirst = true;
  for (const [id, link] of links) {
    if (seen.has(id) && isFirst) { link.setAttribute("aria-current", "true"); isFirst = false; }
    else link.removeAttribute("aria-current");
  }
}, { rootMargin: "-10% 0px -60% 0px" });
for (const section of document.querySelectorAll("main > section")) observer.observe(section);

addEventListener("beforeprint", () => { for (const details of document.querySelectorAll("details:not([open])")) { details.open = true; details.dataset.printed = ""; } });
addEventListener("afterprint", () => { for (const details of document.querySelectorAll("details[data-printed]")) { details.open = false; delete details.dataset.printed; } });
`;
