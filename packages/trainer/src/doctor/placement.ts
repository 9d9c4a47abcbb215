/** On which of ONNX Runtime's providers the nodes of a session landed, as its verbose log says. */

/** The nodes of one provider, those in the bodies of Loop, If and Scan among them. */
interface Placement {
  /** ONNX Runtime's name, such as "CUDAExecutionProvider". */
  readonly provider: string;
  readonly count: number;
  /** `Operator (name)` of each. Empty where one provider has all nodes: the log does not list them then. */
  readonly nodes: readonly string[];
}

/** What a session's log says. */
export interface PlacedNodes {
  readonly placements: readonly Placement[];
  /** Copies between host and device that ONNX Runtime put in, in all graphs; they count as nodes of the device. */
  readonly copies: readonly string[];
}

const SPEAKER = "VerifyEachNodeIsAssignedToAnEp] ";
const TOTAL = /^ (?:All nodes|Node\(s\)) placed on \[(\w+)\]\. Number of nodes: (\d+)$/;
const COPY = /AddCopyNode\] Add (.*) for \w+$/;

/**
 * Reads the log of the making of one session, at verbosity `logSeverityLevel: 0`. ONNX Runtime says it in
 * core/framework/session_state.cc (VerifyEachNodeIsAssignedToAnEp) and core/optimizer/transformer_memcpy.cc.
 *
 * @throws Error where the log names no placements, or not as many nodes as it counts.
 */
export function parsePlacement(log: string): PlacedNodes {
  const placements: (Placement & { nodes: string[] })[] = [];
  const copies: string[] = [];
  const lines = log.split(/\r?\n/);
  for (const line of lines) {
    const copy = COPY.exec(line)?.[1];
    if (copy !== undefined) copies.push(copy);
    const at = line.indexOf(SPEAKER);
    if (at < 0) continue;
    const said = line.slice(at + SPEAKER.length);
    const [, provider, count] = TOTAL.exec(said) ?? [];
    if (provider !== undefined) placements.push({ provider, count: Number(count), nodes: [] });
    else if (said.startsWith("  ")) placements.at(-1)?.nodes.push(said.trim());
  }
  if (placements.length === 0)
    throw new Error(
      `ONNX Runtime's log: none of ${lines.length} lines names a placement of nodes, expected "All nodes placed on [...]"; ` +
        "log at severity 0, or see what this version of ONNX Runtime says",
    );
  for (const { provider, count, nodes } of placements) {
    if (nodes.length === count || (nodes.length === 0 && placements.length === 1)) continue;
    throw new Error(
      `ONNX Runtime's log: ${provider} lists ${nodes.length} nodes, expected ${count}; is it the log of one session, and whole?`,
    );
  }
  return { placements, copies };
}
