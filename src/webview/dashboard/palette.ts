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
      // As `method-N` of plots.css.
      method0: first("descriptionForeground", "foreground"),
      method1: first("charts-orange", "charts-yellow"),
      method2: first("charts-blue"),
      method3: first("charts-purple"),
      method4: first("charts-green"),
      method5: first("charts-yellow"),
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
    method0: "#5f5f5f",
    method1: "#c2571a",
    method2: "#1f5fa8",
    method3: "#6d3fb0",
    method4: "#0f766e",
    method5: "#8a6d00",
  },
};
