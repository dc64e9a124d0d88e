/**
 * The import rules of ARCHITECTURE.md, checked by `npm run check:imports`.
 * Rooms, each importing only those named behind it: ARCHITECTURE.md, "Rooms".
 */
const only = (name, from, allowed) => ({
  name,
  severity: "error",
  from: { path: `^src/${from}/` },
  to: { path: "^src/", pathNot: `^src/(${[from, ...allowed].join("|")})/` },
});

/** What the engine and the extension host both stand on. */
const shared = [
  "wording",
  "losses",
  "recipe",
  "dataset",
  "suites",
  "connection",
  "runFolder",
  "modelsHome",
  "statistics",
  "storage",
  "protocol",
];

/** Rooms of the engine, lowest first: each may import only those before it (and itself). */
const floors = [
  "download",
  "python",
  "tokenizer",
  "chat",
  "model",
  "backend",
  "session",
  "endpoint",
  "probe",
  "steer",
  "train",
  "evaluate",
  "report",
  "run",
  "server",
  "abilities",
  "commands",
];

/** Rooms of the onnx backend, lowest first, by the same rule. */
const onnxFloors = ["graph", "runtime", "decoder", "loss", "programs"];

/** One rule for each room of a list in which every room may import only those before it. */
const downOnly = (folder, rooms) =>
  rooms.map((room, i) => ({
    name: `${folder.replaceAll("/", "-")}-${room}-looks-down-only`,
    severity: "error",
    from: { path: `^src/${folder}/${room}/` },
    to: { path: `^src/${folder}/(${rooms.slice(i + 1).join("|") || "$none"})/` },
  }));

module.exports = {
  forbidden: [
    {
      name: "no-circular",
      severity: "error",
      from: {},
      to: { circular: true },
    },
    only("wording-imports-nothing", "wording", []),
    only("losses-import-nothing", "losses", []),
    only("protocol-imports-losses-wording", "protocol", ["losses", "wording"]),
    only("suites-import-storage-protocol", "suites", ["storage", "protocol"]),
    only("dataset-imports-suites-storage-protocol", "dataset", ["suites", "storage", "protocol"]),
    only("storage-imports-nothing", "storage", []),
    only("statistics-imports-protocol", "statistics", ["protocol"]),
    only("connection-imports-protocol", "connection", ["protocol"]),
    only("recipe-imports-dataset-suites-models-home-storage-statistics-protocol-wording", "recipe", [
      "dataset",
      "suites",
      "modelsHome",
      "storage",
      "statistics",
      "protocol",
      "wording",
    ]),
    only("run-folder-imports-recipe-storage-statistics-protocol", "runFolder", [
      "recipe",
      "storage",
      "statistics",
      "protocol",
    ]),
    only("models-home-imports-storage-protocol", "modelsHome", ["storage", "protocol"]),
    only("engine-imports-shared-rooms", "engine", shared),
    only("extension-imports-shared-rooms", "extension", shared),
    only("webview-imports-protocol-statistics-wording", "webview", ["protocol", "statistics", "wording"]),
    ...["chart", "toolkit"].map((library) => ({
      name: `${library}-library-behind-one-module`,
      severity: "error",
      from: { path: "^src/webview/", pathNot: `^src/webview/ui/${library}\\.ts$` },
      to: {
        path: `(^|/)(${library === "chart" ? "chart\\.js|chartjs-plugin-zoom|hammerjs" : "@vscode/webview-ui-toolkit"})(/|$)`,
      },
    })),
    {
      name: "vscode-only-in-extension",
      severity: "error",
      from: { pathNot: "^src/extension/" },
      to: { path: "^vscode$" },
    },
    {
      name: "onnxruntime-only-in-runtime",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/engine/backend/onnx/runtime/" },
      to: { path: "(^|/)onnxruntime-(node|common)(/|$)" },
    },
    {
      name: "tokenizers-only-behind-its-check",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/engine/tokenizer/tokenizerLibrary\\.ts$" },
      to: { path: "(^|/)tokenizers(/|$)", dependencyTypes: ["npm"] },
    },
    {
      name: "backends-behind-their-interface",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/engine/backend/(onnx/|torch/|deviceChoice/|open\\.ts$)" },
      to: { path: "^src/engine/backend/(onnx|torch)/" },
    },
    ...[
      ["onnx", "torch"],
      ["torch", "onnx"],
    ].map(([from, to]) => ({
      name: `backend-${from}-knows-no-${to}`,
      severity: "error",
      from: { path: `^src/engine/backend/${from}/` },
      to: { path: `^src/engine/backend/${to}/` },
    })),
    ...downOnly("engine", floors),
    ...downOnly("engine/backend/onnx", onnxFloors),
    {
      name: "no-imports-from-test",
      severity: "error",
      from: { path: "^src/" },
      to: { path: "^(test|scripts)/" },
    },
    {
      name: "not-to-unresolvable",
      severity: "error",
      from: {},
      to: { couldNotResolve: true, pathNot: "^vscode$" },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: {
      extensions: [".ts", ".tsx", ".js", ".json"],
      exportsFields: ["exports"],
      conditionNames: ["import", "require", "node", "default"],
    },
  },
};
