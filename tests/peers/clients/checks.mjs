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

async function please(what) {
  say({ please: what });
  await answers.next();
}

function within(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took longer than ${PATIENCE_MS} ms`)), PATIENCE_MS);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

async function check(name, run) {
  try {
    await within(run(), name);
    say({ check: name, ok: true });
  } catch (error) {
    say({ check: name, ok: false, why: String(error?.message ?? error).slice(0, 400) });
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

/** What a client has to offer: connect(onToolsChanged), toolNames(), callTool(name, args, onprogress), sdk. */
export async function run(client) {
  let changes = 0;
  let heard = () => {};
  await check("connect", async () => {
    await client.connect(() => {
      changes += 1;
      heard();
    });
    if (plan.version) expect(client.version() === plan.version, `speaks ${client.version()}, not ${plan.version}`);
  });
  await check("list", async () => {
    const names = await client.toolNames();
    for (const name of plan.tools) expect(names.includes(name), `${name} is not in ${names.join(", ")}`);
  });
  for (const call of plan.calls) {
    await check(call.check, async () => expectText(await client.callTool(call.tool, call.arguments), call.expect));
  }
  for (const ask of plan.asks) {
    await check(ask.check, async () => {
      const told = JSON.stringify(await client.sdk[METHODS[ask.method]](ask.params));
      expect(told.includes(ask.expect), `${JSON.stringify(ask.expect)} is not in ${told.slice(0, 200)}`);
    });
  }
  for (const call of plan.progress) {
    await check(call.check, async () => {
      let told = 0;
      const result = await client.callTool(call.tool, call.arguments, () => (told += 1));
      expectText(result, call.expect);
      expect(told >= call.at_least, `progress was told ${told} times`);
    });
  }
  await check("concurrent", async () => {
    const calls = Array.from({ length: plan.concurrent.count }, (_, index) =>
      client.callTool(plan.concurrent.tool, { ...plan.concurrent.arguments, [plan.concurrent.vary]: `call ${index}.` }),
    );
    (await Promise.all(calls)).forEach((result, index) => expectText(result, `call ${index}.`));
  });
  await check("tool error", async () => {
    const result = await client.callTool(plan.failing.tool, plan.failing.arguments);
    expect(result.isError === true, `isError is ${result.isError}`);
  });
  await check("unknown tool", async () => {
    const error = await client.callTool("no-such-tool", {}).then(() => null, (error) => error);
    expect(error?.code === -32602, `error ${error?.code}: ${error?.message}`);
  });
  await check("list_changed", async () => {
    const seen = changes;
    const told = new Promise((resolve) => (heard = resolve));
    await please("disable");
    if (changes === seen) await told;
    const names = await client.toolNames();
    expect(!names.includes(plan.gone), `${plan.gone} is still listed`);
  });
  await please("enable");
  await check("revoked", async () => {
    await please("revoke");
    const error = await client.callTool(plan.calls[0].tool, plan.calls[0].arguments).then(() => null, (error) => error);
    expect(error, "the call succeeded");
    const told = `${error.code} ${error.status} ${error.message}`;
    expect(/401|[Uu]nauthorized|-32001/.test(told), `the error is ${told}`);
  });
  process.exit(0);
}
