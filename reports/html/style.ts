import { sectionStyle } from "./section-style.ts";

/** The one style of every page. Text has a contrast of 4.5 to its ground and lines one of 3, in light and in dark. */
export const style = `
:root {
  color-scheme: light dark;
  --page: light-dark(#fcfcfb, #14171a);
  --panel: light-dark(#f3f4f4, #1c2024);
  --ink: light-dark(#1c2024, #e3e6e9);
  --quiet: light-dark(#59616a, #9ba4ae);
  --line: light-dark(#dfe2e5, #2d3238);
  --heavy: light-dark(#8a929b, #6a737d);
  --accent: light-dark(#3f3fbf, #aab4ff);
  --fault: light-dark(#b3261e, #ff8f85);
  --advice: light-dark(#855600, #e3b341);
  --good: light-dark(#1b6e3c, #6fd08f);
  --grey: light-dark(#69727c, #a3acb6);
  --blue: light-dark(#0f62c6, #6fb1ff);
  --vermilion: light-dark(#c4420d, #ff8f5c);
  --green: light-dark(#0b7a5c, #3fcfa2);
  --amber: light-dark(#8f6400, #dcb447);
  --purple: light-dark(#8a3db5, #cf9bf0);
  --teal: light-dark(#0a7c8c, #4fc9da);
  --rose: light-dark(#bd2a6a, #ff8fbf);
  --sans: ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", "Liberation Sans", sans-serif;
  --mono: ui-monospace, "SF Mono", "Cascadia Code", Menlo, Consolas, "Liberation Mono", monospace;
}
* { box-sizing: border-box; }
html { scroll-behavior: smooth; scroll-padding-top: 1.5rem; -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body { margin: 0 auto; max-width: 76rem; padding: 0 2rem 4rem; background: var(--page); color: var(--ink); font: 1rem/1.6 var(--sans); text-rendering: optimizeLegibility; }
a { color: var(--accent); text-underline-offset: 0.2em; text-decoration-thickness: 1px; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 3px; border-radius: 2px; }
main:focus { outline: none; }
.skip { position: absolute; left: 1rem; top: -4rem; padding: 0.5rem 1rem; background: var(--page); border: 1px solid var(--accent); border-radius: 4px; z-index: 3; }
.skip:focus { top: 1rem; }
.away { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }

header { padding: 3.5rem 0 2rem; border-bottom: 1px solid var(--line); }
.kicker { margin: 0; color: var(--accent); font-size: 0.8125rem; font-weight: 600; letter-spacing: 0.06em; }
h1 { margin: 0.35rem 0 0; font-size: clamp(1.75rem, 4.5vw, 2.5rem); font-weight: 650; line-height: 1.15; letter-spacing: -0.022em; text-wrap: balance; overflow-wrap: anywhere; }
.subject { margin: 0.9rem 0 0; max-width: 46rem; color: var(--quiet); font-size: 1.0625rem; overflow-wrap: anywhere; }
.subject.model { color: var(--ink); padding: 0.6rem 1rem; border-left: 3px dashed var(--heavy); background: var(--panel); }
.facts { display: flex; flex-wrap: wrap; gap: 0.35rem 1.5rem; margin: 1.25rem 0 0; padding: 0; list-style: none; color: var(--quiet); font-size: 0.875rem; font-variant-numeric: tabular-nums; }
.facts li { overflow-wrap: anywhere; }
.facts .good, .facts .fault, .facts .model { font-weight: 600; }
.facts .good { color: var(--good); }
.facts .fault { color: var(--fault); }
.facts .model { color: var(--ink); padding: 0 0.5rem; border: 1px dashed var(--heavy); border-radius: 3px; }

.layout { display: grid; grid-template-columns: 11rem minmax(0, 1fr); gap: 0 3rem; }
nav { font-size: 0.875rem; line-height: 1.4; }
nav ul { position: sticky; top: 1.5rem; max-height: calc(100vh - 3rem); overflow-y: auto; margin: 0; padding: 2.6rem 0 0; list-style: none; }
nav li { margin: 0; }
nav a { display: block; padding: 0.25rem 0 0.25rem 0.75rem; border-left: 2px solid var(--line); color: var(--quiet); text-decoration: none; overflow-wrap: anywhere; }
nav a:hover, nav a[aria-current] { color: var(--ink); border-color: var(--accent); }
nav a:focus-visible { outline-offset: -2px; }

section { padding-top: 2.5rem; }
h2 { margin: 0 0 0.9rem; font-size: 1.5rem; font-weight: 650; line-height: 1.25; letter-spacing: -0.014em; overflow-wrap: anywhere; }
h3 { margin: 2rem 0 0.5rem; font-size: 1rem; font-weight: 650; }
p { max-width: 46rem; }
ul { margin: 0.5rem 0; padding-left: 1.2rem; }
main > section > ul { max-width: 50rem; }
li { margin: 0.2rem 0; overflow-wrap: anywhere; }
li::marker { color: var(--heavy); }
code { font: 0.9em var(--mono); overflow-wrap: anywhere; }
.fault { color: var(--fault); font-weight: 600; }
.quiet { color: var(--quiet); }
details { margin-top: 1rem; }
summary { width: fit-content; cursor: pointer; font-weight: 600; font-size: 0.9375rem; }
summary::marker { color: var(--heavy); }
details[open] > summary { margin-bottom: 0.5rem; }

.scroll { overflow-x: auto; margin-top: 0.5rem; scrollbar-width: thin; scrollbar-color: var(--heavy) transparent; }
table { border-collapse: collapse; font-size: 0.8438rem; line-height: 1.45; font-variant-numeric: tabular-nums; }
th, td { padding: 0.28rem 0.9rem 0.28rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; white-space: nowrap; }
th:last-child, td:last-child { padding-right: 0.25rem; }
thead th { padding-top: 0; color: var(--quiet); font-weight: 500; border-bottom: 1px solid var(--heavy); vertical-align: bottom; }
tbody + tbody { border-top: 1px solid var(--heavy); }
tbody th { font-weight: 600; }
table .number { text-align: right; }
td.trouble { min-width: 14rem; white-space: normal; color: var(--fault); }

.charts { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 2.25rem 2.5rem; margin-top: 1rem; }
.charts + .charts, .charts + details { margin-top: 2.25rem; }
.chart { margin: 0; min-width: 0; }
.chart.wide { grid-column: 1 / -1; }
figcaption strong { display: block; font-size: 0.9375rem; font-weight: 650; line-height: 1.35; overflow-wrap: anywhere; }
figcaption span { display: block; max-width: 46rem; color: var(--quiet); font-size: 0.8438rem; line-height: 1.45; }
.legend { display: flex; flex-wrap: wrap; gap: 0.1rem 1rem; margin: 0.4rem 0 0.35rem; padding: 0; list-style: none; color: var(--quiet); font-size: 0.8125rem; line-height: 1.5; }
.legend li { margin: 0; }
.legend button { padding: 0; border: 0; background: none; color: inherit; font: inherit; cursor: pointer; }
.legend li, .legend button { display: inline-flex; align-items: center; gap: 0.4rem; }
.legend button:hover { color: var(--ink); }
.legend button[aria-pressed="false"] { text-decoration: line-through; opacity: 0.75; }
.swatch { flex: none; }
.plots { position: relative; }
.plots.small { display: none; }
svg.plot { display: block; width: 100%; height: auto; overflow: visible; }
svg.plot text { font-family: var(--sans); font-size: 11px; font-variant-numeric: tabular-nums; white-space: pre; }
svg.plot .grid { stroke: var(--line); stroke-opacity: 1; }
svg.plot .base { stroke: var(--heavy); }
svg.plot .tick, svg.plot .axis, svg.plot .bandname { fill: var(--quiet); }
svg.plot .tick path { display: none; }
svg.plot .value { font-weight: 600; }
svg.plot .band { fill: var(--panel); }
svg.plot .bandedge { stroke: var(--line); }
svg.plot .off { display: none; }
.data { display: inline-block; max-width: 100%; margin: 0.25rem 1rem 0 0; vertical-align: top; }
.data summary, .csv { color: var(--quiet); font-size: 0.8125rem; font-weight: 400; }
.data .scroll { max-height: 22rem; overflow-y: auto; }
.csv { display: inline-block; margin-top: 0.25rem; line-height: 1.6; }
.tip { position: absolute; left: 0; top: 0; z-index: 2; max-width: 16rem; padding: 0.2rem 0.55rem; border-radius: 4px; background: var(--ink); color: var(--page); font-size: 0.8125rem; line-height: 1.45; font-variant-numeric: tabular-nums; pointer-events: none; }
.tip:empty { display: none; }
.tip b { font-weight: 600; }
.ring { position: absolute; left: -6px; top: -6px; width: 12px; height: 12px; border: 2px solid var(--ink); border-radius: 50%; pointer-events: none; }

${sectionStyle}
@media (max-width: 60rem) {
  body { padding: 0 1.25rem 3rem; }
  header { padding-top: 2rem; }
  .layout { display: block; }
  nav ul { position: static; display: flex; flex-wrap: wrap; gap: 0 1.25rem; max-height: none; padding: 1rem 0 0; }
  nav a { padding: 0.25rem 0; border-left: 0; border-bottom: 2px solid var(--line); }
}
@media (max-width: 44rem) {
  .charts { grid-template-columns: minmax(0, 1fr); }
  .plots.large { display: none; }
  .plots.small { display: block; }
  th, td { padding-right: 0.7rem; }
  .wide:is(th, td) { display: none; }
}
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
@media print {
  :root { color-scheme: light; --page: #fff; }
  body { max-width: none; padding: 0; font-size: 10pt; }
  nav, .skip, .csv, .tip, .ring, .data { display: none; }
  .layout { display: block; }
  details::details-content { display: block; content-visibility: visible; }
  .scroll { overflow: visible; }
  table { font-size: 7.5pt; }
  th, td { padding-right: 0.5rem; white-space: normal; }
  figure, tr, li { break-inside: avoid; }
  h2, h3, figcaption { break-after: avoid; }
}
`;
