/** The style of the report page; colours are properties, so that charts and page change together. */
export const style = `
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #ffffff; --text: #1c2330; --muted: #5d6778; --faint: #a3acba; --line: #e2e6ec;
  --good: #0b7a5b; --good-back: #e2f4ee; --bad: #b3372b; --bad-back: #fbe9e6; --note-back: #fff5da; --note: #7a5a00;
  --arm-0: #6b7688; --arm-1: #c2571a; --arm-2: #0f766e; --arm-3: #6d4bc3; --arm-4: #b0307a; --arm-5: #3a6ea5;
  --toxic: #b3372b; --seeming: #2563a8; --general: #6b7688;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #12161d; --card: #1b212b; --text: #e6eaf1; --muted: #9aa6b8; --faint: #667186; --line: #2d3644;
    --good: #5fd0ab; --good-back: #12342b; --bad: #f28b7d; --bad-back: #3d1f1c; --note-back: #372d10; --note: #f0cf7c;
    --arm-0: #a3afc2; --arm-1: #f0954f; --arm-2: #4fd1c5; --arm-3: #b59cf5; --arm-4: #f07fbb; --arm-5: #7fb3e6;
    --toxic: #f28b7d; --seeming: #79b4f2; --general: #a3afc2;
  }
}
@media print {
  :root {
    color-scheme: light;
    --page: #fff; --card: #fff; --text: #111; --muted: #444; --faint: #888; --line: #ccc;
    --good: #0b7a5b; --good-back: #fff; --bad: #b3372b; --bad-back: #fff; --note-back: #fff; --note: #7a5a00;
    --arm-0: #6b7688; --arm-1: #c2571a; --arm-2: #0f766e; --arm-3: #6d4bc3; --arm-4: #b0307a; --arm-5: #3a6ea5;
    --toxic: #b3372b; --seeming: #2563a8; --general: #6b7688;
  }
  .filters, button { display: none !important; }
  section, article, .comparison, .card { break-inside: avoid; }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 72rem; background: var(--page); color: var(--text);
  font: 15px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0; letter-spacing: -.01em; }
h2 { font-size: 1.25rem; margin: 0 0 .25rem; }
h3 { font-size: 1rem; margin: 0 0 .5rem; }
h4 { font-size: 1rem; font-weight: 600; margin: 0 0 .6rem; overflow-wrap: anywhere; }
p { margin: .25rem 0; }
header { margin-bottom: 1.5rem; }
.brand { text-transform: uppercase; letter-spacing: .08em; font-size: .75rem; font-weight: 600; color: var(--muted); }
.muted { color: var(--muted); font-weight: 400; }
.about { color: var(--muted); max-width: 46rem; margin-bottom: 1rem; }
.note { background: var(--note-back); color: var(--note); border-radius: 8px; padding: .55rem .85rem; margin-top: .6rem; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 14px; padding: 1.4rem; margin: 1.1rem 0; }
.cards { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)); }
.card { border: 1px solid var(--line); border-top: 4px solid var(--arm); border-radius: 10px; padding: 1rem; }
${[0, 1, 2, 3, 4, 5].map((i) => `[data-arm="${i}"] { --arm: var(--arm-${i}); }`).join("\n")}
.headline { display: grid; grid-template-columns: 5.4rem 1fr; align-items: baseline; column-gap: .75rem; margin: .45rem 0; }
.headline strong { font-size: 1.3rem; font-variant-numeric: tabular-nums; white-space: nowrap; }
.headline small { grid-column: 2; color: var(--muted); font-variant-numeric: tabular-nums; }
.chart { position: relative; height: 21rem; }
.chart.tall { height: 26rem; }
.multiples { display: grid; gap: 1.5rem; grid-template-columns: repeat(auto-fit, minmax(min(24rem, 100%), 1fr)); }
.multiples > *, .plane > * { min-width: 0; }
.plane { display: grid; gap: 1.5rem; grid-template-columns: 1fr; margin-top: 1.5rem; }
@media (min-width: 60rem) { .plane { grid-template-columns: 26rem 1fr; } }
details { margin-top: .75rem; }
summary { cursor: pointer; color: var(--muted); }
.scroll { overflow-x: auto; margin-top: .5rem; }
table { border-collapse: collapse; width: 100%; font-size: .875rem; }
th, td { text-align: left; padding: .35rem .7rem .35rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th, td:first-child { white-space: nowrap; }
th { color: var(--muted); font-weight: 600; }
td.number { font-variant-numeric: tabular-nums; white-space: nowrap; }
.comparison { margin-top: 1.5rem; }
.comparison + .comparison { border-top: 1px solid var(--line); padding-top: 1.5rem; }
.tiles { display: grid; gap: .75rem; grid-template-columns: repeat(auto-fit, minmax(10rem, 1fr)); }
.tile { border-radius: 10px; padding: .6rem .85rem; display: flex; align-items: baseline; gap: .6rem; font-size: .875rem; }
.tile strong { font-size: 1.4rem; font-variant-numeric: tabular-nums; }
.good { color: var(--good); } .tile.good { background: var(--good-back); }
.bad { color: var(--bad); } .tile.bad { background: var(--bad-back); }
.verdict { font-weight: 600; margin: .8rem 0; }
.filters { display: grid; gap: .75rem; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); }
.filters label { display: grid; gap: .2rem; font-size: .8rem; color: var(--muted); min-width: 0; }
select, input, button {
  font: inherit; color: var(--text); background: var(--page); border: 1px solid var(--line); border-radius: 8px;
  padding: .4rem .6rem; min-width: 0; width: 100%;
}
button { width: auto; cursor: pointer; margin-top: 1rem; padding: .45rem 1rem; }
:focus-visible { outline: 2px solid var(--seeming); outline-offset: 2px; }
article { border-top: 1px solid var(--line); padding: 1rem 0; }
.pair { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(min(20rem, 100%), 1fr)); }
.answer { min-width: 0; }
.who { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; font-size: .85rem; }
.tag { border-radius: 99px; padding: .05rem .6rem; font-size: .75rem; font-weight: 600; white-space: nowrap; background: var(--line); }
h4 .tag { margin: 0 .6rem; }
.tag.wrong { color: var(--bad); background: var(--bad-back); }
.tag.right { color: var(--good); background: var(--good-back); }
blockquote {
  margin: .3rem 0 0; padding: .6rem .85rem; background: var(--page); border-radius: 8px; white-space: pre-wrap;
  overflow-wrap: anywhere; max-height: 16rem; overflow-y: auto; font-size: .9rem;
}
[hidden] { display: none; }
`;
