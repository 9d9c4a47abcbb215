/** Ten handwritten digits of MNIST's test images, which the network has not learnt from. */
import { make } from "./dom.js";
import { fromGrey, paint, pictureCanvas, SIDE, type Values } from "./picture.js";

/** digits.bin: uint8 [10,32,32], a picture of each digit. */
export async function realDigits(): Promise<Values[]> {
  const bytes = new Uint8Array(await (await fetch("digits.bin")).arrayBuffer());
  const area = SIDE * SIDE;
  return Array.from({ length: bytes.length / area }, (_, i) =>
    fromGrey(bytes.subarray(i * area, (i + 1) * area)),
  );
}

/** A button for each digit; the last one pressed stays so. */
export function digitButtons(
  place: Element,
  digits: readonly Values[],
  onPick: (digit: number) => void,
): readonly HTMLButtonElement[] {
  const buttons = digits.map((values, digit) => {
    const canvas = pictureCanvas("");
    canvas.ariaHidden = "true";
    paint(canvas, values);
    const button = make(
      "button",
      { type: "button", ariaLabel: `Digit ${digit}`, ariaPressed: "false" },
      canvas,
    );
    button.addEventListener("click", () => {
      for (const other of buttons) other.ariaPressed = String(other === button);
      onPick(digit);
    });
    return button;
  });
  place.append(...buttons);
  return buttons;
}
