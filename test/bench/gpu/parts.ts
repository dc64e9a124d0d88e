import type { Context } from "./context.ts";
import { checkDispatch } from "./dispatch.ts";
import { measureFigures } from "./figures.ts";
import { describeMachine } from "./machine.ts";
import { checkParity } from "./parity.ts";
import { checkPlacement } from "./placement.ts";
import { shapes } from "./shapes.ts";
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

/** The shape that parity is looked at on: the smallest that is chosen. */
const parityLimit = 75;
/** Seconds that a side may take on a shape. */
const limits: Readonly<Record<SideName, number>> = { webgpu: 110, torch: 75, transformers: 60, compiled: 70 };
/** What tells most comes first, for a check that runs out of time. */
const order: readonly (readonly [SideName, string])[] = [
  ["torch", "135M"],
  ["transformers", "135M"],
  ["torch", "1.5B"],
  ["torch", "8B"],
  ["transformers", "8B"],
  ["webgpu", "1.5B"],
  ["transformers", "1.5B"],
  ["compiled", "8B"],
  ["compiled", "1.5B"],
  ["webgpu", "8B"],
];

/** All parts for the chosen shapes, in the order in which they run. */
export function partsFor(chosen: readonly string[]): Part[] {
  const smallest = Object.keys(shapes).find((name) => chosen.includes(name));
  if (smallest === undefined) return [];
  const figures = (side: SideName, shape: string): Part => ({
    name: side,
    shape,
    title: `${sideKinds[side].title}, ${shape}`,
    limit: limits[side],
    run: (context) => measureFigures(context, sideKinds[side], shape),
  });
  const sides = Object.keys(sideKinds) as SideName[];
  return [
    { name: "machine", shape: null, title: "the machine", limit: 40, run: describeMachine },
    ...chosen
      .filter((shape) => shape === "tiny")
      .flatMap((shape) => sides.map((side) => figures(side, shape))),
    ...chosen.filter((shape) => shape === "135M").map((shape) => figures("webgpu", shape)),
    { name: "placement", shape: null, title: "where nodes run", limit: 60, run: checkPlacement },
    {
      name: "parity",
      shape: smallest,
      title: `parity, ${smallest}`,
      limit: parityLimit,
      run: (context) => checkParity(context, smallest),
    },
    { name: "dispatch", shape: null, title: "time of a node", limit: 40, run: checkDispatch },
    ...order.filter(([, shape]) => chosen.includes(shape)).map(([side, shape]) => figures(side, shape)),
  ];
}
