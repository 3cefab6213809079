"""`mcp` 2.x, finding the era by itself or held to the legacy one."""

import asyncio
from contextlib import AsyncExitStack

from mcp import types
from mcp.client import Client as McpClient
from mcp.client.streamable_http import create_mcp_http_client, streamable_http_client

from checks import METHODS, PLAN, main, run

MODERN = "2026-07-28"


class Client:
    def __init__(self, client):
        self.client = client
        self.version = client.protocol_version

    async def tool_names(self):
        return [tool.name for tool in (await self.client.list_tools()).tools]

    async def call_tool(self, name, arguments, on_progress=None):
        return await self.client.call_tool(name, arguments, progress_callback=on_progress)

    async def ask(self, method, params):
        name, *given = METHODS[method]
        arguments = [params.get(key) for key in given]
        if method == "completion/complete":
            arguments[0] = types.PromptReference(**arguments[0])
        return await getattr(self.client, name)(*arguments)


async def session():
    changed = asyncio.Event()

    async def on_message(message):
        if getattr(message, "method", None) == "notifications/tools/list_changed":
            changed.set()

    async def listen(subscription):
        async for _ in subscription:
            changed.set()

    headers = {"Authorization": f"Bearer {PLAN['token']}"} if PLAN.get("token") else {}
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(create_mcp_http_client(headers=headers))
        transport = streamable_http_client(PLAN["url"], http_client=http)
        client = McpClient(transport, mode=PLAN["era"], message_handler=on_message)
        client = await stack.enter_async_context(client)
        listening = None
        if client.protocol_version == MODERN:
            subscription = await stack.enter_async_context(client.listen(tools_list_changed=True))
            listening = asyncio.create_task(listen(subscription))
        await run(Client(client), changed)
        if listening:
            listening.cancel()


main(session)
