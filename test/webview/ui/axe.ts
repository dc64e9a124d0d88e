import axe from "axe-core";

/** Faults that axe finds in what the page shows, by rule; colours need a real browser and are looked at there. */
export async function faults(root: Element): Promise<string[]> {
  const { violations } = await axe.run(root, { rules: { "color-contrast": { enabled: false } } });
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
}
