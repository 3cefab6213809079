// `@modelcontextprotocol/sdk` 1.x, over Streamable HTTP, over HTTP+SSE of 2024-11-05, or with `mcp-remote` between.

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import {
  LoggingMessageNotificationSchema,
  ResourceUpdatedNotificationSchema,
  ToolListChangedNotificationSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { asking, plan, run } from "./checks.mjs";

const client = new Client({ name: "typescript-1", version: "1.0.0" });

function transport() {
  const authorization = `Bearer ${plan.token}`;
  if (plan.transport === "mcp-remote") {
    // As an editor's file of settings starts it; the header comes out of a variable.
    const args = [plan.program, plan.url, "--header", "Authorization:${AUTHORIZATION}", "--transport", "http-only"];
    const env = { ...process.env, AUTHORIZATION: authorization, MCP_REMOTE_CONFIG_DIR: plan.folder };
    return new StdioClientTransport({ command: process.execPath, args, env, stderr: "ignore" });
  }
  const Transport = plan.transport === "sse" ? SSEClientTransport : StreamableHTTPClientTransport;
  return new Transport(new URL(plan.url), { requestInit: { headers: { Authorization: authorization } } });
}

run({
  async connect(heard) {
    client.setNotificationHandler(ToolListChangedNotificationSchema, heard.tools);
    client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => heard.updated(params.uri));
    client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => heard.logged(params.level));
    await client.connect(transport());
  },
  version: () => client.transport.protocolVersion,
  toolNames: async () => (await client.listTools()).tools.map((tool) => tool.name),
  callTool: (name, args, options) => client.callTool({ name, arguments: args }, undefined, options),
  ask: asking(client),
  async subscribe(uri) {
    await client.subscribeResource({ uri });
    return () => client.unsubscribeResource({ uri });
  },
  async logged(level, name) {
    await client.setLoggingLevel(level);
    await client.callTool({ name, arguments: {} });
  },
});
