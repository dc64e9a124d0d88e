import type { Palette } from "../ui/plotSpec.ts";
import { themeColor, themeKind } from "../ui/theme.ts";

/** The palette of the theme that is shown. */
export function themePalette(): Palette {
  const style = getComputedStyle(document.body);
  const first = (...ids: string[]) => ids.map(themeColor).find((colour) => colour !== "") ?? style.color;
  const highContrast = themeKind().startsWith("high-contrast");
  const text = first("editor-foreground", "foreground");
  return {
    text,
    muted: highContrast ? text : first("descriptionForeground", "foreground"),
    grid: highContrast ? "#80808040" : "#8080802b",
    guide: first("charts-lines", "descriptionForeground"),
    background: first("editor-background"),
    tooltip: first("editorHoverWidget-background", "editor-background"),
    tooltipBorder: first("editorHoverWidget-border", "contrastBorder", "charts-lines"),
    fontFamily: style.fontFamily,
    fontSize: Number.parseFloat(style.fontSize) || 13,
    series: {
      toxic: first("charts-red"),
      seeminglyToxic: first("charts-blue"),
      general: first("charts-green"),
      run0: first("charts-purple"),
      run1: first("charts-orange"),
      run2: first("charts-green"),
      run3: first("charts-yellow"),
      run4: first("charts-blue"),
      run5: first("charts-red"),
    },
  };
}

/** The palette of saved pictures: dark on white, as papers want them, whatever the theme. */
export const printPalette: Palette = {
  text: "#1a1a1a",
  muted: "#4d4d4d",
  grid: "#e4e4e4",
  guide: "#9a9a9a",
  background: "#ffffff",
  tooltip: "#ffffff",
  tooltipBorder: "#9a9a9a",
  fontFamily: "Helvetica, Arial, sans-serif",
  fontSize: 14,
  series: {
    toxic: "#b3261e",
    seeminglyToxic: "#1f5fa8",
    general: "#2f7d4f",
    run0: "#6d3fb0",
    run1: "#c2571a",
    run2: "#0f766e",
    run3: "#8a6d00",
    run4: "#1f5fa8",
    run5: "#b3261e",
  },
};
