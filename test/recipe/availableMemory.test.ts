import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import { availableMemory } from "../../src/recipe/availableMemory.ts";
import { tempFolder } from "../tempFolder.ts";

const meminfo = "MemTotal:       16000000 kB\nMemFree:          100000 kB\nMemAvailable:    8000000 kB\n";

async function system(files: Record<string, string>): Promise<string> {
  const root = await tempFolder();
  for (const [path, text] of Object.entries({ "proc/meminfo": meminfo, ...files })) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  return root;
}

it("is what the machine has available, its file cache included", async () => {
  const machine = { bytes: 8_000_000 * 1024, total: 16_000_000 * 1024, limit: "machine" };
  expect(await availableMemory(await system({}), "linux")).toEqual(machine);
  const unlimited = { "proc/self/cgroup": "0::/user\n", "sys/fs/cgroup/user/memory.max": "max\n" };
  expect(await availableMemory(await system(unlimited), "linux")).toEqual(machine);
});

it("is what a container's group or one above it leaves, less what it can give up", async () => {
  const group = {
    "proc/self/cgroup": "0::/pod/app\n",
    "sys/fs/cgroup/pod/app/memory.max": "max\n",
    "sys/fs/cgroup/pod/app/memory.current": "1000\n",
    "sys/fs/cgroup/pod/memory.max": "4000000000\n",
    "sys/fs/cgroup/pod/memory.current": "3000000000\n",
    "sys/fs/cgroup/pod/memory.stat": "anon 5\ninactive_file 500000000\n",
  };
  expect(await availableMemory(await system(group), "linux")).toEqual({
    bytes: 1_500_000_000,
    total: 4_000_000_000,
    limit: "container",
  });
});

it("reads groups of the first version, seen from within a container", async () => {
  const group = {
    "proc/self/cgroup": "3:cpu,cpuacct:/docker/abc\n2:memory:/docker/abc\n",
    "sys/fs/cgroup/memory/memory.limit_in_bytes": "2000000000\n",
    "sys/fs/cgroup/memory/memory.usage_in_bytes": "500000000\n",
    "sys/fs/cgroup/memory/memory.stat": "total_inactive_file 100000000\n",
  };
  expect(await availableMemory(await system(group), "linux")).toEqual({
    bytes: 1_600_000_000,
    total: 2_000_000_000,
    limit: "container",
  });
});
