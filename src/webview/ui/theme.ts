/** The value of a theme colour such as `charts-red`; canvases cannot resolve CSS variables themselves. */
export function themeColor(id: string): string {
  return getComputedStyle(document.body).getPropertyValue(`--vscode-${id}`).trim();
}

export type ThemeKind = "light" | "dark" | "high-contrast" | "high-contrast-light";

/** The kind of the theme that is shown; VS Code writes it as a class of the body. */
export function themeKind(): ThemeKind {
  const { classList } = document.body;
  if (classList.contains("vscode-high-contrast-light")) return "high-contrast-light";
  if (classList.contains("vscode-high-contrast")) return "high-contrast";
  return classList.contains("vscode-light") ? "light" : "dark";
}

/** Calls back whenever the theme changes. @returns a function that ends this. */
export function onThemeChange(listener: () => void): () => void {
  const observer = new MutationObserver(listener);
  observer.observe(document.body, {
    attributes: true,
    attributeFilter: ["class", "data-vscode-theme-id", "data-vscode-theme-name"],
  });
  return () => observer.disconnect();
}
