import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, isAbsolute, join, resolve } from "node:path";
import { execa } from "execa";

const publicIndex = "https://pypi.org/simple";

/**
 * The package index pip would use here: `PIP_INDEX_URL`, pip's own configuration, or PyPI. This is how a laboratory's
 * mirror is found.
 *
 * pip is only asked for its configuration; nothing is installed. It runs without a shell, in an empty folder, and in
 * Python's isolated mode, so that no module of the current folder, of `PYTHONPATH` or of the user's site-packages is
 * imported in its place.
 */
export async function configuredIndex(): Promise<string> {
  if (process.env.PIP_INDEX_URL) return process.env.PIP_INDEX_URL;
  const empty = await mkdtemp(join(tmpdir(), "discern-pip-"));
  try {
    const pip = await execa("python3", ["-I", "-m", "pip", "config", "list"], {
      reject: false,
      timeout: 5_000,
      cwd: empty,
      extendEnv: false,
      env: pipEnvironment(),
    });
    return (pip.exitCode === 0 ? listedIndex(String(pip.stdout)) : null) ?? publicIndex;
  } finally {
    await rm(empty, { recursive: true, force: true });
  }
}

/**
 * The index among the lines of `pip config list`, such as `global.index-url='https://…'`; what a command is given stands
 * before what all are. (`pip config get` does not see the file that `PIP_CONFIG_FILE` names.)
 */
function listedIndex(lines: string): string | null {
  for (const key of ["download.index-url", "global.index-url"]) {
    const line = lines.split(/\r?\n/).find((each) => each.startsWith(`${key}=`));
    const value = line?.slice(key.length + 1).replace(/^(['"])(.*)\1$/, "$2");
    if (value !== undefined && URL.canParse(value)) return value;
  }
  return null;
}

/** What pip needs to find its configuration files, and Windows to start a program. */
const passedOn = [
  "HOME",
  "XDG_CONFIG_HOME",
  "XDG_CONFIG_DIRS",
  "USERPROFILE",
  "APPDATA",
  "LOCALAPPDATA",
  "PROGRAMDATA",
  "SYSTEMROOT",
  "TEMP",
  "TMP",
  "TMPDIR",
] as const;

function pipEnvironment(): Record<string, string> {
  const own = passedOn.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  const config = process.env.PIP_CONFIG_FILE;
  return {
    ...Object.fromEntries(own),
    // A relative entry would name a program of the folder someone happens to stand in.
    PATH: (process.env.PATH ?? "").split(delimiter).filter(isAbsolute).join(delimiter),
    ...(config ? { PIP_CONFIG_FILE: resolve(config) } : {}),
    PIP_DISABLE_PIP_VERSION_CHECK: "1",
  };
}
