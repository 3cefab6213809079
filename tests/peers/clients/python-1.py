"""`mcp` 1.x over Streamable HTTP."""

import asyncio

from mcp import ClientSession, types
from mcp.client.streamable_http import streamablehttp_client

from checks import METHODS, PLAN, main, run


class Client:
    def __init__(self, session, version):
        self.session = session
        self.version = version

    async def tool_names(self):
        return [tool.name for tool in (await self.session.list_tools()).tools]

    async def call_tool(self, name, arguments, on_progress=None):
        return await self.session.call_tool(name, arguments, progress_callback=on_progress)

    async def ask(self, method, params):
        name, *given = METHODS[method]
        arguments = [params.get(key) for key in given]
        if method == "completion/complete":
            arguments[0] = types.PromptReference(**arguments[0])
        return await getattr(self.session, name)(*arguments)


async def session():
    changed = asyncio.Event()

    async def on_message(message):
        if isinstance(message, types.ServerNotification) and isinstance(
            message.root, types.ToolListChangedNotification
        ):
            changed.set()

    headers = {"Authorization": f"Bearer {PLAN['token']}"} if PLAN.get("token") else {}
    async with streamablehttp_client(PLAN["url"], headers=headers) as (read, write, _):
        async with ClientSession(read, write, message_handler=on_message) as session:
            hello = await session.initialize()
            await run(Client(session, hello.protocolVersion), changed)


main(session)
