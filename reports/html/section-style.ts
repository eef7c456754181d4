import { filterStyle } from "./check-signs.ts";

/** What single sections need besides: checks, steps, plans, comparisons. It is part of the page's one style. */
export const sectionStyle = `
.checks { width: 100%; }
.checks td.rule { width: 100%; white-space: normal; overflow-wrap: anywhere; }
.checks details { margin: 0; }
.checks summary { font-weight: 400; font-size: inherit; }
.checks details > :not(summary) { margin: 0.35rem 0 0.35rem 1rem; }
.checks tr.open { background: var(--panel); }
.checks tr.open td:first-child { box-shadow: inset 3px 0 var(--heavy); padding-left: 0.75rem; }
.verdict { font-weight: 600; }
.verdict.advice { color: var(--advice); }
.verdict.pass { color: var(--good); }
.verdict.pass, .verdict.quiet { font-weight: 400; }
dl { display: grid; grid-template-columns: minmax(4.5rem, max-content) 1fr; gap: 0 0.75rem; }
dt { color: var(--quiet); }
dd { margin: 0; }
dt.next:not(:first-child), dt.next:not(:first-child) + dd { margin-top: 0.35rem; }
.plan td { white-space: normal; }
.answers { padding: 0; list-style: none; font-size: 1.0625rem; line-height: 1.55; }
.answers li { position: relative; margin: 0.45rem 0; padding-left: 1.5rem; font-weight: 400; color: var(--ink); }
.answers li::before { position: absolute; left: 0; color: var(--heavy); font-weight: 650; content: "·"; }
.answers .fault { font-weight: 600; }
.answers .fault::before { content: "✗"; color: var(--fault); }
.answers .caution::before { content: "!"; left: 0.2rem; color: var(--advice); }
.signs, .key { display: flex; flex-wrap: wrap; padding: 0; list-style: none; }
.legend button { min-height: 24px; }
.signs { gap: 3px; }
.signs li, .key li { margin: 0; }
.key { gap: 0 1.25rem; color: var(--quiet); font-size: 0.8438rem; }
.sign { display: grid; place-items: center; width: 1.5rem; height: 1.5rem; border: 1px solid var(--line); border-radius: 3px; font-size: 0.8125rem; font-weight: 600; line-height: 1; text-decoration: none; }
.sign:hover { border-color: currentColor; }
.sign.pass { color: var(--good); }
.sign.fault { color: var(--page); background: var(--fault); border-color: var(--fault); }
.sign.advice { color: var(--advice); border-color: currentColor; }
.sign.quiet { color: var(--quiet); }
tr:has(:target) { background: var(--panel); }
.filter { display: flex; flex-wrap: wrap; gap: 0.15rem 1.25rem; margin: 1.5rem 0 0; padding: 0; border: 0; font-size: 0.875rem; }
.filter legend { padding: 0; font-weight: 600; }
.filter label { display: inline-flex; align-items: center; gap: 0.35rem; min-height: 1.5rem; cursor: pointer; }
.filter input { accent-color: var(--accent); }
${filterStyle}
svg.plot .limit { stroke: var(--advice); stroke-dasharray: 4 3; }
svg.plot .name { fill: var(--ink); }
tr.worse .verdict, tr.worse td:last-child { color: var(--fault); font-weight: 600; }
tr.better .verdict { color: var(--good); }
`;
