/** The page's own elements. */

/** The element of an id that the page's HTML has. */
export function byId<Name extends keyof HTMLElementTagNameMap>(
  id: string,
  _name: Name,
): HTMLElementTagNameMap[Name] {
  // The HTML and this code are one program.
  return document.getElementById(id) as HTMLElementTagNameMap[Name];
}

/** An element with its contents. */
export function make<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  properties: Partial<HTMLElementTagNameMap[Name]> = {},
  ...contents: (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...contents);
  return element;
}

/** Calls back once, when an element comes into view. */
export function whenSeen(element: Element, seen: () => void): void {
  const observer = new IntersectionObserver(
    (entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      observer.disconnect();
      seen();
    },
    { rootMargin: "0px 0px -10% 0px" },
  );
  observer.observe(element);
}

/** A choice of digit. @returns what is chosen. */
export function digitChips(
  place: Element,
  options: {
    readonly name: string;
    readonly legend: string;
    readonly first: number;
    readonly onPick: () => void;
  },
): () => number {
  const { name, legend, first, onPick } = options;
  const inputs = Array.from({ length: 10 }, (_, digit) =>
    make("input", { type: "radio", name, value: String(digit), checked: digit === first, onchange: onPick }),
  );
  const labels = inputs.map((input) => make("label", {}, input, input.value));
  place.append(make("fieldset", { className: "chips" }, make("legend", {}, legend), ...labels));
  return () => inputs.findIndex((input) => input.checked);
}
