import type { Context } from "./context.ts";
import { checkDispatch } from "./dispatch.ts";
import { measureFigures } from "./figures.ts";
import { describeMachine } from "./machine.ts";
import { checkParity } from "./parity.ts";
import { checkPlacement } from "./placement.ts";
import { type SideName, sideKinds } from "./sides.ts";

/** A piece of the check, with a time limit of its own: what goes wrong in it costs its rows alone. */
export interface Part {
  /** What `--parts` names it by. */
  readonly name: string;
  /** The shape it is of, where it is of one. */
  readonly shape: string | null;
  readonly title: string;
  /** Seconds after which it is cut off. */
  readonly limit: number;
  run(context: Context): Promise<void>;
}

/** Seconds that a side may take on a shape. */
const limits: Readonly<Record<SideName, number>> = {
  webgpu: 110,
  torch: 80,
  transformers: 70,
  compiled: 70,
};

/**
 * The order in which parts run: what tells most comes first, since a check may run out of time. A model that people train comes
 * before one for trials, and what Discern does before what it is held against.
 */
const order: readonly (readonly [part: string, shape?: string])[] = [
  ["machine"],
  ["webgpu", "tiny"],
  ["torch", "tiny"],
  ["transformers", "tiny"],
  ["torch", "1.5B"],
  ["torch", "8B"],
  ["transformers", "1.5B"],
  ["transformers", "8B"],
  ["parity"],
  ["torch", "135M"],
  ["transformers", "135M"],
  ["webgpu", "1.5B"],
  ["compiled", "8B"],
  ["placement"],
  ["dispatch"],
  ["webgpu", "135M"],
  ["compiled", "1.5B"],
  ["webgpu", "8B"],
];

/** Parts that are of no side, or of all of them. @param small the shape on which devices are held against the CPU. */
function general(small: string): Readonly<Record<string, Omit<Part, "name">>> {
  return {
    machine: { shape: null, title: "the machine", limit: 40, run: describeMachine },
    placement: { shape: null, title: "where nodes run", limit: 60, run: checkPlacement },
    parity: {
      shape: small,
      title: `parity, ${small}`,
      limit: 90,
      run: (context) => checkParity(context, small),
    },
    dispatch: { shape: null, title: "time of a node", limit: 40, run: checkDispatch },
  };
}

/** All parts for the chosen shapes, in the order in which they run. */
export function partsFor(chosen: readonly string[]): Part[] {
  const others = general(chosen.includes("tiny") ? "tiny" : "small");
  return order.flatMap(([name, shape]): Part[] => {
    if (shape === undefined) return [{ name, ...others[name]! }];
    if (!chosen.includes(shape)) return [];
    const side = name as SideName;
    const kind = sideKinds[side];
    return [
      {
        name,
        shape,
        title: `${kind.title}, ${shape}`,
        limit: limits[side],
        run: (context) => measureFigures(context, kind, shape),
      },
    ];
  });
}
