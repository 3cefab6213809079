// `@modelcontextprotocol/client` 2.x, finding the era by itself or held to the legacy one.

import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { plan, run } from "./checks.mjs";

let changed = () => {};
const client = new Client(
  { name: "typescript-2", version: "1.0.0" },
  {
    versionNegotiation: { mode: plan.era },
    listChanged: { tools: { autoRefresh: false, debounceMs: 0, onChanged: () => changed() } },
  },
);
const requestInit = { headers: plan.token ? { Authorization: `Bearer ${plan.token}` } : {} };
let transport;

run({
  sdk: client,
  async connect(onToolsChanged) {
    changed = onToolsChanged;
    transport = new StreamableHTTPClientTransport(new URL(plan.url), { requestInit });
    await client.connect(transport);
  },
  version: () => (client.getProtocolEra?.() === "modern" ? "2026-07-28" : transport.protocolVersion),
  toolNames: async () => (await client.listTools()).tools.map((tool) => tool.name),
  callTool: (name, args, onprogress) => client.callTool({ name, arguments: args }, { onprogress }),
});
