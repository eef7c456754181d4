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
.curves { display: flex; flex-wrap: wrap; gap: 1rem; margin-top: 1rem; }
.curves svg { max-width: 100%; height: auto; }
.curves path { fill: none; stroke: currentColor; stroke-width: 1.5; stroke-dasharray: 5 3; }
.curves circle { fill: currentColor; }
.curves .frame { fill: none; stroke: var(--line); }
.curves text { fill: currentColor; font-size: 11px; }
td.bars svg { display: block; }
td.bars .axis { stroke: var(--heavy); stroke-width: 1; }
td.bars .bar { stroke: currentColor; stroke-width: 2; }
td.bars .point { fill: currentColor; }
td.bars { padding-top: 0.35rem; }
tr.worse, .worse .verdict { color: var(--fault); }
`;
