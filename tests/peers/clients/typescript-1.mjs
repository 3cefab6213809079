// `@modelcontextprotocol/sdk` 1.x, over Streamable HTTP or over HTTP+SSE of 2024-11-05.

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { ToolListChangedNotificationSchema } from "@modelcontextprotocol/sdk/types.js";
import { plan, run } from "./checks.mjs";

const client = new Client({ name: "typescript-1", version: "1.0.0" });
const requestInit = { headers: plan.token ? { Authorization: `Bearer ${plan.token}` } : {} };
const Transport = plan.transport === "sse" ? SSEClientTransport : StreamableHTTPClientTransport;

run({
  sdk: client,
  async connect(onToolsChanged) {
    client.setNotificationHandler(ToolListChangedNotificationSchema, onToolsChanged);
    await client.connect(new Transport(new URL(plan.url), { requestInit }));
  },
  version: () => client.transport.protocolVersion,
  toolNames: async () => (await client.listTools()).tools.map((tool) => tool.name),
  callTool: (name, args, onprogress) => client.callTool({ name, arguments: args }, undefined, { onprogress }),
});
