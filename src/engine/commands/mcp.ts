import type { Command } from "commander";

export function addMcp(program: Command): void {
  program
    .command("mcp")
    .argument("[folder...]", "folders of runs; runs in the working directory where left out")
    .description(
      "answer a Model Context Protocol client on stdin and stdout; reads runs and scores prompts, writes nothing",
    )
    .option("--answers", "also let the client read prompts and answers of reports", false)
    .action(async (folders: string[], { answers }: { answers: boolean }) => {
      const options = { folders: folders.length > 0 ? folders : ["runs"], root: process.cwd(), answers };
      // Read only now: every other command starts without the protocol.
      const [{ serveStdio }, { mcpServer }] = await Promise.all([
        import("@modelcontextprotocol/server/stdio"),
        import("./mcpTools.ts"),
      ]);
      serveStdio(() => mcpServer(options));
      await new Promise((resolve) => process.stdin.once("close", resolve));
    });
}
