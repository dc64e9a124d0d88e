import { homedir } from "node:os";

/** A path as a person writes it, with the home folder in place of a `~` that it begins with. */
export function withHome(path: string): string {
  return path.replace(/^~(?=$|[\\/])/, () => homedir());
}
