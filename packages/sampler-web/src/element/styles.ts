import { CLASS_COLUMNS } from "./layout.js";

/** How the element looks. Colours follow the page: its text colour, and its `color-scheme` for the accent. */
export const STYLES = `
:host {
  --accent: var(--diffusion-accent, light-dark(#3d4fd1, #a3b1ff));
  --on-accent: var(--diffusion-on-accent, light-dark(#fff, #14172b));
  --line: color-mix(in srgb, currentColor 48%, transparent);
  --hairline: color-mix(in srgb, currentColor 16%, transparent);
  --surface: color-mix(in srgb, currentColor 7%, transparent);
  display: block;
  container-type: inline-size;
  font-size: 0.9375rem;
  line-height: 1.4;
  accent-color: var(--accent);
}
:host([hidden]) { display: none; }
* { box-sizing: border-box; }
[hidden] { display: none !important; }
.grid {
  display: grid;
  grid-template-columns: repeat(var(--diffusion-columns, var(--columns, 5)), minmax(0, 1fr));
  gap: var(--diffusion-gap, 6px);
}
canvas {
  display: block;
  width: 100%;
  border-radius: var(--diffusion-radius, 6px);
  background: var(--surface);
  image-rendering: var(--diffusion-rendering, pixelated);
}
.grid.waiting canvas { opacity: 0.35; }
progress {
  display: block;
  appearance: none;
  width: 100%;
  height: 4px;
  margin: 12px 0 0;
  border: 0;
  border-radius: 2px;
  overflow: hidden;
  background: var(--hairline);
}
progress::-webkit-progress-bar { background: var(--hairline); }
progress::-webkit-progress-value { background: var(--accent); }
progress::-moz-progress-bar { background: var(--accent); }
.controls { display: grid; gap: 12px; margin-top: 12px; }
.bar { display: flex; align-items: center; gap: 10px; }
.bar input { flex: 1; min-width: 0; margin: 0; height: 24px; }
.count { min-width: 4.5em; text-align: end; font-variant-numeric: tabular-nums; opacity: 0.85; }
button, input[type="number"] {
  font: inherit;
  color: inherit;
  height: 40px;
  border: 1px solid var(--line);
  border-radius: 10px;
  background: transparent;
}
button {
  display: inline-grid;
  place-items: center;
  flex: none;
  min-width: 40px;
  padding: 0 10px;
  cursor: pointer;
}
button:hover { background: var(--surface); }
button.play { border-color: transparent; border-radius: 50%; padding: 0; background: var(--accent); color: var(--on-accent); }
button.play:hover { background: color-mix(in srgb, var(--accent) 88%, currentColor); }
button:disabled { opacity: 0.45; cursor: default; }
svg { width: 20px; height: 20px; fill: none; stroke: currentColor; stroke-width: 1.8; stroke-linecap: round; stroke-linejoin: round; }
svg .solid { fill: currentColor; }
:focus-visible, label:has(input:focus-visible) { outline: 2px solid var(--accent); outline-offset: 2px; }
fieldset { display: flex; flex-wrap: wrap; gap: 6px; min-width: 0; margin: 0; padding: 0; border: 0; }
fieldset label {
  position: relative;
  display: grid;
  place-items: center;
  min-width: 36px;
  height: 36px;
  padding: 0 10px;
  border: 1px solid var(--line);
  border-radius: 18px;
  cursor: pointer;
}
fieldset label:hover { background: var(--surface); }
fieldset label:has(:checked) { border-color: transparent; background: var(--accent); color: var(--on-accent); }
fieldset input { position: absolute; inset: 0; margin: 0; opacity: 0; cursor: pointer; }
.options { display: flex; flex-wrap: wrap; gap: 10px 18px; align-items: center; }
.options label { display: inline-flex; align-items: center; gap: 8px; }
.options .pair { display: inline-flex; align-items: center; gap: 6px; }
input[type="number"] { width: 5.6em; padding: 0 4px 0 12px; font-variant-numeric: tabular-nums; }
.state { min-height: 1.4em; margin: 0; text-wrap: balance; opacity: 0.85; font-size: 0.92em; }
.error { margin-top: 12px; padding: 12px 14px; border: 1px solid var(--line); border-radius: 10px; background: var(--surface); overflow-wrap: anywhere; }
.error p { margin: 0 0 8px; }
.error strong { font-weight: 600; }
.unseen {
  position: absolute;
  width: 1px;
  height: 1px;
  overflow: hidden;
  clip-path: inset(50%);
  white-space: nowrap;
}
@container (max-width: 480px) {
  fieldset.short { display: grid; grid-template-columns: repeat(${CLASS_COLUMNS}, minmax(0, 1fr)); }
  fieldset.short label { min-width: 0; height: 40px; padding: 0; border-radius: 20px; }
  fieldset.short label:first-of-type { grid-column: span var(--all); }
}
@container (max-width: 430px) {
  .options { gap: 10px 12px; }
  input[type="number"] { width: 4.7em; }
}
@media (forced-colors: active) {
  fieldset label:has(:checked) { outline: 2px solid Highlight; }
}
`;
