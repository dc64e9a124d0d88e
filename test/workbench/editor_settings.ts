/** A setting's name and value, as in the editor's settings.json. */
export type EditorSettings = Readonly<Record<string, unknown>>;

/** What an editor is set to when it is only about Discern: nothing else speaks up, moves, or asks the network. */
export const quietSettings: EditorSettings = {
  "telemetry.telemetryLevel": "off",
  "update.mode": "none",
  "extensions.autoCheckUpdates": false,
  "extensions.ignoreRecommendations": true,
  "workbench.enableExperiments": false,
  "workbench.settings.enableNaturalLanguageSearch": false,
  "workbench.startupEditor": "none",
  "workbench.tips.enabled": false,
  "workbench.welcomePage.walkthroughs.openOnInstall": false,
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "chat.disableAIFeatures": true,
  "chat.commandCenter.enabled": false,
  "git.enabled": false,
  "git.openRepositoryInParentFolders": "never",
  "editor.minimap.enabled": false,
  "window.confirmBeforeClose": "never",
  // In a browser the editor saves by itself. On a desktop, where Discern is used, it does not.
  "files.autoSave": "off",
  // Without a prompt a folder that is not trusted opens restricted at once.
  "security.workspace.trust.startupPrompt": "never",
};

/** The kinds of theme an editor can have: the editor's own theme of each, and the class it gives the workbench. */
export const themes = {
  light: { name: "Light 2026", className: "vs" },
  dark: { name: "Dark 2026", className: "vs-dark" },
  "high-contrast": { name: "Default High Contrast", className: "hc-black" },
} as const;
export type Theme = keyof typeof themes;
