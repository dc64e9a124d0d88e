import { chmod, cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { type BuildOptions, build } from "esbuild";
import { benchmarkJsonSchema } from "../src/protocol/benchmark.ts";
import { comparisonJsonSchema } from "../src/protocol/comparison.ts";
import { recipeJsonSchema } from "../src/protocol/recipe.ts";
import { suiteJsonSchema } from "../src/protocol/suiteDeclaration.ts";
import { sweepJsonSchema } from "../src/protocol/sweep.ts";
import { editorSchema } from "./editorSchema.ts";
import { buildPages } from "./pages.ts";

const root = join(import.meta.dirname, "..");

/** The Node.js of the oldest VS Code in `engines.vscode`, which CONTRIBUTING.md explains. The engine runs on it too. */
const node = "node22.15";

/** What is built. Native code stays outside; packages written for `require` find it in the banner. */
const engine: BuildOptions = {
  platform: "node",
  target: node,
  format: "esm",
  external: ["onnxruntime-node", "tokenizers"],
  banner: {
    js: 'import { createRequire as makeRequire } from "node:module"; const require = makeRequire(import.meta.url);',
  },
};
const targets: { in: string; out: string; options: BuildOptions }[] = [
  {
    in: "src/engine/start.ts",
    out: "dist/cli.js",
    options: {
      ...engine,
      banner: { js: "#!/usr/bin/env node" },
      plugins: [
        {
          name: "the commands are a bundle of their own, read only when they are wanted",
          setup: ({ onResolve }) =>
            onResolve({ filter: /^\.\/cli\.ts$/ }, () => ({ path: "./commands.js", external: true })),
        },
      ],
    },
  },
  { in: "src/engine/cli.ts", out: "dist/commands.js", options: engine },
  { in: "src/engine/backend/deviceChoice/trialProcess.ts", out: "dist/deviceTrial.js", options: engine },
  {
    in: "src/engine/server/livenessWorker.ts",
    out: "dist/livenessWorker.js",
    options: engine,
  },
  {
    // A thread of the engine and of the extension host alike.
    in: "src/dataset/parquetWorker.ts",
    out: "dist/parquetWorker.cjs",
    options: { platform: "node", target: node, format: "cjs" },
  },
  {
    in: "src/extension/extension.ts",
    out: "dist/extension.cjs",
    options: {
      platform: "node",
      target: node,
      format: "cjs",
      external: ["vscode"],
      // A CommonJS module has no import.meta; the folder it lies in has another name there.
      define: { "import.meta.dirname": "__dirname" },
    },
  },
];

for (const { in: entry, out, options } of targets) {
  await build({
    ...options,
    entryPoints: [join(root, entry)],
    outfile: join(root, out),
    bundle: true,
    // jsonc-parser's `main` is UMD, which a bundler cannot follow; its `module` is plain ESM.
    mainFields: ["module", "main"],
    sourcemap: "linked",
    logLevel: "warning",
  });
}
await chmod(join(root, "dist/cli.js"), 0o755);

// What Pythons are asked with, and what an environment is made of.
for (const name of ["probe.py", "requirements.txt"]) {
  await cp(join(root, "src/engine/python", name), join(root, "dist/python", name));
}

// The PyTorch worker's package.
await cp(join(root, "src/engine/backend/torch/worker"), join(root, "dist/torch/worker"), {
  recursive: true,
  filter: (path) => !path.includes("__pycache__"),
});

await buildPages();
for (const [kind, schema] of [
  ["recipe", recipeJsonSchema()],
  ["comparison", comparisonJsonSchema()],
  ["benchmark", benchmarkJsonSchema()],
  ["sweep", sweepJsonSchema()],
  ["suite", suiteJsonSchema()],
] as const) {
  const write = (name: string, value: unknown) =>
    writeFile(join(root, `dist/${name}.schema.json`), `${JSON.stringify(value, null, 2)}\n`);
  await write(kind, schema);
  await write(`${kind}.editor`, editorSchema(schema));
}

// The icons of tabs are files, in the colours that VS Code's own icons have in light and dark themes.
const codicons = dirname(createRequire(import.meta.url).resolve("@vscode/codicons/dist/codicon.css"));
await mkdir(join(root, "dist/icons"), { recursive: true });
for (const name of ["tag", "graph-line"]) {
  const icon = await readFile(join(codicons, "../src/icons", `${name}.svg`), "utf8");
  for (const [theme, colour] of [
    ["light", "#424242"],
    ["dark", "#C5C5C5"],
  ] as const) {
    await writeFile(join(root, `dist/icons/${name}-${theme}.svg`), icon.replaceAll("currentColor", colour));
  }
}
