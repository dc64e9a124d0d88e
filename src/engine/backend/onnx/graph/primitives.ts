import type { Attributes, PrimitiveName } from "./attributes.ts";
import type { Primitive } from "./primitive.ts";
import * as elementwise from "./primitives/elementwise.ts";
import * as index from "./primitives/index.ts";
import * as linear from "./primitives/linear.ts";
import * as movement from "./primitives/movement.ts";
import * as network from "./primitives/network.ts";
import * as reduce from "./primitives/reduce.ts";
import * as stored from "./primitives/stored.ts";

/** The one table of primitives. A name in `Attributes` without an entry here, or the reverse, does not compile. */
export const primitives: { readonly [P in PrimitiveName]: Primitive<Attributes[P]> } = {
  ...elementwise,
  ...index,
  ...linear,
  ...movement,
  ...network,
  ...reduce,
  ...stored,
};
