/** What every page says once it can be told things. */
export const readyMessage = { type: "ready" } as const;

/** What every page can be told: to show its help. */
export const openHelpMessage = { type: "openHelp" } as const;

/** Whether a message between host and page is this one, whatever else it carries. */
export function isMessage(message: unknown, { type }: { readonly type: string }): boolean {
  return (message as { type?: unknown } | null)?.type === type;
}
