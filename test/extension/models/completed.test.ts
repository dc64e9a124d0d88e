import { expect, test } from "vitest";
import { suggestionsFor, wantedAt } from "../../../src/extension/models/completed.ts";
import type { Model, Place } from "../../../src/extension/models/find.ts";
import { valueAt } from "../../../src/extension/recipe/valueAt.ts";

/** What is wanted at the `|` of a text, and the text that it replaces. */
function at(marked: string) {
  const offset = marked.indexOf("|");
  const text = marked.replace("|", "");
  const typed = valueAt(text, offset);
  const kind = typed && wantedAt(typed.path);
  return kind && [kind, text.slice(typed.offset, typed.offset + typed.length)];
}

test("models are offered where a recipe names its model, adapters where it names what it begins with", () => {
  expect(at('{ "model": "sm|" }')).toEqual(["model", '"sm"']);
  expect(at('{ "model": | }')).toEqual(["model", ""]);
  expect(at('{ "model": { "base": "|" } }')).toEqual(["model", '""']);
  expect(at('{ "model": { "base": "m", "adapters": ["a", "|"] } }')).toEqual(["adapter", '""']);
  expect(at('{ "adapter": "|" }')).toEqual(["adapter", '""']);
  // Files that describe several runs hold the recipe, or change it.
  expect(at('{ "recipe": { "model": "sm|" } }')).toEqual(["model", '"sm"']);
  expect(at('{ "recipe": { "model": { "adapters": ["|"] } } }')).toEqual(["adapter", '""']);
  expect(at('{ "set": { "model": "|" } }')).toEqual(["model", '""']);
  for (const elsewhere of [
    '{ "mod|": "m" }',
    '{ "name": "|" }',
    '{ "model": { "b|" } }',
    '{ "data": { "model": "|" } }',
    '{ "recipe": "|" }',
    '{ "judges": [{ "model": "|" }] }',
    "|",
  ])
    expect(at(elsewhere), elsewhere).toBeNull();
});

test("what cannot be used is not offered, and names are those that a recipe takes", () => {
  const cache: Place = { kind: "cache", title: "Hugging Face cache", folder: "/cache" };
  const model = (name: string, change: Partial<Model> = {}): Model => ({
    ...{ name, path: `/x/${name}`, kind: "model", place: cache, hub: null },
    ...{ bytes: null, problem: null, incomplete: false, base: null, ...change },
  });
  const own: Place = { kind: "workspace", title: "w", folder: "/w" };
  const all = [
    model("o/a"),
    model("o/b", { problem: "gone" }),
    model("c", { place: own }),
    model("o/l", { kind: "adapter" }),
  ];
  expect(suggestionsFor("model", all)).toEqual([
    { name: "o/a", description: "Hugging Face cache" },
    { name: "/x/c", description: "w" },
  ]);
  expect(suggestionsFor("adapter", all).map(({ name }) => name)).toEqual(["o/l"]);
});
