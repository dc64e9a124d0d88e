import { expect, test } from "vitest";
import { formats } from "./formats.ts";
import { fuzz } from "./run.ts";

/** The short mutation test; `npm run fuzz -- --rounds 5000` goes on with other cases. */
const CASES = 25;

test.each(formats.map(({ name }) => name))(
  "%s, mutated, is read or refused: no crash, no hang, nothing lost without a report",
  async (name) => expect(await fuzz(name, 0, CASES)).toEqual([]),
  180_000,
);
