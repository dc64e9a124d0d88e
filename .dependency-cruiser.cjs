/**
 * The import rules of ARCHITECTURE.md, checked by `npm run check:imports`.
 * Rooms: webview → protocol; extension → dataset, protocol; engine → dataset, protocol; dataset → protocol.
 */
const only = (name, from, allowed) => ({
  name,
  severity: "error",
  from: { path: `^src/${from}/` },
  to: { path: "^src/", pathNot: `^src/(${[from, ...allowed].join("|")})/` },
});

/** Rooms of the engine, lowest first: each may import only those before it (and itself). */
const floors = [
  "storage",
  "graph",
  "runtime",
  "model",
  "loss",
  "probe",
  "train",
  "evaluate",
  "run",
  "server",
  "abilities",
  "commands",
];

module.exports = {
  forbidden: [
    {
      name: "no-circular",
      severity: "error",
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
    only("protocol-imports-nothing", "protocol", []),
    only("dataset-imports-protocol", "dataset", ["protocol"]),
    only("engine-imports-dataset-protocol", "engine", ["dataset", "protocol"]),
    only("extension-imports-dataset-protocol", "extension", ["dataset", "protocol"]),
    only("webview-imports-protocol", "webview", ["protocol"]),
    {
      name: "vscode-only-in-extension",
      severity: "error",
      from: { pathNot: "^src/extension/" },
      to: { path: "^vscode$" },
    },
    {
      name: "onnxruntime-only-in-runtime",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/engine/runtime/" },
      to: { path: "(^|/)onnxruntime-(node|common)(/|$)" },
    },
    ...floors.map((floor, i) => ({
      name: `engine-${floor}-looks-down-only`,
      severity: "error",
      from: { path: `^src/engine/${floor}/` },
      to: { path: `^src/engine/(${floors.slice(i + 1).join("|") || "$none"})/` },
    })),
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
      extensions: [".ts", ".js", ".json"],
      exportsFields: ["exports"],
      conditionNames: ["import", "require", "node", "default"],
    },
  },
};
