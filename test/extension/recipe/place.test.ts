import { expect, test } from "vitest";
import { placeTitle, withPlace } from "../../../src/extension/recipe/place.ts";
import { auto, measured } from "../device/measured.ts";

test("the lens says what is named, and what auto stands for once that is known", () => {
  expect(placeTitle(auto, null)).toBe("auto");
  expect(placeTitle(auto, measured)).toBe("auto: cuda by torch (bfloat16)");
  expect(placeTitle({ backend: "torch", device: "auto" }, null)).toBe("auto by torch");
  expect(placeTitle({ backend: "auto", device: "cpu" }, null)).toBe("cpu");
  expect(placeTitle({ backend: "torch", device: "cpu" }, null)).toBe("cpu by torch");
});

test("what is chosen is written as keys of the recipe, and auto as none; the rest of the text stays", () => {
  const text = '{\n  "name": "r",\n  "device": "webgpu",\n  "stages": []\n}\n';
  const torch = withPlace(text, { backend: "torch", device: "cuda" });
  expect(JSON.parse(torch)).toEqual({ name: "r", backend: "torch", device: "cuda", stages: [] });
  expect(torch).toContain('"name": "r",\n');
  expect(withPlace(text, auto)).toBe('{\n  "name": "r",\n  "stages": []\n}\n');
});
