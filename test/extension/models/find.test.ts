import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { adaptersOf, byPlace, findAll, type Place, recipeName } from "../../../src/extension/models/find.ts";
import { adapterRow, modelRow, placeRow } from "../../../src/extension/models/rows.ts";
import { commitOf } from "../../hubServer.ts";
import { tempFolder } from "../../tempFolder.ts";

const put = async (path: string, content = "{}") => {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
};
const model = async (folder: string) => {
  await put(join(folder, "config.json"));
  await put(join(folder, "model.safetensors"));
};
const adapter = async (folder: string, base: string | null) => {
  await put(join(folder, "adapter_config.json"), JSON.stringify({ base_model_name_or_path: base }));
  await put(join(folder, "adapter_model.safetensors"));
};

async function found() {
  const root = tempFolder();
  const places: Place[] = [
    { kind: "workspace", title: "w", folder: join(root, "w"), within: "models" },
    { kind: "workspace", title: "w", folder: join(root, "w") },
    { kind: "home", title: "models home", folder: join(root, "home") },
    { kind: "cache", title: "Hugging Face cache", folder: join(root, "cache") },
  ];
  await model(join(root, "w/models/tiny"));
  await adapter(join(root, "w/adapters/one"), "/elsewhere/tiny");
  await adapter(join(root, "w/adapters/two"), null);
  await model(join(root, "w/runs/a/model"));
  await put(join(root, "home/smollm2-135m/model.gguf"));
  const snapshot = (id: string) =>
    join(root, "cache", `models--${id.replace("/", "--")}`, "snapshots", commitOf("a"));
  await model(snapshot("owner/name"));
  await put(join(snapshot("owner/half"), "config.json"));
  await adapter(snapshot("owner/lora"), "HuggingFaceTB/SmolLM2-135M-Instruct");
  const all = await findAll(places, (path) => path.startsWith(join(root, "w/runs")));
  return { all, of: (name: string) => all.find((one) => one.name === name)! };
}

test("models and adapters stand under the place that has them first; what runs made is left out", async () => {
  const { all } = await found();
  expect(byPlace(all).map(({ place, models }) => [place.title, models.map(({ name }) => name)])).toEqual([
    ["w", ["tiny", "adapters/one", "adapters/two"]],
    ["models home", ["smollm2-135m"]],
    ["Hugging Face cache", ["owner/half", "owner/lora", "owner/name"]],
  ]);
  expect(await findAll([], () => false)).toEqual([]);
});

test("an adapter belongs to the model that it names, by any of that model's names", async () => {
  const { all, of } = await found();
  expect(adaptersOf(of("tiny"), all).map(({ name }) => name)).toEqual(["adapters/one"]);
  expect(adaptersOf(of("smollm2-135m"), all).map(({ name }) => name)).toEqual(["owner/lora"]);
  expect(adaptersOf(of("owner/name"), all)).toEqual([]);
});

test("recipes name shortly what is found from anywhere, and the rest by its path", async () => {
  const { of } = await found();
  expect(["smollm2-135m", "owner/name", "tiny"].map((name) => recipeName(of(name)))).toEqual([
    "smollm2-135m",
    "owner/name",
    of("tiny").path,
  ]);
});

test("rows say what is there, what is missing and what cannot be used", async () => {
  const { all, of } = await found();
  const cache = byPlace(all).at(-1)!;
  expect(placeRow(cache.place, cache.models)).toMatchObject({
    description: "2 models · 1 adapter · 1 kB",
    icon: "cloud",
  });
  expect(placeRow(byPlace(all)[0]!.place, byPlace(all)[0]!.models)).toMatchObject({
    description: "1 model · 2 adapters",
    icon: "root-folder",
  });
  const home = byPlace(all)[1]!;
  expect(placeRow(home.place, home.models)).toMatchObject({ description: "1 model", icon: "home" });
  expect(modelRow(of("owner/half"), undefined)).toMatchObject({
    description: "the download is incomplete: model.safetensors is missing",
    icon: "warning",
    context: "model+incomplete+hub",
  });
  expect(modelRow(of("tiny"), { problem: "No." })).toMatchObject({
    description: "cannot be used: No.",
    icon: "error",
    context: "model+broken",
  });
  expect(modelRow(of("owner/name"), undefined).context).toBe("model+hub");
  expect(modelRow(of("tiny"), undefined)).toMatchObject({
    description: "",
    icon: "package",
    context: "model",
  });
  expect(adapterRow(of("adapters/one"))).toMatchObject({
    description: "adapter of tiny",
    context: "adapter",
  });
  expect(adapterRow(of("adapters/two")).description).toBe("adapter");
  expect(adapterRow(of("owner/lora"))).toMatchObject({
    description: "adapter of SmolLM2-135M-Instruct",
    context: "adapter+hub",
  });
});
