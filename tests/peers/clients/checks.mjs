// The same checks for every TypeScript client. The plan comes as JSON in the variable PEER_PLAN;
// each check is printed as one line of JSON; `{"please": …}` asks the orchestrator for something
// and waits for a line on standard input.

import { createInterface } from "node:readline";

export const plan = JSON.parse(process.env.PEER_PLAN);
const PATIENCE_MS = 20_000;
const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

function say(line) {
  process.stdout.write(JSON.stringify(line) + "\n");
}

async function please(what, ...about) {
  say({ please: what, about });
  const { value } = await answers.next();
  expect(value === "done", `${what}: ${value}`);
}

function within(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took longer than ${PATIENCE_MS} ms`)), PATIENCE_MS);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

async function check(server, feature, run) {
  try {
    await within(run(), feature);
    say({ server, feature, ok: true });
  } catch (error) {
    say({ server, feature, ok: false, why: String(error?.message ?? error).slice(0, 400) });
  }
}

function expect(holds, what) {
  if (!holds) throw new Error(what);
}

const textOf = (result) => (result.content ?? []).map((part) => part.text ?? "").join("");

function expectText(result, text) {
  expect(!result.isError, `the tool failed: ${textOf(result)}`);
  expect(textOf(result).includes(text), `${JSON.stringify(text)} is not in ${textOf(result).slice(0, 200)}`);
}

/** The SDKs' own names of methods. */
const METHODS = {
  "prompts/list": "listPrompts",
  "prompts/get": "getPrompt",
  "resources/list": "listResources",
  "resources/templates/list": "listResourceTemplates",
  "resources/read": "readResource",
  "completion/complete": "complete",
};

/** What a client asks for by itself, in the SDKs' words. */
export const asking = (sdk) => (method, params) => sdk[METHODS[method]](params);

/** Something that happens, and is waited for. */
function bell() {
  const rung = [];
  let ring = () => {};
  return {
    rings: (what) => (rung.push(what), ring()),
    async until(holds) {
      while (!rung.some(holds)) await new Promise((resolve) => (ring = resolve));
    },
  };
}

/**
 * What a client has to offer: connect(heard), version(), toolNames(), callTool(name, args, options), ask(method, params),
 * subscribe(uri), which gives a function that ends it, and logged(level, tool), which calls a tool and wants to be
 * told that much. What it hears it tells `heard`: `tools` (changed), `updated` (a URI), `logged` (a level). One that
 * is a run of its own for every question says that it `isAlone`: it hears nothing, and looks up tools by itself.
 */
export async function run(client) {
  const [tools, updated, logged] = [bell(), bell(), bell()];
  let changes = 0;
  const heard = {
    tools: () => tools.rings((changes += 1)),
    updated: (uri) => updated.rings(uri),
    logged: (level) => logged.rings(level),
  };
  const does = {
    async call({ tool, arguments: args, expect: text }) {
      expect(names.includes(tool), `${tool} is not in ${names.join(", ")}`);
      expectText(await client.callTool(tool, args), text);
    },
    async ask({ method, params, expect: text }) {
      const told = JSON.stringify(await client.ask(method, params));
      expect(told.includes(text), `${JSON.stringify(text)} is not in ${told.slice(0, 200)}`);
    },
    async follow({ tool, arguments: args, expect: text, at_least }) {
      let told = 0;
      expectText(await client.callTool(tool, args, { onprogress: () => (told += 1) }), text);
      expect(told >= at_least, `progress was told ${told} times`);
    },
    async subscribe({ server, uri }) {
      const end = await client.subscribe(uri);
      await please("touch", server, uri);
      await updated.until((told) => told === uri);
      await end();
    },
    async log({ level, tool }) {
      await client.logged(level, tool);
      await logged.until((told) => told === level);
    },
    async cancel({ server, tool, arguments: args }) {
      const ending = new AbortController();
      const call = client.callTool(tool, args, { signal: ending.signal }).then(
        () => "it was answered",
        () => "it failed",
      );
      await please("held", server);
      ending.abort("not needed any more");
      expect((await call) === "it failed", "the call was answered");
      await please("cancelled", server);
    },
  };
  let names = [];
  await check(null, "connect", async () => {
    await client.connect(heard);
    if (plan.version) expect(client.version() === plan.version, `speaks ${client.version()}, not ${plan.version}`);
    names = await client.toolNames();
  });
  for (const planned of plan.checks) {
    await check(planned.server, planned.feature, () => does[planned.do](planned));
  }
  if (!client.isAlone) {
    await check(null, "calls at once", async () => {
      const { tool, arguments: args, vary, count } = plan.concurrent;
      const calls = Array.from({ length: count }, (_, index) =>
        client.callTool(tool, { ...args, [vary]: `call ${index}.` }),
      );
      (await Promise.all(calls)).forEach((result, index) => expectText(result, `call ${index}.`));
    });
  }
  await check(null, "a tool's error", async () => {
    const result = await client.callTool(plan.failing.tool, plan.failing.arguments);
    expect(result.isError === true, `isError is ${result.isError}`);
  });
  if (!client.isAlone) {
    await check(null, "unknown tool", async () => {
      const error = await client.callTool("no-such-tool", {}).then(() => null, (error) => error);
      expect(error?.code === -32602, `error ${error?.code}: ${error?.message}`);
    });
    await check(null, "list changed", async () => {
      const seen = changes;
      await please("disable");
      await tools.until((count) => count > seen);
      const names = await client.toolNames();
      expect(!names.includes(plan.gone), `${plan.gone} is still listed`);
    });
    await please("enable");
  }
  await check(null, "revoked", async () => {
    await please("revoke");
    const { tool, arguments: args } = plan.checks.find((planned) => planned.do === "call");
    const error = await client.callTool(tool, args).then(() => null, (error) => error);
    expect(error, "the call succeeded");
    const told = `${error.code} ${error.status} ${error.message}`;
    expect(/401|[Uu]nauthorized|-32001/.test(told), `the error is ${told}`);
  });
  process.exit(0);
}
