// The Inspector's command line: every question is a run of its own, which connects, asks once and leaves.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { plan, run } from "./checks.mjs";

const execute = promisify(execFile);

/** Runs it with one method and gives the result. */
async function inspect(method, ...options) {
  const args = [plan.program, "--cli", "--server-url", plan.url, "--transport", plan.transport];
  args.push("--header", `Authorization: Bearer ${plan.token}`, "--protocol-era", plan.era);
  // Without a token that works it fails, rather than asking somebody to sign in.
  args.push("--stored-auth-only", "--quiet", "--format", "json", "--method", method, ...options);
  const env = { ...process.env, HOME: plan.folder };
  // A tool's own error is a result, and told by the exit code as well.
  const { stdout, stderr } = await execute(process.execPath, args, { env, maxBuffer: 16 << 20 }).catch((ended) => ended);
  const told = parsed(stdout);
  if (!told) throw new Error(`${stderr}${stdout}`);
  return told.result ?? told;
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

const named = (what) => (params) => [`--${what}-name`, params.name];

const pairs = (values) => Object.entries(values ?? {}).map(([name, value]) => `${name}=${value}`);

/** The options that say what is asked about. */
const OPTIONS = {
  "prompts/get": (params) => [...named("prompt")(params), "--prompt-args", ...pairs(params.arguments)],
  "resources/read": (params) => ["--uri", params.uri],
};

run({
  isAlone: true,
  async connect() {},
  toolNames: async () => (await inspect("tools/list")).tools.map((tool) => tool.name),
  async callTool(name, args) {
    return inspect("tools/call", "--tool-name", name, "--tool-args-json", JSON.stringify(args));
  },
  ask: (method, params) => inspect(method, ...(OPTIONS[method]?.(params) ?? [])),
});
