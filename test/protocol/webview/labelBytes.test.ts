import { expect, test } from "vitest";
import {
  labelOfByte,
  labelStates,
  packLabel,
  unpackLabel,
} from "../../../src/protocol/webview/labelBytes.ts";

test("a label and its flags survive the byte", () => {
  for (const state of labelStates) {
    for (const decided of [false, true]) {
      for (const disputed of [false, true]) {
        const byte = packLabel({ state, decided, disputed });
        expect(byte).toBeLessThan(256);
        expect(unpackLabel(byte)).toEqual({ state, decided, disputed });
      }
    }
  }
});

test("only the three labels count as labels", () => {
  const labels = labelStates.map((state) => labelOfByte(packLabel({ state, decided: true, disputed: true })));
  expect(labels).toEqual([undefined, "toxic", "seemingly_toxic", "general", undefined, undefined]);
});
