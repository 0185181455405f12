"""The style of the page: colours of the playground, light and dark, for screens of all widths and for paper."""

STYLE = """
:root {
  color-scheme: light dark;
  --page: #f6f7f7; --surface: #ffffff; --sunken: #eef0f0; --ink: #16191d; --soft: #565d66; --line: #dadddf; --edge: #858c94;
  --accent: #0b6e62; --accent-wash: #e2f1ee; --bad: #a52d1e; --limit: #8a5a00;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0f1214; --surface: #171b1e; --sunken: #20262a; --ink: #e9ecee; --soft: #a2abb3; --line: #2c3338; --edge: #727d86;
    --accent: #52c9b5; --accent-wash: #14312d; --bad: #ff9a88; --limit: #e0b060;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--page); color: var(--ink); overflow-wrap: anywhere;
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
main, header, footer { max-width: 1140px; margin: 0 auto; padding: 0 clamp(18px, 4vw, 40px); }
header { padding-top: clamp(28px, 6vw, 64px); }
h1, h2, h3, p, ul, dl, dd, figure { margin: 0; padding: 0; }
h1 { font-size: clamp(24px, 4.2vw, 34px); font-weight: 650; line-height: 1.2; letter-spacing: -0.015em; text-wrap: balance; }
h2 { font-size: 21px; font-weight: 650; line-height: 1.3; letter-spacing: -0.01em; }
h3 { font-size: 15px; font-weight: 600; margin-top: 28px; }
a { color: var(--accent); text-underline-offset: 3px; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.eyebrow { color: var(--soft); font-size: 14px; margin-bottom: 8px; }
.facts { display: flex; flex-wrap: wrap; gap: 6px 28px; margin-top: 18px; font-size: 14px; color: var(--soft); }
.facts div { display: flex; gap: 8px; }
.facts dd { color: var(--ink); }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 240px), 1fr)); gap: 28px 40px;
  margin: 36px 0 0; padding: 28px 0; border-top: 1px solid var(--line); border-bottom: 1px solid var(--line); }
.figures dt { font-size: 14px; font-weight: 600; }
.figures .value { font-size: 46px; font-weight: 600; line-height: 1.15; letter-spacing: -0.03em; margin: 4px 0; }
.figures .note { font-size: 14px; color: var(--soft); }
.said { list-style: none; margin-top: 28px; display: grid; gap: 12px; max-width: 44em; font-size: 17px; }
nav { margin-top: 32px; font-size: 14px; display: flex; flex-wrap: wrap; gap: 6px 20px; }
section { margin-top: clamp(48px, 7vw, 76px); scroll-margin: 20px; }
.lead { color: var(--soft); margin-top: 8px; max-width: 46em; text-wrap: pretty; }
.note { color: var(--soft); font-size: 14px; margin-top: 12px; max-width: 52em; }
.scroll { overflow-x: auto; margin-top: 20px; background: var(--surface); border: 1px solid var(--line); border-radius: 8px; }
table { border-collapse: collapse; width: 100%; font-size: 14px; line-height: 1.4; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding: 12px 16px 4px; font-weight: 600; }
caption span { display: inline-block; position: sticky; left: 16px; max-width: calc(100vw - 72px); }
tr > :first-child { padding-left: 16px; }
tr > :last-child { padding-right: 16px; }
th, td { text-align: left; padding: 8px 10px; vertical-align: middle; overflow-wrap: normal; }
thead th { color: var(--soft); font-weight: 500; vertical-align: bottom; border-bottom: 1px solid var(--line); }
tbody tr + tr > * { border-top: 1px solid var(--line); }
tbody th { font-weight: 500; min-width: 9em; max-width: 26em; overflow-wrap: anywhere; }
.sources td:last-child { min-width: 12em; }
.number { text-align: right; white-space: nowrap; }
thead .number { white-space: normal; }
.named tbody th { min-width: 13em; }
.episodes td:last-child { min-width: 18em; }
.asked td:nth-child(2), .asked td:last-child { min-width: 18em; max-width: 32em; overflow-wrap: anywhere; }
svg { display: block; font: 11px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; font-variant-numeric: tabular-nums; }
svg text { fill: var(--soft); }
.axis { stroke: var(--line); stroke-width: 1; }
.zero { stroke: var(--edge); stroke-width: 1; }
.success { stroke: var(--accent); } .failure { stroke: var(--bad); stroke-dasharray: 5 3; }
.static { stroke: var(--edge); stroke-dasharray: 1.5 3; }
.curve { fill: none; stroke-width: 2.2; stroke-linejoin: round; stroke-linecap: round; }
.one { stroke-width: 1; opacity: 0.28; stroke-dasharray: none; }
.bar-success { fill: var(--accent); } .bar-failure { fill: var(--bad); opacity: 0.85; }
.dot { fill: var(--accent); } .whisker { stroke: var(--accent); stroke-width: 2; stroke-linecap: round; }
.bad .dot { fill: var(--bad); } .bad .whisker { stroke: var(--bad); }
.limit { stroke: var(--limit); stroke-width: 1.5; } text.on-limit { fill: var(--limit); }
.plots {
  display: grid; gap: 24px 28px; margin-top: 20px;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 232px), 1fr));
}
.pair {
  display: grid; gap: 28px 48px; margin-top: 24px;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 300px), 1fr));
}
.pair figure { max-width: 420px; }
.plots svg, .pair svg { width: 100%; height: auto; overflow: visible; }
figcaption { font-size: 14px; font-weight: 600; margin-bottom: 6px; }
.plots figcaption span { color: var(--soft); font-weight: 400; }
.legend { display: flex; flex-wrap: wrap; gap: 6px 24px; margin-top: 16px; font-size: 14px; color: var(--soft); }
.legend span { display: inline-flex; align-items: center; gap: 8px; }
.terms { margin-top: 20px; display: grid; gap: 18px; font-size: 15px; max-width: 52em; }
.terms dt { font-weight: 600; }
.terms .source { color: var(--soft); font-size: 14px; }
code { font: 0.92em ui-monospace, "SF Mono", SFMono-Regular, Menlo, Consolas, monospace; white-space: pre-wrap; }
footer { padding-top: 64px; padding-bottom: 48px; color: var(--soft); font-size: 14px; }
@media (max-width: 520px) {
  .figures .value { font-size: 40px; }
  .said { font-size: 16px; }
  tbody th { min-width: 8em; }
  .named tbody th { min-width: 11em; }
}
@media print {
  :root {
    color-scheme: light;
    --page: #fff; --surface: #fff; --sunken: #eef0f0; --ink: #16191d; --soft: #565d66; --line: #dadddf; --edge: #858c94;
    --accent: #0b6e62; --accent-wash: #e2f1ee; --bad: #a52d1e; --limit: #8a5a00;
  }
  body { font-size: 11pt; }
  nav { display: none; }
  .scroll { overflow: visible; border: 0; }
  .scroll td, .scroll tbody th { min-width: 0; }
  table { font-size: 8.5pt; }
  th, td { padding: 3pt 5pt; }
  figure, tr, .figures { break-inside: avoid; }
  h2, h3, caption { break-after: avoid; }
}
"""
