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
  "discern.walkthrough.opens": false,
  "discern.runs.openReport": false,
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "chat.disableAIFeatures": true,
  "chat.commandCenter.enabled": false,
  "git.enabled": false,
  "git.openRepositoryInParentFolders": "never",
  "editor.minimap.enabled": false,
  "editor.cursorBlinking": "solid",
  // A modal editor would lie over what a test looks at next.
  "workbench.editor.useModal": "off",
  "window.confirmBeforeClose": "never",
  // In a browser the editor saves by itself. On a desktop, where Discern is used, it does not.
  "files.autoSave": "off",
  // Without a prompt a folder that is not trusted opens restricted at once.
  "security.workspace.trust.startupPrompt": "never",
};

/** The editor's own theme of each kind: its id in settings, its label for people, and the class of a workbench that has it. */
export const themes = {
  light: { id: "Light 2026", label: "Light 2026", className: "vs" },
  dark: { id: "Dark 2026", label: "Dark 2026", className: "vs-dark" },
  "high-contrast": { id: "Default High Contrast", label: "Dark High Contrast", className: "hc-black" },
  "high-contrast-light": {
    ...{ id: "Default High Contrast Light", label: "Light High Contrast", className: "hc-light" },
  },
} as const;
export type Theme = keyof typeof themes;
