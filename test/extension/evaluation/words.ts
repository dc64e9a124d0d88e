/** `vscode.l10n` without an editor, in English. */
export const words = {
  t: (message: string, ...args: (string | number)[]) =>
    message.replace(/\{(\d)\}/g, (_, i: string) => String(args[Number(i)])),
};
