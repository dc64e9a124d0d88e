import type { Nodes } from "./launch.ts";

/** The command that takes part on another machine, each with a number of its own. */
export function joinCommand({ count, rendezvous, id }: Nodes, processes: number): string {
  const rank = count === 2 ? "1" : `1…${count - 1}`;
  return `discern torch join --nodes ${count} --rank ${rank} --rendezvous ${rendezvous} --id ${id} --processes ${processes}`;
}
