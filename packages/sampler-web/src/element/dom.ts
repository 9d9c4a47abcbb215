/** Elements made without HTML text, which strict pages forbid. */

/** Attributes by their names; `false` and `undefined` leave one out, `true` sets it empty. */
type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

/** An element of HTML with its attributes and contents. */
export function h<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Attributes = {},
  ...contents: (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    element.setAttribute(key, value === true ? "" : String(value));
  }
  element.append(...contents);
  return element;
}

/** Outlines in a square of 24. */
const ICONS = {
  play: { d: "M8 5.5v13l10.5-6.5z", solid: true },
  pause: { d: "M8.5 6v12M15.5 6v12", solid: false },
  again: { d: "M19.5 12a7.5 7.5 0 1 1-2.4-5.5M19.5 3.5v4h-4", solid: false },
  download: { d: "M12 4v11m0 0 4.5-4.5M12 15l-4.5-4.5M5 19.5h14", solid: false },
  dice: {
    d: "M6.5 4h11A2.5 2.5 0 0 1 20 6.5v11a2.5 2.5 0 0 1-2.5 2.5h-11A2.5 2.5 0 0 1 4 17.5v-11A2.5 2.5 0 0 1 6.5 4zM8.5 8.5h.01M15.5 8.5h.01M12 12h.01M8.5 15.5h.01M15.5 15.5h.01",
    solid: false,
  },
} as const;
export type IconName = keyof typeof ICONS;

/** A drawing beside or in place of words; readers skip it. */
export function icon(name: IconName): SVGSVGElement {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", ICONS[name].d);
  if (ICONS[name].solid) path.setAttribute("class", "solid");
  svg.append(path);
  return svg;
}
