import { expect, test } from "vitest";
import { JudgeKeys, keysNamedIn } from "../../../src/extension/engine/keys.ts";

function made() {
  const secrets = new Map<string, string>();
  const memory = new Map<string, unknown>();
  const keys = new JudgeKeys({
    secrets: {
      get: async (name) => secrets.get(name),
      store: async (name, value) => void secrets.set(name, value),
      delete: async (name) => void secrets.delete(name),
    },
    globalState: {
      get: <T>(name: string, preset?: T) => (memory.get(name) ?? preset) as T,
      update: async (name: string, value: unknown) => void memory.set(name, value),
    },
  });
  return { keys, secrets, memory };
}

test("keys are secrets, and nothing else knows more than their names", async () => {
  const { keys, secrets, memory } = made();
  await keys.set("OPENAI_API_KEY", "sk-1");
  await keys.set("A_KEY", "sk-2");
  expect(await keys.environment()).toEqual({ OPENAI_API_KEY: "sk-1", A_KEY: "sk-2" });
  expect(keys.names).toEqual(["A_KEY", "OPENAI_API_KEY"]);
  expect(JSON.stringify([...memory])).not.toContain("sk-");
  await keys.set("A_KEY", "");
  expect([keys.names, secrets.size]).toEqual([["OPENAI_API_KEY"], 1]);
});

test("a key that another window removed is left out", async () => {
  const { keys, secrets } = made();
  await keys.set("A_KEY", "sk-2");
  secrets.clear();
  expect(await keys.environment()).toEqual({});
});

test("what is no name of an environment variable is refused", async () => {
  await expect(made().keys.set("PATH=1", "x")).rejects.toThrow(RangeError);
});

test("names are found where judges of a file have them", () => {
  const text =
    '{ "judges": [{ "type": "endpoint", "key": "MY_KEY" }, { "key":"MY_KEY" }, { "key": "sk-1 2" }] }';
  expect(keysNamedIn(text)).toEqual(["MY_KEY"]);
});
