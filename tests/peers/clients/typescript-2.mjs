// `@modelcontextprotocol/client` 2.x, finding the era by itself or held to the legacy one.

import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { asking, plan, run } from "./checks.mjs";

const LOG_LEVEL = "io.modelcontextprotocol/logLevel";

let changed = () => {};
const client = new Client(
  { name: "typescript-2", version: "1.0.0" },
  {
    versionNegotiation: { mode: plan.era },
    listChanged: { tools: { autoRefresh: false, debounceMs: 0, onChanged: () => changed() } },
  },
);
const requestInit = { headers: { Authorization: `Bearer ${plan.token}` } };
let transport;

const isModern = () => client.getProtocolEra?.() === "modern";

run({
  async connect(heard) {
    changed = heard.tools;
    client.setNotificationHandler("notifications/resources/updated", ({ params }) => heard.updated(params.uri));
    client.setNotificationHandler("notifications/message", ({ params }) => heard.logged(params.level));
    transport = new StreamableHTTPClientTransport(new URL(plan.url), { requestInit });
    await client.connect(transport);
  },
  version: () => (isModern() ? "2026-07-28" : transport.protocolVersion),
  toolNames: async () => (await client.listTools()).tools.map((tool) => tool.name),
  callTool: (name, args, options) => client.callTool({ name, arguments: args }, options),
  ask: asking(client),
  async subscribe(uri) {
    if (isModern()) {
      const subscription = await client.listen({ resourceSubscriptions: [uri] });
      return () => subscription.close();
    }
    await client.subscribeResource({ uri });
    return () => client.unsubscribeResource({ uri });
  },
  async logged(level, name) {
    if (!isModern()) await client.setLoggingLevel(level);
    await client.callTool({ name, arguments: {}, ...(isModern() && { _meta: { [LOG_LEVEL]: level } }) });
  },
});
